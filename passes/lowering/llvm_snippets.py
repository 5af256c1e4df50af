"""Short sequences of llvm ops that several parts of `lower-loops-to-llvm` need."""

from collections.abc import Mapping

from xdsl.dialects import llvm
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, VectorType, i1, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects import llvm_ext
from penstock.passes.lowering.llvm_emitter import STRICT, Emitter
from penstock.passes.lowering.llvm_types import element_of, lanes, with_element

_FLOAT_PREDICATES: Mapping[str, Mapping[str, Attribute]] = {
    flag.value.lstrip("_"): {**STRICT, "predicate": IntegerAttr(number, i64)}
    for number, flag in enumerate(llvm.FCmpPredicateFlag)
}
_INTEGER_PREDICATES: Mapping[str, Mapping[str, Attribute]] = {
    flag.value: {"predicate": IntegerAttr(number, i64)} for number, flag in enumerate(llvm.ICmpPredicateFlag)
}


def compare_floats(e: Emitter, predicate: str, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
    """Compare by a predicate such as `olt`."""
    return e.emit(llvm_ext.FCmpOp, (lhs, rhs), with_element(lhs.type, i1), _FLOAT_PREDICATES[predicate])


def compare_integers(e: Emitter, predicate: str, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
    """Compare by a predicate such as `slt`."""
    return e.emit(llvm.ICmpOp, (lhs, rhs), with_element(lhs.type, i1), _INTEGER_PREDICATES[predicate])


def select(e: Emitter, condition: SSAValue, then: SSAValue, otherwise: SSAValue) -> SSAValue:
    """`then` where the condition holds, `otherwise` elsewhere."""
    return e.emit(llvm_ext.SelectOp, (condition, then, otherwise), then.type, STRICT)


def binary(e: Emitter, op_class: type[Operation], lhs: SSAValue, rhs: SSAValue) -> SSAValue:
    """An op whose operands and result have one type."""
    return e.emit(op_class, (lhs, rhs), lhs.type)


def shuffle(e: Emitter, lhs: SSAValue, rhs: SSAValue, mask: list[int]) -> SSAValue:
    """The elements of `lhs` and `rhs`, numbered through, that `mask` lists."""
    result_type = VectorType(element_of(lhs.type), [len(mask)])
    properties = {"mask": DenseArrayBase.from_list(i32, mask)}
    return e.emit(llvm.ShuffleVectorOp, (lhs, rhs), result_type, properties)


def splat(e: Emitter, scalar: SSAValue, vector_type: Attribute) -> SSAValue:
    """A vector with `scalar` everywhere."""
    poison = e.emit(llvm_ext.PoisonOp, (), vector_type)
    first = e.emit(llvm.InsertElementOp, (poison, scalar, e.integer(0, i64)), vector_type)
    return shuffle(e, first, poison, [0] * lanes(vector_type))
