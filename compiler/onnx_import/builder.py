"""Where importers put the operations they make: insertion, provenance and common compositions."""

from collections.abc import Mapping, Sequence
from typing import overload

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, IntegerType, StringAttr
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import (
    Array,
    Dim,
    GraphOp,
    element_count,
    element_of,
    integers,
    is_static,
    rank_of,
    shape_of,
    size_of,
)
from penstock.dialects.graph.binding import BindOp
from penstock.dialects.graph.building import GraphBuilder, Operands, Properties
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.evaluation import evaluate_now
from penstock.dialects.graph.host import HostOp
from penstock.dialects.graph.indexing import Indexing
from penstock.dialects.graph.movement import (
    END,
    ConcatOp,
    ReshapeOp,
    dims_attr,
)
from penstock.dialects.graph.sections import SectionOp
from penstock.dialects.graph.status import mark_positions
from penstock.dialects.requirements import at_most, holds, symbols_of_requirement
from penstock.errors import ShapeError
from penstock.onnx_import.cutting import FAR, canonical_bounds, section_of
from penstock.onnx_import.hosting import check_regions, check_strings, host_properties, hosted
from penstock.onnx_import.known_values import MAX_SYMBOLS, MAX_TENSOR_BYTES, KnownValues, static_bytes
from penstock.onnx_import.unsupported import Unsupported


class Builder(GraphBuilder):
    """Inserts graph operations that all came from one node of the model."""

    def __init__(self, block: Block, node: str, known: KnownValues) -> None:
        self._block = block
        self._node = node
        self._known = known
        self._provenance = ArrayAttr([StringAttr(node)])

    @overload
    def op(
        self,
        kind: type[GraphOp],
        operands: Operands,
        properties: Properties | None = None,
    ) -> SSAValue: ...

    @overload
    def op(
        self,
        kind: type[GraphOp],
        operands: Operands,
        properties: Properties | None = None,
        *,
        results: int,
    ) -> list[SSAValue]: ...

    def op(
        self,
        kind: type[GraphOp],
        operands: Operands,
        properties: Properties | None = None,
        *,
        results: int | None = None,
    ) -> SSAValue | list[SSAValue]:
        """Make and insert an operation; its result, or the list of them when their number is given.

        A broken rule of the operation is a `ShapeError` that names the node.
        """
        made = self._made(kind, operands, properties, 1 if results is None else results)
        given = self._checked(hosted(made))
        return given[0] if results is None else given

    def _made(
        self,
        kind: type[GraphOp],
        operands: Operands,
        properties: Properties | None,
        results: int,
    ) -> GraphOp:
        try:
            made = kind.make(operands, properties, results)
            made.verify_made()
        except VerifyException as error:
            raise self._broken(str(error)) from error
        return made

    def add(self, op: GraphOp) -> list[SSAValue]:
        """Insert an operation that was made elsewhere, such as one with regions; its results."""
        op.verify(verify_nested_ops=False)
        check_regions(op)
        return self._checked(op)

    def host(
        self,
        function: str,
        operands: Sequence[SSAValue],
        options: Mapping[str, Attribute] | None = None,
        *,
        sizes: Sequence[str] = (),
        results: int = 1,
    ) -> list[SSAValue]:
        """What a function of the host gives; `sizes` are those that values decide, known or new symbols."""
        known = self._known_operands(operands) if sizes else None
        names = [self._known.new_size(f"{self._node}.{size}") for size in sizes if known is None]
        properties = host_properties(function, options or {}, names)
        if known is None:
            return self.op(HostOp, [list(operands)], properties, results=results)
        made = self._made(HostOp, [list(operands)], properties, results)
        self._known.budget.take_steps(made.effort())
        made.erase()
        return [self.constant(array) for array in evaluate_now(made, known)]

    def _known_operands(self, operands: Sequence[SSAValue]) -> list[Array] | None:
        """The values of operands that are constant, all of them."""
        arrays = [self._known.array(operand) for operand in operands]
        known = [array for array in arrays if array is not None]
        return known if len(known) == len(arrays) else None

    def _checked(self, op: GraphOp) -> list[SSAValue]:
        for result in op.results:
            self._check_size(result)
        self._insert(op)
        return list(op.results)

    def inside(self, block: Block) -> "Builder":
        """A builder for the same node in another block."""
        return Builder(block, self._node, self._known)

    def indexing(
        self,
        kind: type[Indexing],
        operands: Operands,
        properties: Properties,
        message: str = "",
    ) -> SSAValue:
        """An operation at positions of the model or its data: outside is an error, now or in a run."""
        y = self.op(kind, operands, properties)
        made = y.owner
        if isinstance(made, HostOp):
            # It looks at the positions itself.
            return y
        assert isinstance(made, Indexing), "it was made just now"
        mark_positions(made, message)
        positions = self._known.array(made.indices) if is_static(made.x) else None
        if positions is not None:
            extents = [size for size in made.extents() if isinstance(size, int)]
            self._check_positions(positions.astype(np.int64), extents)
        return y

    def _check_positions(self, positions: Array, extents: list[int]) -> None:
        sizes = np.array(extents)
        outside = np.flatnonzero((positions < -sizes) | (positions >= sizes))
        if outside.size:
            at, there = positions.reshape(-1)[outside[0]], " x ".join(map(str, extents))
            raise self._broken(f"position {at} is outside of the {there} that there are")

    def constant(self, array: Array, name: str = "") -> SSAValue:
        """A constant; `name` is what its resource is called, by default after the node."""
        check_strings(array)
        op = ConstantOp.of(array, name or self._node)
        self._insert(op)
        return op.y

    def scalar(self, value: float | int | bool, like: SSAValue | Attribute) -> SSAValue:
        """A constant of rank 0 with the element type of `like`, one for all who want it in a block."""
        element = element_of(like)
        array = np.asarray(value).astype(numpy_dtype(element))
        key = (self._block, element, array.tobytes())
        if key not in self._known.scalars:
            self._known.scalars[key] = self.constant(array)
        return self._known.scalars[key]

    def bounded(self, count: int) -> int:
        """The number of elements of a constant about to be made; `ShapeError` when there are too many."""
        self._known.budget.take_steps(max(count, 0))
        return count

    def require(self, requirement: str) -> None:
        """Say what must hold of the sizes in every call, such as `n <= 512` or `n == m`."""
        self._known.requirements[requirement] = None

    def sizes(self, value: SSAValue) -> tuple[Dim, ...]:
        """The elements of a list of integers as sizes: those that nobody knows yet are bound by the run.

        `ShapeError` for a list of other numbers, `Unsupported` in loops and branches, and for a list of
        unknown length.
        """
        if not isinstance(element_of(value), IntegerType):
            raise self._broken(f"sizes are integers, not {element_of(value)}")
        known = self._known.dims(value)
        if known is not None and "?" not in known:
            return known
        made = value.owner
        if isinstance(made, ConcatOp):
            return tuple(size for part in made.inputs for size in self.sizes(part))
        if isinstance(made, ReshapeOp) and rank_of(made.x) <= 1:
            return self.sizes(made.x)
        return self._bound_sizes(value)

    def is_decided_by_run(self, value: SSAValue) -> bool:
        """Whether a whole list of sizes comes from the data, and not from sizes put together.

        `Unsupported` for a list of unknown length.
        """
        _check_list(value)
        known = self._known.dims(value)
        return (known is None or "?" in known) and not isinstance(value.owner, ConcatOp)

    def _bound_sizes(self, value: SSAValue) -> tuple[Dim, ...]:
        if not self.is_outermost:
            raise Unsupported("a size depends on values in a loop or branch", "Compute it outside of them.")
        _check_list(value)
        names: list[str] = []
        for _ in range(element_count(value)):
            names.append(self._known.new_name(self._node))
            self._known.bound[names[-1]] = None
        self._known.bind(value, names)
        bind = BindOp.of(value, names)
        bind.attributes["nodes"] = self._provenance
        self._block.add_op(bind)
        return tuple(names)

    @property
    def is_outermost(self) -> bool:
        """Whether operations are put into the function itself, not into a loop or a branch."""
        return self._block is self._known.outermost

    def hold(self, requirement: str | None) -> None:
        """Say what must hold of the sizes in every call, if anything; what surely does not is an error."""
        if requirement is None:
            return
        if not symbols_of_requirement(requirement) and not holds(requirement, {}):
            raise self._broken(f"{requirement} does not hold")
        self.require(requirement)

    def positions(self, count: Dim, element: Attribute) -> SSAValue:
        """0, 1, 2, ... up to a size that may be known only at run time."""
        return super().positions(self.bounded(count) if isinstance(count, int) else count, element)

    def section(
        self, x: SSAValue, starts: Sequence[Dim], sizes: Sequence[Dim], steps: Sequence[int]
    ) -> SSAValue:
        """Elements of `x` from `starts` on, bounds being sizes that may be known only at run time."""
        properties = {"starts": dims_attr(starts), "sizes": dims_attr(sizes), "steps": integers(steps)}
        return self.op(SectionOp, [x], properties)

    def unsqueeze(self, x: SSAValue, axes: Sequence[int]) -> SSAValue:
        """`x` with dims of size 1 inserted so that they are at `axes` (from the front) of the result."""
        rank = rank_of(x) + len(axes)
        if len({axis for axis in axes if 0 <= axis < rank}) != len(axes):
            raise self._broken(f"dims are inserted at {list(axes)} into {list(shape_of(x))}")
        rest = iter(shape_of(x))
        return self.reshape(x, [1 if i in axes else next(rest) for i in range(rank_of(x) + len(axes))])

    def slice(self, x: SSAValue, axis: int, start: int, end: int, step: int = 1) -> SSAValue:
        """A range of `x` along one axis, bounds as in Python; along an open size it must be there."""
        size = shape_of(x)[axis]
        if isinstance(size, str) and size != "?" and 0 <= start <= end < FAR and step > 0:
            self.hold(at_most(end, size_of(size)))
            bounds: list[tuple[Dim, Dim, int]] = [(0, d, 1) for d in shape_of(x)]
            bounds[axis] = (start, -(-(end - start) // step), step)
            starts, sizes, steps = zip(*bounds, strict=True)
            return self.section(x, starts, sizes, steps)
        return super().slice(x, axis, start, end, step)

    def cut(self, x: SSAValue, bounds: Sequence[tuple[Dim, Dim, int]]) -> SSAValue:
        """A range (start, end, step) of every dim, bounds and dims being numbers or formulas."""
        static: list[tuple[int, int, int]] = []
        for dim, (start, end, step) in zip(shape_of(x), bounds, strict=True):
            if (start, step) == (0, 1) and isinstance(end, int) and end >= FAR:
                static.append((0, END, 1))
            elif isinstance(dim, int) and isinstance(start, int) and isinstance(end, int):
                static.append(canonical_bounds(dim, start, end, step))
        if len(static) == len(bounds):
            return self.slices(x, static)
        if "?" in shape_of(x):
            raise self._broken(f"{list(shape_of(x))} has sizes that depend on values at run time")
        parts = [section_of(d, *bound, self.require) for d, bound in zip(shape_of(x), bounds, strict=True)]
        starts, sizes = zip(*parts, strict=True)
        return self.section(x, starts, sizes, [step for _, _, step in bounds])

    def append_axes(self, x: SSAValue, count: int) -> SSAValue:
        """`x` with `count` dims of size 1 at its end, as a bias per channel needs before (n, c, *spatial)."""
        return self.reshape(x, [*shape_of(x), *[1] * count])

    def _insert(self, op: GraphOp) -> None:
        op.attributes["nodes"] = self._provenance
        self._block.add_op(op)
        self._known.note(op)

    def _broken(self, rule: str) -> ShapeError:
        return ShapeError(
            rule, node=self._node, remedy="Check the shapes of the node's inputs and its attributes."
        )

    def _check_size(self, value: SSAValue) -> None:
        size = static_bytes(value)
        if size > MAX_TENSOR_BYTES:
            shape = list(shape_of(value))
            raise self._broken(f"a tensor of {shape} takes {size} bytes, the limit is {MAX_TENSOR_BYTES}")


def _check_list(sizes: SSAValue) -> None:
    if rank_of(sizes) > 1 or not is_static(sizes):
        reason = f"the length of the list of sizes, {list(shape_of(sizes))}, depends on the inputs"
        raise Unsupported(reason, "Give it a fixed length (shapes=..., dims=...).")
    if element_count(sizes) > MAX_SYMBOLS:
        raise Unsupported(
            f"a list of {element_count(sizes)} sizes", f"No tensor has over {MAX_SYMBOLS} dims."
        )
