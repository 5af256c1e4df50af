"""What the rules of `lower-graph-to-nest` build with: buffers, nests from maps, scalar formulas."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, MemRefType, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue, TypedAttribute

from penstock.dialects.element_types import signless
from penstock.dialects.graph.base import Array, Tensor, shape_of, tensor_of
from penstock.dialects.nest.access import Access, is_inside
from penstock.dialects.nest.ops import (
    ComputeOp,
    ConstantOp,
    DimAttr,
    Read,
    Write,
    element_of,
    parallel,
    region,
)
from penstock.dialects.nest.sizes import OpenSizeError, SizeOp, buffer_of, is_static, sizes_of
from penstock.dialects.requirements import at_most, equal, unless
from penstock.dialects.resources import ResourceAttr
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import Extent, Size
from penstock.passes.lowering.graph_to_nest.scalar_builder import Formula, Scalars, number_attr

Expression = int | dict[int, int] | tuple[dict[int, int], Extent]
"""A linear expression of the loops: the number of one, or coefficients, or these and a constant."""


def tensor_sizes(tensor: SSAValue | Tensor) -> tuple[Extent, ...]:
    """The sizes of a tensor, each a number or a formula of symbols."""
    shape = shape_of(tensor)
    if "?" in shape:
        raise OpenSizeError(f"a size of {list(shape)} depends on values at run time")
    return tuple(d if isinstance(d, int) else parse_size(d) for d in shape)


def memref_of(tensor: Tensor) -> MemRefType:
    """The buffer type of a tensor; integers lose their sign."""
    return buffer_of(tensor_sizes(tensor), signless(tensor.get_element_type()))


@dataclass
class Lowering:
    """The function being lowered: the buffer of each tensor value and the place of new operations.

    The regions of an op become functions of their own: `lower` lowers the ops of a block in their order.
    """

    block: Block
    lower: "Callable[[Block, Lowering], None]"
    functions: list[func.FuncOp] = field(default_factory=list[func.FuncOp])
    targets: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    """Where values that are made there at once are wanted."""
    buffers: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    nodes: Attribute | None = None
    symbols: Mapping[str, SSAValue] = field(default_factory=dict[str, SSAValue])
    """The arguments that hold the values of symbols."""
    requirements: dict[str, None] = field(default_factory=dict[str, None])
    """What must hold of the sizes of every call."""
    excuses: Sequence[str] = ()
    """In calls where one of these holds, what is lowered here does not run."""

    def require(self, requirement: str | None) -> None:
        """Say what must hold of the sizes in every call that runs this; `None` is nothing."""
        if requirement is not None:
            self.requirements[unless(requirement, self.excuses)] = None

    def buffer(self, value: SSAValue) -> SSAValue:
        """The buffer that holds a tensor value."""
        return self.buffers[value]

    def add(self, op: Operation) -> SSAValue:
        """Append an operation that serves the current model nodes; its first result."""
        self.add_op(op)
        return op.results[0]

    def add_op(self, op: Operation) -> None:
        """Append an operation that serves the current model nodes."""
        if self.nodes is not None:
            op.attributes["nodes"] = self.nodes
        self.block.add_op(op)

    def alloc(self, element: Attribute, shape: Sequence[Extent]) -> SSAValue:
        """A new buffer."""
        return self.add(
            memref.AllocOp(self._values(shape), [], buffer_of(shape, element), IntegerAttr(64, i64))
        )

    def _values(self, sizes: Sequence[Extent]) -> list[SSAValue]:
        """The sizes that are no numbers as values."""
        return [self.add(SizeOp(size)) for size in sizes if isinstance(size, Size)]

    def result(self, value: SSAValue) -> SSAValue:
        """The buffer of a result of the op being lowered: where it is wanted, or a new one."""
        kind = memref_of(tensor_of(value))
        if value in self.targets:
            self.buffers[value] = self.targets[value]
        else:
            self.buffers[value] = self.alloc(kind.get_element_type(), sizes_of(kind))
        return self.buffers[value]

    def constant(self, name: str, array: Array) -> SSAValue:
        """A table known at compile time as a buffer."""
        from penstock.dialects.element_types import element_type

        kind = MemRefType(signless(element_type(array.dtype)), array.shape)
        return self.add(ConstantOp(ResourceAttr.of(name, array), kind))

    def view(self, buffer: SSAValue, shape: Sequence[Extent]) -> SSAValue:
        """The same contiguous elements under another shape."""
        if sizes_of(buffer) == tuple(shape):
            return buffer
        self.require(equal(prod(sizes_of(buffer)), prod(shape)))
        flat = self._collapsed(buffer)
        return self._expanded(flat, shape)

    def _collapsed(self, buffer: SSAValue) -> SSAValue:
        shape = sizes_of(buffer)
        if len(shape) == 1:
            return buffer
        kind = buffer_of([prod(shape)], element_of(buffer))
        if not shape:
            return self.add(
                memref.ExpandShapeOp.create(
                    operands=[buffer],
                    result_types=[kind],
                    properties={"reassociation": ArrayAttr([]), "static_output_shape": _i64s([1])},
                )
            )
        groups = ArrayAttr([ArrayAttr([IntegerAttr(i, i64) for i in range(len(shape))])])
        return self.add(
            memref.CollapseShapeOp.create(
                operands=[buffer], result_types=[kind], properties={"reassociation": groups}
            )
        )

    def _expanded(self, flat: SSAValue, shape: Sequence[Extent]) -> SSAValue:
        if len(shape) == 1:
            return flat
        kind = buffer_of(shape, element_of(flat))
        if not shape:
            return self.add(
                memref.CollapseShapeOp.create(
                    operands=[flat], result_types=[kind], properties={"reassociation": ArrayAttr([])}
                )
            )
        groups = ArrayAttr([ArrayAttr([IntegerAttr(i, i64) for i in range(len(shape))])])
        return self.add(
            memref.ExpandShapeOp.create(
                operands=[flat, *self._values(shape)],
                result_types=[kind],
                properties={"reassociation": groups, "static_output_shape": _i64s(kind.get_shape())},
            )
        )

    def compute(
        self,
        dims: Sequence[DimAttr],
        ins: Sequence[Read],
        outs: Sequence[Write],
        body: Formula,
        *,
        extras: Sequence[Read] = (),
        init: Sequence[Attribute] = (),
        epilogue: Formula | None = None,
    ) -> None:
        """Append a nest; `body` gets what is read, then the sums; `epilogue` the sums, then `extras`.

        A nest that writes no element, because a parallel loop is empty, is left out.  An access that is not
        proven to stay inside of its buffer becomes a requirement.
        """
        if any(dim.iterations == 0 and not dim.is_reduction for dim in dims):
            return
        kinds = [element_of(r.buffer) for r in ins]
        sums = [a.get_type() for a in init if isinstance(a, TypedAttribute)]
        after = [element_of(r.buffer) for r in extras]
        main = region([*kinds, *sums], lambda b: body(Scalars(b, len(dims)), b.args))
        finish = (
            region([*sums, *after], lambda b: (epilogue or _first)(Scalars(b, len(dims)), b.args))
            if init
            else None
        )
        for each in (*ins, *extras, *outs):
            self._require_inside(each, [dim.iterations for dim in dims])
        nest = ComputeOp.of(dims, ins, outs, main, extras=extras, init=init, epilogue=finish)
        self.add_op(nest)

    def copy(self, source: SSAValue, target: SSAValue) -> None:
        """Append a nest that copies a buffer."""
        shape = sizes_of(source)
        every = Access.of(len(shape), *range(len(shape)))
        dims = [parallel(f"d{i}", s) for i, s in enumerate(shape)]
        self.compute(dims, [Read(source, every)], [Write(target, every)], lambda s, v: v)

    def _require_inside(self, each: Read | Write, extents: Sequence[Extent]) -> None:
        sizes = sizes_of(each.buffer)
        if is_static([*sizes, *extents, *each.access.offsets]) or (
            isinstance(each, Read) and each.outside is not None
        ):
            return
        for (low, high), size in zip(each.access.bounds(extents), sizes, strict=True):
            self.require(at_most(0, low))
            self.require(at_most(high, size - 1))


def _first(s: Scalars, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
    return values


def _i64s(values: Sequence[int]) -> Attribute:
    from xdsl.dialects.builtin import DenseArrayBase

    return DenseArrayBase.from_list(i64, list(values))


def broadcast_access(rank: int, shape: Sequence[Extent], result: Sequence[Extent]) -> Access:
    """Where an operand of `shape` is read for each element of a broadcast `result` over `rank` loops."""
    skip = len(result) - len(shape)
    terms: list[int | dict[int, int]] = [
        {} if s == 1 and result[skip + i] != 1 else skip + i for i, s in enumerate(shape)
    ]
    return Access.of(rank, *terms)


def padded_read(buffer: SSAValue, access: Access, dims: Sequence[DimAttr], value: float | int) -> Read:
    """A read that gives `value` outside of the buffer, if the loops ever lead there."""
    if is_inside(access, sizes_of(buffer), [d.iterations for d in dims]):
        return Read(buffer, access)
    return Read(buffer, access, number_attr(value, element_of(buffer)))


def zero(element: Attribute) -> IntegerAttr | FloatAttr:
    """Zero of an element type."""
    return number_attr(0, element)
