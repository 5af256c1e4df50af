"""Movement, masks and reductions of vectors, for `lower-loops-to-llvm`.

A sum or product of floating-point elements is taken in order, as `vector.reduction` says, unless the op
carries `fastmath<reassoc>`: then by halves, a fixed tree that is the same in every run.
"""

from collections.abc import Mapping

from xdsl.dialects import llvm
from xdsl.dialects.arith import FastMathFlagsAttr
from xdsl.dialects.builtin import DenseArrayBase, VectorType, i8, i16, i32, i64
from xdsl.dialects.utils import FastMathFlag
from xdsl.dialects.vector import CombiningKindAttr
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects import llvm_ext, llvm_intrinsics
from penstock.dialects.narrowing import is_vector
from penstock.passes.lowering.llvm_constants import dense_integers
from penstock.passes.lowering.llvm_emitter import NO_PROPERTIES, STRICT, Emitter
from penstock.passes.lowering.llvm_half import is_half, narrow, widen
from penstock.passes.lowering.llvm_snippets import binary, compare_integers, shuffle, splat
from penstock.passes.lowering.llvm_types import element_of, lanes

Combination = tuple[type[Operation], type[Operation], Mapping[str, Attribute]]
_INTEGER_KINDS: Mapping[str, Combination] = {
    "add": (llvm_intrinsics.ReduceAddOp, llvm.AddOp, NO_PROPERTIES),
    "mul": (llvm_intrinsics.ReduceMulOp, llvm.MulOp, NO_PROPERTIES),
    "and": (llvm_intrinsics.ReduceAndOp, llvm.AndOp, NO_PROPERTIES),
    "or": (llvm_intrinsics.ReduceOrOp, llvm.OrOp, NO_PROPERTIES),
    "xor": (llvm_intrinsics.ReduceXOrOp, llvm.XOrOp, NO_PROPERTIES),
    "minsi": (llvm_intrinsics.ReduceSMinOp, llvm_intrinsics.SMinOp, NO_PROPERTIES),
    "maxsi": (llvm_intrinsics.ReduceSMaxOp, llvm_intrinsics.SMaxOp, NO_PROPERTIES),
    "minui": (llvm_intrinsics.ReduceUMinOp, llvm_intrinsics.UMinOp, NO_PROPERTIES),
    "maxui": (llvm_intrinsics.ReduceUMaxOp, llvm_intrinsics.UMaxOp, NO_PROPERTIES),
    "minnumf": (llvm_intrinsics.ReduceFMinOp, llvm.VectorFMinOp, STRICT),
    "maxnumf": (llvm_intrinsics.ReduceFMaxOp, llvm.VectorFMaxOp, STRICT),
    "minimumf": (llvm_intrinsics.ReduceFMinimumOp, llvm_intrinsics.MinimumOp, NO_PROPERTIES),
    "maximumf": (llvm_intrinsics.ReduceFMaximumOp, llvm_intrinsics.MaximumOp, NO_PROPERTIES),
}
_FLOAT_SUMS: Mapping[str, tuple[type[Operation], type[Operation], float]] = {
    "add": (llvm.VectorReduceFAddOp, llvm.FAddOp, -0.0),
    "mul": (llvm.VectorReduceFMulOp, llvm.FMulOp, 1.0),
}


def _broadcast(e: Emitter, op: Operation) -> None:
    source, result = op.operands[0], op.results[0]
    value = e.value(source)
    if is_vector(source.type):
        zeros = [0] * lanes(result.type) if lanes(source.type) == 1 else list(range(lanes(source.type)))
        e.bind(result, shuffle(e, value, value, zeros))
        return
    e.bind(result, splat(e, value, e.type_of(result)))


def _static_position(op: Operation) -> int:
    position = op.properties["static_position"]
    assert isinstance(position, DenseArrayBase), "a position is a list of numbers"
    numbers = position.get_values()
    if len(numbers) != 1 or numbers[0] < 0:
        raise NotImplementedError(
            f"lower-loops-to-llvm: {op.name} at {position}: one constant position is needed"
        )
    return int(numbers[0])


def _extract(e: Emitter, op: Operation) -> None:
    result = op.results[0]
    operands = (e.value(op.operands[0]), e.integer(_static_position(op), i64))
    e.bind(result, e.emit(llvm_ext.ExtractElementOp, operands, e.type_of(result)))


def _insert(e: Emitter, op: Operation) -> None:
    source, dest = op.operands[:2]
    operands = (e.value(dest), e.value(source), e.integer(_static_position(op), i64))
    e.bind(op.results[0], e.emit(llvm.InsertElementOp, operands, e.type_of(dest)))


def _shuffle(e: Emitter, op: Operation) -> None:
    lhs, rhs = op.operands
    mask = op.properties["mask"]
    assert isinstance(mask, DenseArrayBase), "a mask is a list of numbers"
    positions = [int(position) for position in mask.get_values()]
    first, second = lanes(lhs.type), lanes(rhs.type)
    values = [e.value(lhs), e.value(rhs)]
    if first != second:
        # LLVM shuffles two vectors of one length: lengthen the shorter, and renumber what follows the first.
        length = max(first, second)
        values = [_lengthen(e, value, length) for value in values]
        positions = [p + (length - first) * (p >= first) for p in positions]
    e.bind(op.results[0], shuffle(e, values[0], values[1], positions))


def _lengthen(e: Emitter, value: SSAValue, length: int) -> SSAValue:
    before = lanes(value.type)
    return (
        value if before == length else shuffle(e, value, value, [*range(before), *[-1] * (length - before)])
    )


def _create_mask(e: Emitter, op: Operation) -> None:
    """Lane i is on when i < n: n clamped to the number of lanes, compared in short numbers."""
    result = op.results[0]
    count = lanes(result.type)
    element = i32 if count <= 16 else i16 if count <= 32 else i8
    limit = e.value(op.operands[0])
    floor = binary(e, llvm_intrinsics.SMaxOp, limit, e.integer(0, i64))
    clamped = binary(e, llvm_intrinsics.SMinOp, floor, e.integer(count, i64))
    numbers = VectorType(element, [count])
    limits = splat(e, e.emit(llvm.TruncOp, (clamped,), element), numbers)
    lane = e.constant(dense_integers(range(count), numbers), numbers)
    e.bind(result, compare_integers(e, "ult", lane, limits))


def _reduce(e: Emitter, op: Operation) -> None:
    source, result = op.operands[0], op.results[0]
    operands = [widen(e, e.value(v), v.type) if is_half(v.type) else e.value(v) for v in op.operands]
    kind = op.properties["kind"]
    assert isinstance(kind, CombiningKindAttr), "a reduction has a kind"
    is_float = not isinstance(element_of(operands[0].type), type(i32))
    name = str(kind.data.value)
    combine = _reduce_sum if is_float and name in _FLOAT_SUMS else _reduce_any
    total = combine(e, name, operands[0], operands[1] if len(operands) == 2 else None, op)
    e.bind(result, narrow(e, total, result.type) if is_half(source.type) else total)


def _reduce_any(e: Emitter, name: str, vector: SSAValue, start: SSAValue | None, op: Operation) -> SSAValue:
    """The order does not matter to these kinds."""
    reduction, pairwise, properties = _INTEGER_KINDS[name]
    element = element_of(vector.type)
    total = e.emit(reduction, (vector,), element)
    return total if start is None else e.emit(pairwise, (start, total), element, properties)


def _reduce_sum(e: Emitter, name: str, vector: SSAValue, start: SSAValue | None, op: Operation) -> SSAValue:
    in_order, pairwise, neutral = _FLOAT_SUMS[name]
    element = element_of(vector.type)
    if not _may_reassociate(op):
        first = e.real(neutral, element) if start is None else start
        return e.emit(in_order, (first, vector), element, STRICT)
    total = _reduce_by_halves(e, pairwise, vector)
    return total if start is None else e.emit(pairwise, (start, total), element, STRICT)


def _may_reassociate(op: Operation) -> bool:
    flags = op.properties.get("fastmath")
    return isinstance(flags, FastMathFlagsAttr) and FastMathFlag.REASSOC in flags.data


def _reduce_by_halves(e: Emitter, pairwise: type[Operation], vector: SSAValue) -> SSAValue:
    """Combine the upper half with the lower until one element is left; an odd one out is added last."""
    count = lanes(vector.type)
    if count == 1:
        return e.emit(llvm_ext.ExtractElementOp, (vector, e.integer(0, i64)), element_of(vector.type))
    half = count // 2
    lower = shuffle(e, vector, vector, list(range(half)))
    upper = shuffle(e, vector, vector, list(range(half, 2 * half)))
    total = e.emit(pairwise, (lower, upper), lower.type, STRICT)
    if count % 2:
        last = e.emit(llvm_ext.ExtractElementOp, (vector, e.integer(count - 1, i64)), element_of(vector.type))
        rest = _reduce_by_halves(e, pairwise, total)
        return e.emit(pairwise, (rest, last), rest.type, STRICT)
    return _reduce_by_halves(e, pairwise, total)


VECTOR_EMITTERS = {
    "vector.broadcast": _broadcast,
    "vector.create_mask": _create_mask,
    "vector.extract": _extract,
    "vector.insert": _insert,
    "vector.reduction": _reduce,
    "vector.shuffle": _shuffle,
}
