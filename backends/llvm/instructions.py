"""Each op of the `llvm` dialect as one LLVM IR instruction; `translator` puts them into functions."""

from collections.abc import Callable, Mapping

from xdsl.dialects import llvm
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, StringAttr, SymbolRefAttr
from xdsl.ir import Operation

from penstock.backends.llvm.function_names import FunctionNames, symbol_text
from penstock.backends.llvm.synchronisation import SYNCHRONISATION
from penstock.backends.llvm.text_types import overload_suffix, type_text
from penstock.dialects import llvm_ext
from penstock.dialects.llvm_atomics import ORDERINGS
from penstock.dialects.llvm_intrinsics import INTRINSICS

Writer = Callable[[FunctionNames, Operation], str]

_BINARY: Mapping[str, str] = {
    op.name: op.name.removeprefix("llvm.")
    for op in (
        *(llvm.AddOp, llvm.SubOp, llvm.MulOp, llvm.UDivOp, llvm.SDivOp, llvm.URemOp, llvm.SRemOp),
        *(llvm.AndOp, llvm.OrOp, llvm.XOrOp, llvm.ShlOp, llvm.LShrOp, llvm.AShrOp),
        *(llvm.FAddOp, llvm.FSubOp, llvm.FMulOp, llvm.FDivOp, llvm.FRemOp),
    )
}
_CASTS: Mapping[str, str] = {
    op.name: op.name.removeprefix("llvm.")
    for op in (
        *(llvm.TruncOp, llvm.ZExtOp, llvm.SExtOp, llvm.BitcastOp, llvm.PtrToIntOp, llvm.IntToPtrOp),
        *(llvm.FPExtOp, llvm.FPTruncOp, llvm.SIToFPOp),
        *(llvm_ext.UIToFPOp, llvm_ext.FPToSIOp, llvm_ext.FPToUIOp),
    )
}
_INTRINSICS: Mapping[str, str] = {
    op.name: op.name.replace("llvm.intr.", "llvm.")
    for op in (
        *(llvm.FAbsOp, llvm.FCeilOp, llvm.FFloorOp, llvm.FSqrtOp, llvm.FCopySignOp, llvm.FMAOp),
        *(llvm.VectorFMaxOp, llvm.VectorFMinOp, llvm.VectorReduceFAddOp, llvm.VectorReduceFMulOp),
        *INTRINSICS,
    )
}
_OVERFLOW = ("", " nsw", " nuw", " nuw nsw")
_TAIL_FLAGS = {"llvm.intr.ctlz": "is_zero_poison", "llvm.intr.cttz": "is_zero_poison"} | {
    "llvm.intr.abs": "is_int_min_poison"
}


def _number(op: Operation, name: str) -> int:
    value = op.properties[name]
    assert isinstance(value, IntegerAttr), f"{op.name}: {name} is a number"
    return value.value.data


def _reject_fast_math(op: Operation) -> None:
    flags = op.properties.get("fastmathFlags")
    if isinstance(flags, llvm.FastMathAttr) and flags.data:
        raise NotImplementedError(
            f"llvm: {op.name} with fast-math flags: every numeric freedom is a pass of ours"
        )


def _binary(w: FunctionNames, op: Operation) -> str:
    _reject_fast_math(op)
    lhs, rhs = op.operands
    flags = _OVERFLOW[_number(op, "overflowFlags")] if "overflowFlags" in op.properties else ""
    if "isExact" in op.properties:
        flags = " exact"
    return f"{_BINARY[op.name]}{flags} {w.typed(lhs)}, {w.names[rhs]}"


def _cast(w: FunctionNames, op: Operation) -> str:
    return f"{_CASTS[op.name]} {w.typed(op.operands[0])} to {w.type_of(op.results[0])}"


def _negate(w: FunctionNames, op: Operation) -> str:
    _reject_fast_math(op)
    return f"fneg {w.typed(op.operands[0])}"


def _compare_integers(w: FunctionNames, op: Operation) -> str:
    lhs, rhs = op.operands
    predicate = llvm.ICmpPredicateFlag.from_int(_number(op, "predicate")).value
    return f"icmp {predicate} {w.typed(lhs)}, {w.names[rhs]}"


def _compare_floats(w: FunctionNames, op: Operation) -> str:
    _reject_fast_math(op)
    lhs, rhs = op.operands
    predicate = llvm.FCmpPredicateFlag.from_int(_number(op, "predicate")).value.lstrip("_")
    return f"fcmp {predicate} {w.typed(lhs)}, {w.names[rhs]}"


def _select(w: FunctionNames, op: Operation) -> str:
    return f"select {', '.join(map(w.typed, op.operands))}"


def _intrinsic(w: FunctionNames, op: Operation) -> str:
    _reject_fast_math(op)
    overload = op.operands[len(op.operands) - 1]
    name = f"{_INTRINSICS[op.name]}.{overload_suffix(overload.type)}"
    arguments, declared = [w.typed(v) for v in op.operands], [w.type_of(v) for v in op.operands]
    if op.name in _TAIL_FLAGS:
        arguments.append(f"i1 {_number(op, _TAIL_FLAGS[op.name]) & 1}")
        declared.append("i1 immarg")
    return w.call(name, arguments, w.type_of(op.results[0]), declared)


def _call_intrinsic(w: FunctionNames, op: Operation) -> str:
    _reject_fast_math(op)
    name = op.properties["intrin"]
    assert isinstance(name, StringAttr), "an intrinsic has a name"
    result = w.type_of(op.results[0]) if op.results else "void"
    arguments, declared = [w.typed(v) for v in op.operands], [w.type_of(v) for v in op.operands]
    return w.call(name.data, arguments, result, declared)


def _load(w: FunctionNames, op: Operation) -> str:
    order = _number(op, "ordering")
    what = f"{w.type_of(op.results[0])}, {w.typed(op.operands[0])}"
    if not order:
        return f"load {what}{_alignment(op)}"
    return f"load atomic {what} {ORDERINGS[order]}{_alignment(op)}"


def _store(w: FunctionNames, op: Operation) -> str:
    what = ", ".join(map(w.typed, op.operands))
    order = _number(op, "ordering") if "ordering" in op.properties else 0
    if not order:
        return f"store {what}{_alignment(op)}"
    return f"store atomic {what} {ORDERINGS[order]}{_alignment(op)}"


def _alignment(op: Operation) -> str:
    return f", align {_number(op, 'alignment')}" if "alignment" in op.properties else ""


def _masked_load(w: FunctionNames, op: Operation) -> str:
    pointer, mask, pass_thru = op.operands
    vector, mask_type = w.type_of(pass_thru), w.type_of(mask)
    arguments = [
        f"ptr align {_number(op, 'alignment')} {w.names[pointer]}",
        w.typed(mask),
        w.typed(pass_thru),
    ]
    name = f"llvm.masked.load.{overload_suffix(pass_thru.type)}.p0"
    return w.call(name, arguments, vector, ["ptr", mask_type, vector])


def _masked_store(w: FunctionNames, op: Operation) -> str:
    value, pointer, mask = op.operands
    arguments = [w.typed(value), f"ptr align {_number(op, 'alignment')} {w.names[pointer]}", w.typed(mask)]
    name = f"llvm.masked.store.{overload_suffix(value.type)}.p0"
    return w.call(name, arguments, "void", [w.type_of(value), "ptr", w.type_of(mask)])


def _prefetch(w: FunctionNames, op: Operation) -> str:
    (pointer,) = op.operands
    hints = [f"i32 {_number(op, name)}" for name in ("rw", "hint", "cache")]
    return w.call("llvm.prefetch.p0", [w.typed(pointer), *hints], "void", ["ptr", *["i32 immarg"] * 3])


def _getelementptr(w: FunctionNames, op: Operation) -> str:
    assert isinstance(op, llvm.GEPOp), "getelementptr is a GEPOp"
    dynamic = iter(op.ssa_indices)
    constants = op.rawConstantIndices.get_values()
    indices = [w.typed(next(dynamic)) if c == llvm.GEP_USE_SSA_VAL else f"i32 {c}" for c in constants]
    inbounds = " inbounds" if op.inbounds is not None else ""
    return f"getelementptr{inbounds} {type_text(op.elem_type)}, {w.typed(op.ptr)}, {', '.join(indices)}"


def _alloca(w: FunctionNames, op: Operation) -> str:
    assert isinstance(op, llvm.AllocaOp), "alloca is an AllocaOp"
    return f"alloca {type_text(op.elem_type)}, {w.typed(op.size)}{_alignment(op)}"


def _insert_element(w: FunctionNames, op: Operation) -> str:
    return f"insertelement {', '.join(map(w.typed, op.operands))}"


def _extract_element(w: FunctionNames, op: Operation) -> str:
    return f"extractelement {', '.join(map(w.typed, op.operands))}"


def _shuffle_vector(w: FunctionNames, op: Operation) -> str:
    mask = op.properties["mask"]
    assert isinstance(mask, DenseArrayBase), "a mask is a list of numbers"
    positions = [int(position) for position in mask.get_values()]
    if any(positions):
        items = ", ".join("i32 poison" if p < 0 else f"i32 {p}" for p in positions)
        text = f"<{items}>"
    else:
        text = "zeroinitializer"
    return f"shufflevector {', '.join(map(w.typed, op.operands))}, <{len(positions)} x i32> {text}"


def _branch(w: FunctionNames, op: Operation) -> str:
    return f"br label %{w.labels[op.successors[0]]}"


def _branch_if(w: FunctionNames, op: Operation) -> str:
    then, otherwise = op.successors
    return f"br {w.typed(op.operands[0])}, label %{w.labels[then]}, label %{w.labels[otherwise]}"


def _call(w: FunctionNames, op: Operation) -> str:
    """A call by name, or of the pointer that comes first."""
    callee, operands = op.properties.get("callee"), list(op.operands)
    result = w.type_of(op.results[0]) if op.results else "void"
    if isinstance(callee, SymbolRefAttr):
        name = f"@{symbol_text(callee.string_value())}"
    else:
        name = w.names[operands.pop(0)]
    return f"call {result} {name}({', '.join(map(w.typed, operands))})"


def _return(w: FunctionNames, op: Operation) -> str:
    return f"ret {w.typed(op.operands[0])}" if op.operands else "ret void"


WRITERS: Mapping[str, Writer] = {
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(_CASTS, _cast),
    **dict.fromkeys(_INTRINSICS, _intrinsic),
    **SYNCHRONISATION,
    "llvm.alloca": _alloca,
    "llvm.br": _branch,
    "llvm.call": _call,
    "llvm.call_intrinsic": _call_intrinsic,
    "llvm.cond_br": _branch_if,
    "llvm.extractelement": _extract_element,
    "llvm.fcmp": _compare_floats,
    "llvm.fneg": _negate,
    "llvm.getelementptr": _getelementptr,
    "llvm.icmp": _compare_integers,
    "llvm.insertelement": _insert_element,
    "llvm.intr.masked.load": _masked_load,
    "llvm.intr.masked.store": _masked_store,
    "llvm.intr.prefetch": _prefetch,
    "llvm.load": _load,
    "llvm.return": _return,
    "llvm.select": _select,
    "llvm.shufflevector": _shuffle_vector,
    "llvm.store": _store,
    "llvm.unreachable": lambda w, op: "unreachable",
}
"""How each op is written, without the name of its result."""
