"""Buffers and the accesses to them, for `lower-loops-to-llvm`.

An access is one `getelementptr` over a linear index; accesses whose indices differ by a constant share it and
add the constant, which the address operand of an instruction holds for nothing.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod

from xdsl.dialects import llvm, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, DenseArrayBase, IntegerAttr, UnitAttr, i1, i8, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects import llvm_ext
from penstock.dialects.memref_ext import PrefetchOp
from penstock.dialects.narrowing import is_buffer
from penstock.passes.lowering.affine_index import AffineIndex, weighted_sum
from penstock.passes.lowering.llvm_emitter import Emitter
from penstock.passes.lowering.llvm_snippets import compare_integers
from penstock.passes.lowering.llvm_types import POINTER, byte_size, element_of, memory_type, with_element

STACK_ALIGNMENT = 64


@lru_cache
def _gep_properties(element: Attribute, inbounds: bool) -> Mapping[str, Attribute]:
    properties: dict[str, Attribute] = {
        "elem_type": element,
        "noWrapFlags": IntegerAttr(0, i32),
        "rawConstantIndices": DenseArrayBase.from_list(i32, [llvm.GEP_USE_SSA_VAL]),
    }
    return {**properties, "inbounds": UnitAttr()} if inbounds else properties


@lru_cache
def _access_properties(element: Attribute, is_masked: bool) -> Mapping[str, Attribute]:
    alignment = IntegerAttr(byte_size(element), i32 if is_masked else i64)
    return (
        {"alignment": alignment} if is_masked else {"alignment": alignment, "ordering": IntegerAttr(0, i64)}
    )


def advance(e: Emitter, pointer: SSAValue, offset: SSAValue, element: Attribute, inbounds: bool) -> SSAValue:
    """The pointer `offset` elements further."""
    return e.emit(llvm.GEPOp, (pointer, offset), POINTER, _gep_properties(element, inbounds))


def address(
    e: Emitter, memref: SSAValue, indices: Sequence[SSAValue], *, is_masked: bool = False
) -> SSAValue:
    """The address of an element; of a masked access even the first element may lie outside the buffer."""
    buffer = e.buffer(memref)
    if buffer.strides is None:
        raise NotImplementedError(f"lower-loops-to-llvm: {memref.type}: accesses go through a flat view")
    index = weighted_sum(zip(map(e.index, indices), buffer.strides, strict=True))
    # Then every partial sum lies between zero and the whole, which is inside.
    exact = not is_masked and e.is_monotone(index)
    pointer = buffer.pointer
    if index.terms:
        varying = AffineIndex(0, index.terms)
        pointer = e.reuse(
            (buffer.pointer, buffer.element, index.terms),
            lambda: advance(
                e, buffer.pointer, e.materialise(varying, no_wrap=exact), buffer.element, inbounds=exact
            ),
        )
    if not index.const:
        return pointer
    return advance(e, pointer, e.integer(index.const, i64), buffer.element, inbounds=exact)


def _load(e: Emitter, op: Operation) -> None:
    memref, *indices = op.operands
    result = op.results[0]
    stored = memory_type(result.type)
    properties = _access_properties(e.buffer(memref).element, False)
    loaded = e.emit(llvm.LoadOp, (address(e, memref, indices),), stored, properties)
    e.bind(result, _from_memory(e, loaded, result.type))


def _store(e: Emitter, op: Operation) -> None:
    value, memref, *indices = op.operands
    stored = _to_memory(e, e.value(value), value.type)
    operands = (stored, address(e, memref, indices))
    properties = _access_properties(e.buffer(memref).element, False)
    e.append(llvm.StoreOp.create(operands=operands, properties=properties))


def _masked_load(e: Emitter, op: Operation) -> None:
    memref, *indices, mask, pass_thru = op.operands
    result = op.results[0]
    fallback = _to_memory(e, e.value(pass_thru), result.type)
    operands = (address(e, memref, indices, is_masked=True), e.value(mask), fallback)
    properties = _access_properties(e.buffer(memref).element, True)
    loaded = e.emit(llvm_ext.MaskedLoadOp, operands, memory_type(result.type), properties)
    e.bind(result, _from_memory(e, loaded, result.type))


def _masked_store(e: Emitter, op: Operation) -> None:
    memref, *indices, mask, value = op.operands
    stored = _to_memory(e, e.value(value), value.type)
    operands = (stored, address(e, memref, indices, is_masked=True), e.value(mask))
    properties = _access_properties(e.buffer(memref).element, True)
    e.append(llvm_ext.MaskedStoreOp.create(operands=operands, properties=properties))


def _from_memory(e: Emitter, loaded: SSAValue, source: Attribute) -> SSAValue:
    """A stored boolean is a byte, true unless zero."""
    if element_of(source) != i1:
        return loaded
    return compare_integers(e, "ne", loaded, e.integer(0, loaded.type))


def _to_memory(e: Emitter, value: SSAValue, source: Attribute) -> SSAValue:
    if element_of(source) != i1:
        return value
    return e.emit(llvm.ZExtOp, (value,), with_element(source, i8))


def _prefetch(e: Emitter, op: Operation) -> None:
    """The address may lie outside of the buffer, as that of a masked access may."""
    memref, *indices = op.operands
    assert isinstance(op, PrefetchOp), "memref.prefetch is a PrefetchOp"
    properties: dict[str, Attribute] = {
        "rw": IntegerAttr(int(bool(op.is_write.value.data)), i32),
        "hint": op.locality,
        "cache": IntegerAttr(int(bool(op.is_data_cache.value.data)), i32),
    }
    operands = (address(e, memref, indices, is_masked=True),)
    e.append(llvm_ext.PrefetchOp.create(operands=operands, properties=properties))


def _alloca(e: Emitter, op: Operation) -> None:
    result = op.results[0]
    assert is_buffer(result.type), "memref.alloca makes a buffer"
    given = op.properties.get("alignment")
    alignment = given.value.data if isinstance(given, IntegerAttr) else STACK_ALIGNMENT
    array = llvm.LLVMArrayType(prod(result.type.get_shape()), memory_type(result.type.element_type))
    properties: dict[str, Attribute] = {"alignment": IntegerAttr(alignment, i64), "elem_type": array}
    one = e.integer(1, i64)
    stack = llvm.AllocaOp.create(operands=(one,), result_types=(POINTER,), properties=properties)
    e.bind_buffer(result, e.at_head(stack))


def _view(e: Emitter, op: Operation) -> None:
    source, shift = op.operands[:2]
    offset = e.index(shift)
    pointer = e.value(source)
    if offset != AffineIndex():
        pointer = advance(e, pointer, e.materialise(offset), i8, inbounds=True)
    e.bind_buffer(op.results[0], pointer)


def _subview(e: Emitter, op: Operation) -> None:
    """A slice with the strides of what it is taken from; it is named here, and cast before it is accessed."""
    assert isinstance(op, memref.SubviewOp), "memref.subview is a SubviewOp"
    source = e.buffer(op.source)
    dynamic = iter(op.offsets)
    offsets = [
        e.index(next(dynamic)) if offset == DYNAMIC_INDEX else AffineIndex(offset)
        for offset in op.static_offsets.get_values()
    ]
    assert source.strides is not None, "what is sliced has fixed sizes"
    offset, pointer = weighted_sum(zip(offsets, source.strides, strict=True)), source.pointer
    if offset != AffineIndex():
        pointer = advance(e, pointer, e.materialise(offset), source.element, inbounds=True)
    e.bind_pointer(op.result, pointer)


def _reshape(e: Emitter, op: Operation) -> None:
    """The same bytes under another shape."""
    e.bind_buffer(op.results[0], e.value(op.operands[0]))


MEMORY_EMITTERS = {
    "memref.load": _load,
    "memref.store": _store,
    "memref.prefetch": _prefetch,
    "memref.alloca": _alloca,
    "memref.cast": _reshape,
    "memref.collapse_shape": _reshape,
    "memref.expand_shape": _reshape,
    "memref.subview": _subview,
    "memref.view": _view,
    "vector.load": _load,
    "vector.store": _store,
    "vector.maskedload": _masked_load,
    "vector.maskedstore": _masked_store,
}
