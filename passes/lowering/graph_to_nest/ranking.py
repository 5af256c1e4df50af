"""`graph.top_k` as nests: positions are sorted by merging runs of doubling length, the first k are read off.

Each element finds its place in the run beside its own by bisection: a pass over n takes n log n steps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerType, i8, i64
from xdsl.ir import Operation, SSAValue

from penstock.dialects.element_types import is_float
from penstock.dialects.graph import ordering as graph
from penstock.dialects.graph.base import GraphOp, size_of
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import Read, Write, element_of, parallel, reduction
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.requirements import at_most
from penstock.dialects.sizes import Extent, added, maximum, minimum, remainder
from penstock.passes.lowering.graph_to_nest.builder import Lowering
from penstock.passes.lowering.graph_to_nest.elementwise import map_into
from penstock.passes.lowering.graph_to_nest.scalar_arithmetic import unsigned
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, number_attr, width_of

Rule = Callable[[GraphOp, Lowering], None]
MOST_BITS = 40
"""The bits of a size that only a call tells."""


def lower_top_k(op: GraphOp, low: Lowering) -> None:
    """values[t], indices[t] = x[order[t]], order[t] for t < k."""
    assert isinstance(op, graph.TopKOp)
    x, values, indices = low.buffer(op.x), low.result(op.values), low.result(op.indices)
    shape, axis = sizes_of(values), op.axis.value.data
    low.require(at_most(size_of(op.count), sizes_of(x)[axis]))
    merge = Merge(sizes_of(x), axis, _keys(op, low, x), _positions(low, sizes_of(x), axis))
    merge.emit(low)
    every = Access.of(len(shape), *range(len(shape)))
    dims = [parallel(f"d{i}", size) for i, size in enumerate(shape)]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        at = [s.index(v[0]) if i == axis else s.loop(i, len(shape)) for i in range(len(shape))]
        return [s.load(x, at), v[0]]

    ranked = Access.of(len(shape), *merge.outer, ({}, remainder(merge.passes, 2)), axis)
    low.compute(dims, [Read(merge.order, ranked)], [Write(values, every), Write(indices, every)], body)


def _keys(op: graph.TopKOp, low: Lowering, x: SSAValue) -> SSAValue:
    """The sort keys of the elements."""
    element, falling = element_of(x), bool(op.largest.value.data)
    keys = low.alloc(IntegerType(max(8, width_of(element))), sizes_of(x))
    map_into(low, [x], keys, lambda s, v: [sort_key(s, v[0], unsigned(op), falling)])
    return keys


def _positions(low: Lowering, shape: Sequence[Extent], axis: int) -> SSAValue:
    """Two versions of the positions along an axis, which becomes the last dim, and one element to spare.

    The first version is in order.
    """
    outer = [i for i in range(len(shape)) if i != axis]
    order = low.alloc(i64, [*(shape[i] for i in outer), 2, shape[axis] + 1])
    dims = [parallel(f"d{i}", shape[i]) for i in (*outer, axis)]
    rank = len(shape)
    first = Access.of(rank, *range(rank - 1), {}, rank - 1)
    low.compute(dims, [], [Write(order, first)], lambda s, v: [s.position(Access.of(rank, rank - 1))])
    return order


def sort_key(s: Scalars, x: SSAValue, is_unsigned: bool, falling: bool) -> SSAValue:
    """An integer that orders as the elements do, NaN last; or the other way round, NaN first."""
    if is_float(x.type):
        key = _bits_in_order(s, x)
    elif width_of(x.type) == 1:
        key = s.whole(x, i8)
    else:
        least = s.constant(-(1 << (width_of(x.type) - 1)), x.type)
        key = s.differing(x, least) if is_unsigned else x
    return s.differing(key, s.constant(-1, key.type)) if falling else key


def _bits_in_order(s: Scalars, x: SSAValue) -> SSAValue:
    """The bits of a real number, of which those of negative ones count backwards."""
    kind = IntegerType(width_of(x.type))
    greatest = s.constant((1 << (width_of(x.type) - 1)) - 1, kind)
    # Adding +0 makes one zero of two.
    bits = s.add_op(arith.BitcastOp(s.shifted(x, 0.0), kind))
    sign = s.add_op(arith.ShRSIOp(bits, s.constant(width_of(x.type) - 1, kind)))
    ordered = s.differing(bits, s.both(sign, greatest))
    return s.select(s.compare("eq", x, x), ordered, greatest)


@dataclass(frozen=True)
class Merge:
    """The passes of a stable merge sort of positions along an axis, between two versions of them."""

    shape: tuple[Extent, ...]
    axis: int
    keys: SSAValue
    order: SSAValue

    @property
    def outer(self) -> list[int]:
        """The axes that are sorted independently."""
        return [i for i in range(len(self.shape)) if i != self.axis]

    @property
    def size(self) -> Extent:
        """How many positions are sorted."""
        return self.shape[self.axis]

    @property
    def passes(self) -> Extent:
        """How often runs are merged; also the steps of a bisection of the longest run."""
        if isinstance(self.size, int):
            return (self.size - 1).bit_length() if self.size else 0
        # The bits of size - 1, each 1 as far as there is something left of the number.
        bits = [minimum((self.size - 1) // (1 << k), 1) for k in range(MOST_BITS)]
        return maximum(reduce(added, bits), 0)

    @property
    def rank(self) -> int:
        """The number of loops: the outer axes, the passes, the positions, the steps of the bisection."""
        return len(self.outer) + 3

    def emit(self, low: Lowering) -> None:
        """The nest that sorts; its last three loops run in order, a pass reads what the last one wrote."""
        if self.passes == 0:
            return
        dims = [parallel(f"d{i}", self.shape[i]) for i in self.outer]
        dims += [reduction("pass", self.passes), reduction("i", self.size), reduction("step", self.passes)]
        low.compute(dims, [], [], self._step, init=[number_attr(0, i64)], epilogue=lambda s, v: [])

    def _step(self, s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        """One step of the bisection: so many of the run beside go before element i; at last it moves."""
        number, i, step = (s.position(Access.of(self.rank, len(self.outer) + k)) for k in range(3))
        zero, one, size = (s.size(c) for c in (0, 1, self.size))
        source, width = s.both(number, one), s.shift_left(one, number)
        mask = s.sub(width, one)
        in_run, on_right = s.both(i, mask), s.compare("ne", s.both(i, width), zero)
        pair = s.sub(s.sub(i, in_run), s.select(on_right, width, zero))
        beside = s.select(on_right, pair, s.add(pair, width))
        end = s.minimum(s.add(beside, width), size)
        found = s.select(s.compare("eq", step, zero), zero, v[0])
        probe = s.add(found, s.shift_left(one, s.sub(s.size(self.passes - 1), step)))
        candidate = s.sub(s.add(beside, probe), one)
        within = s.compare("lt", candidate, end)
        mine, position = self._key(s, source, i)
        other, _ = self._key(s, source, s.select(within, candidate, i))
        ahead = s.either(s.compare("lt", other, mine), s.both(on_right, s.compare("eq", other, mine)))
        found = s.select(s.both(within, ahead), probe, found)
        # Until the bisection is done the position goes to the spare element.
        done = s.compare("eq", step, s.size(self.passes - 1))
        place = s.select(done, s.add(s.add(pair, in_run), found), size)
        s.store(position, self.order, self._at(s, s.differing(source, one), place))
        return [found]

    def _key(self, s: Scalars, version: SSAValue, place: SSAValue) -> tuple[SSAValue, SSAValue]:
        """The key and the position at a place of a version."""
        position = s.load(self.order, self._at(s, version, place))
        at = [s.loop(i, self.rank) for i in range(len(self.outer))]
        at.insert(self.axis, s.index(position))
        return s.load(self.keys, at), position

    def _at(self, s: Scalars, version: SSAValue, place: SSAValue) -> list[SSAValue]:
        return [*(s.loop(i, self.rank) for i in range(len(self.outer))), s.index(version), s.index(place)]


RULES: Mapping[type[Operation], Rule] = {graph.TopKOp: lower_top_k}
