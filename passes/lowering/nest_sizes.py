"""What the lowering of nests does with sizes: values become arithmetic, and types forget the formulas.

%n = nest.size <"batch*3">                           ->   %n = arith.muli %batch, %c3
%b = nest.view %arena[%at] : ... to memref<?x3xf32, #nest.sizes<...>>
                                                     ->   %b = memref.view %arena[%at][%batch] : ...
%r = nest.row %x[%i] : memref<?x?x3xf32, ...> to ...  ->   %flat = memref.collapse_shape %x
                                                          %r = memref.subview %flat[%i * n] [n] [1], ...
"""

from collections.abc import Iterator, Sequence
from math import prod

from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DenseArrayBase,
    FunctionType,
    IntegerAttr,
    MemRefType,
    StridedLayoutAttr,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.narrowing import is_buffer
from penstock.dialects.nest.sizes import RowOp, SizeOp, SizesAttr, ViewOp, buffer_of, sizes_of
from penstock.dialects.sizes import Extent
from penstock.passes.lowering.size_code import SizeCode
from penstock.passes.nest_rewriting import is_kernel


def lower_sizes(function: func.FuncOp, code: SizeCode) -> None:
    """Lower the sizes of a function, whose nests are gone."""
    for op in list(_operations(function)):
        if isinstance(op, SizeOp):
            Rewriter.replace_op(op, [], [code.value(op.size.data)])
        elif isinstance(op, ViewOp):
            _lower_view(op, code)
        elif isinstance(op, RowOp):
            _lower_row(op, code)
    for value in list(_values(function)):
        if value.type != (plain := plain_type(value.type)):
            Rewriter.replace_value_with_new_type(value, plain)
    forget_sizes(function)


def forget_sizes(function: func.FuncOp) -> None:
    """Drop the formulas from the type of a function."""
    kind = function.function_type
    function.function_type = FunctionType.from_lists(
        list(map(plain_type, kind.inputs)), list(map(plain_type, kind.outputs))
    )


def _lower_view(view: ViewOp, code: SizeCode) -> None:
    sizes = [code.value(s) for s in sizes_of(view.result) if not isinstance(s, int)]
    kind = plain_type(view.result.type)
    assert is_buffer(kind), "a view is a buffer"
    plain = memref.ViewOp(view.source, view.byte_shift, sizes, kind)
    plain.result.name_hint = view.result.name_hint
    plain.attributes.update(view.attributes)
    Rewriter.insert_op(plain, InsertPoint.before(view))
    Rewriter.replace_op(view, [], [plain.result])


def _lower_row(row: RowOp, code: SizeCode) -> None:
    """A part of the flat buffer under the shape of the slice."""
    source, result, sizes = row.source.type, row.result.type, sizes_of(row.result)
    assert is_buffer(source) and is_buffer(result), "a slice of a buffer is one"
    element, count = source.get_element_type(), prod(sizes)
    axes = ArrayAttr([ArrayAttr([IntegerAttr(i, i64) for i in range(len(sizes) + 1)])])
    flat = memref.CollapseShapeOp(
        operands=[row.source],
        result_types=[MemRefType(element, [DYNAMIC_INDEX])],
        properties={"reassociation": axes},
    )
    start = arith.MuliOp(row.index, code.value(count))
    known = count if isinstance(count, int) else DYNAMIC_INDEX
    part = MemRefType(element, [known], StridedLayoutAttr([1], None))
    length = [count if isinstance(count, int) else code.value(count)]
    cut = memref.SubviewOp.get(flat.results[0], [start.result], length, [1], part)
    plain = memref.CastOp.get(cut.result, MemRefType(element, [known]))
    shaped = _shaped(plain.results[0], sizes, code)
    Rewriter.replace_op(row, [flat, start, cut, plain, *shaped], [(*shaped, plain)[0].results[0]])


def _shaped(flat: SSAValue, sizes: Sequence[Extent], code: SizeCode) -> list[Operation]:
    """A flat buffer under another shape, if that is another one."""
    assert is_buffer(flat.type), "what is shaped is a buffer"
    if len(sizes) == 1:
        return []
    kind = plain_type(buffer_of(sizes, flat.type.get_element_type()))
    if not sizes:
        none = ArrayAttr([])
        return [
            memref.CollapseShapeOp(operands=[flat], result_types=[kind], properties={"reassociation": none})
        ]
    shape = [s if isinstance(s, int) else DYNAMIC_INDEX for s in sizes]
    properties = {
        "reassociation": ArrayAttr([ArrayAttr([IntegerAttr(i, i64) for i in range(len(sizes))])]),
        "static_output_shape": DenseArrayBase.from_list(i64, shape),
    }
    dynamic = [code.value(s) for s in sizes if not isinstance(s, int)]
    return [
        memref.ExpandShapeOp.create(operands=[flat, *dynamic], result_types=[kind], properties=properties)
    ]


def _operations(function: func.FuncOp) -> Iterator[Operation]:
    """What may speak of sizes: in a kernel the loops that its nests became do not."""
    return iter(function.body.block.ops) if is_kernel(function) else function.body.walk()


def _values(function: func.FuncOp) -> Iterator[SSAValue]:
    yield from function.args
    for op in _operations(function):
        yield from op.results
        yield from (argument for region in op.regions for block in region.blocks for argument in block.args)


def plain_type(kind: Attribute) -> Attribute:
    """A type without the formulas of its sizes."""
    if not is_buffer(kind) or not isinstance(kind.layout, SizesAttr):
        return kind
    return MemRefType(kind.get_element_type(), kind.get_shape())
