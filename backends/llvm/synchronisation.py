"""What threads do to memory that they share, as LLVM IR instructions."""

from collections.abc import Callable, Mapping

from xdsl.dialects import llvm
from xdsl.ir import Operation

from penstock.backends.llvm.function_names import FunctionNames
from penstock.dialects.llvm_atomics import AtomicRMWOp, CmpXchgOp, ordering_name


def _atomic_rmw(w: FunctionNames, op: Operation) -> str:
    assert isinstance(op, AtomicRMWOp), "atomicrmw is an AtomicRMWOp"
    operator = op.operator.removeprefix("_")
    return f"atomicrmw {operator} {w.typed(op.ptr)}, {w.typed(op.val)} {ordering_name(op.ordering)}"


def _compare_and_exchange(w: FunctionNames, op: Operation) -> str:
    assert isinstance(op, CmpXchgOp), "cmpxchg is a CmpXchgOp"
    orders = f"{ordering_name(op.success_ordering)} {ordering_name(op.failure_ordering)}"
    return f"cmpxchg {', '.join(map(w.typed, op.operands))} {orders}"


def _extract_value(w: FunctionNames, op: Operation) -> str:
    assert isinstance(op, llvm.ExtractValueOp), "extractvalue is an ExtractValueOp"
    return f"extractvalue {w.typed(op.container)}, {', '.join(map(str, op.position.get_values()))}"


SYNCHRONISATION: Mapping[str, Callable[[FunctionNames, Operation], str]] = {
    "llvm.atomicrmw": _atomic_rmw,
    "llvm.cmpxchg": _compare_and_exchange,
    "llvm.extractvalue": _extract_value,
}
