"""The words of a pool of threads, what is done to them, for `thread_pool`: loads, stores, atomic steps."""

from xdsl.dialects import llvm
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, SymbolRefAttr, i1, i8, i32, i64
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.llvm_atomics import AtomicRMWOp, CmpXchgOp, ordering
from penstock.dialects.thread_pool import ARGUMENTS, PARTS, TASK, WAIT, WAKE
from penstock.passes.lowering.llvm_control import call_op
from penstock.passes.lowering.llvm_emitter import Emitter
from penstock.passes.lowering.llvm_memory import advance
from penstock.passes.lowering.llvm_types import POINTER


def call(e: Emitter, name: str, *arguments: SSAValue) -> None:
    """Call a function by name."""
    e.append(call_op(SymbolRefAttr(name), arguments))


class Pool:
    """The words of a pool, in a function that is under construction."""

    def __init__(self, e: Emitter, pointer: SSAValue) -> None:
        self.e = e
        self.pointer = pointer

    def place(self, offset: int) -> SSAValue:
        """The address of a word."""
        e = self.e
        return advance(e, self.pointer, e.integer(offset, i64), i8, inbounds=True) if offset else self.pointer

    def load(self, offset: int, kind: Attribute) -> SSAValue:
        """Read a word that no one writes meanwhile."""
        return self.e.emit(llvm.LoadOp, (self.place(offset),), kind, _properties(kind, 0))

    def store(self, offset: int, value: SSAValue) -> None:
        """Write a word that no one looks at meanwhile."""
        operands = (value, self.place(offset))
        self.e.append(llvm.StoreOp.create(operands=operands, properties=_properties(value.type, 0)))

    def look(self, offset: int, order: str = "acquire") -> SSAValue:
        """Read a number that others change."""
        properties = _properties(i32, ordering(order).value.data)
        return self.e.emit(llvm.LoadOp, (self.place(offset),), i32, properties)

    def change(self, offset: int, operator: str, value: int | SSAValue, order: str) -> SSAValue:
        """Change a number in one step; what it was."""
        number = self.e.integer(value, i32) if isinstance(value, int) else value
        op = AtomicRMWOp(operator, self.place(offset), number, ordering(order))
        self.e.append(op)
        return op.res

    def replace(self, offset: int, expected: SSAValue, value: SSAValue) -> SSAValue:
        """Put another number where the expected one stands, in one step; whether it stood there."""
        orders = (ordering("acquire"), ordering("monotonic"))
        op = CmpXchgOp(self.place(offset), expected, value, *orders)
        self.e.append(op)
        position = DenseArrayBase.from_list(i64, [1])
        return self.e.emit(llvm.ExtractValueOp, (op.res,), i1, {"position": position})

    def sleep(self, offset: int, number: SSAValue) -> None:
        """Sleep until woken, unless the word is not `number` any more; may end for no reason."""
        call(self.e, WAIT, self.place(offset), number)

    def wake(self, offset: int, count: SSAValue) -> None:
        """Wake up to `count` threads that sleep on a word."""
        call(self.e, WAKE, self.place(offset), count)

    def run(self, part: SSAValue) -> None:
        """Run a part of the job."""
        task, arguments = self.load(TASK, POINTER), self.load(ARGUMENTS, POINTER)
        wide = self.e.emit(llvm.SExtOp, (part,), i64)
        self.e.append(call_op(None, (task, arguments, wide, self.load(PARTS, i64))))


def _properties(kind: Attribute, order: int) -> dict[str, Attribute]:
    """An access with the alignment that its size has."""
    alignment = 4 if kind == i32 else 8
    return {"alignment": IntegerAttr(alignment, i64), "ordering": IntegerAttr(order, i64)}
