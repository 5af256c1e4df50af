"""What the lowering of nests does with sizes: values become arithmetic, and types forget the formulas.

%n = nest.size <"batch*3">                           ->   %n = arith.muli %batch, %c3
%b = nest.view %arena[%at] : ... to memref<?x3xf32, #nest.sizes<...>>
                                                     ->   %b = memref.view %arena[%at][%batch] : ...
"""

from collections.abc import Iterator

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import FunctionType, MemRefType
from xdsl.ir import Attribute, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.narrowing import is_buffer
from penstock.dialects.nest.sizes import SizeOp, SizesAttr, ViewOp, sizes_of
from penstock.passes.lowering.size_code import SizeCode


def lower_sizes(function: func.FuncOp, code: SizeCode) -> None:
    """Lower the sizes of a function, whose nests are gone."""
    for op in list(function.body.block.ops):
        if isinstance(op, SizeOp):
            Rewriter.replace_op(op, [], [code.value(op.size.data)])
        elif isinstance(op, ViewOp):
            _lower_view(op, code)
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


def _values(function: func.FuncOp) -> Iterator[SSAValue]:
    yield from function.args
    for op in function.body.block.ops:
        yield from op.results


def plain_type(kind: Attribute) -> Attribute:
    """A type without the formulas of its sizes."""
    if not is_buffer(kind) or not isinstance(kind.layout, SizesAttr):
        return kind
    return MemRefType(kind.get_element_type(), kind.get_shape())
