"""The three loop nests of a convolution by minimal filtering, and the arithmetic of their bodies.

    v[a, b, t, ic] = B^T d B     tiles of the input, at all pairs of points
    p[a, b, t, oc] = sum over ic of v[a, b, t, ic] * u[a, b, ic, oc]
    y[tile t, oc]  = epilogue(A^T p A)

Tiles overlap by two; those at the end may reach beyond the input, where they read zero, and beyond the
output, where a nest of its own writes what there is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import prod

import numpy as np
from xdsl.dialects import memref
from xdsl.dialects.builtin import FloatAttr, f32
from xdsl.ir import Attribute, Block, SSAValue

from penstock.dialects.nest.access import Access, Substitution
from penstock.dialects.nest.ops import (
    ComputeOp,
    DimAttr,
    Read,
    Write,
    element_of,
    parallel,
    reduction,
    region,
)
from penstock.passes.lowering.graph_to_nest.linear import multiply_add
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars
from penstock.passes.nest_rewriting import append_block, rename_loops
from penstock.passes.winograd_matrices import Filtering, Matrix

Floats = tuple[float, ...]
Grid = list[list[SSAValue]]
"""Values by row and column of a tile."""


@dataclass(frozen=True)
class Convolution:
    """A convolution of stride 1 with 3x3 taps, as found in a nest: loops by what they do, and its reads."""

    nest: ComputeOp
    batch: tuple[int, ...]
    spatial: tuple[int, int]
    outputs: int
    channels: int
    data: Read
    axes: tuple[int, int]
    """The axes of the data along which the two spatial loops go."""

    def extent(self, loop: int) -> int:
        """Iterations of a loop."""
        return self.nest.extents[loop]

    def tiles(self, filtering: Filtering) -> tuple[int, int]:
        """Tiles along the two spatial loops."""
        rows, columns = (-(-self.extent(loop) // filtering.outputs) for loop in self.spatial)
        return rows, columns

    @property
    def images(self) -> int:
        """Points of the batch loops."""
        return prod(self.extent(loop) for loop in self.batch)


@dataclass(frozen=True)
class Nests:
    """Builds the nests of one convolution; those over tiles have loops for batch, row, column and channel."""

    conv: Convolution
    filtering: Filtering

    @property
    def points(self) -> int:
        """Pairs of points."""
        return self.filtering.inputs**2

    def _grid(self, values: Sequence[SSAValue]) -> Grid:
        """The first values, one for each pair of points, by row and column."""
        size = self.filtering.inputs
        return [list(values[row * size : (row + 1) * size]) for row in range(size)]

    def buffer(self, channels: int) -> memref.AllocOp:
        """Room for all tiles at all pairs of points."""
        tiles = self.conv.images * prod(self.conv.tiles(self.filtering))
        return memref.AllocOp.get(f32, 64, [self.points, tiles, channels])

    def transform(self, tiles: SSAValue) -> ComputeOp:
        """The input at the points."""
        conv, size = self.conv, self.filtering.inputs
        dims = self._dims(conv.tiles(self.filtering), conv.channels)
        reads = [self._tile_read(a, b) for a, b in product(range(size), repeat=2)]
        writes = [Write(tiles, self._tile_access(point, (0, 0))) for point in range(self.points)]

        def body(block: Block) -> list[SSAValue]:
            tile = self._grid(block.args)
            return [v for row in transformed(Scalars(block), self.filtering.data, tile) for v in row]

        return ComputeOp.of(dims, reads, writes, region([f32] * self.points, body))

    def multiply(self, tiles: SSAValue, filters: SSAValue, products: SSAValue) -> ComputeOp:
        """The products at every pair of points, summed over the channels."""
        count = self.conv.images * prod(self.conv.tiles(self.filtering))
        dims = [parallel("p", self.points), parallel("t", count)]
        dims += [self._renamed(self.conv.outputs), self._renamed(self.conv.channels)]
        reads = [Read(tiles, Access.of(4, 0, 1, 3)), Read(filters, Access.of(4, 0, 3, 2))]
        return ComputeOp.of(
            dims,
            reads,
            [Write(products, Access.of(4, 0, 1, 2))],
            region([f32] * 3, lambda block: multiply_add(Scalars(block), block.args)),
            init=[FloatAttr(0.0, f32)],
            epilogue=region([f32], lambda block: list(block.args)),
        )

    def finish(self, products: SSAValue) -> Iterator[ComputeOp]:
        """The output from the products: whole tiles, and the tiles that the output cuts short."""
        ranges = [self._ranges(loop) for loop in self.conv.spatial]
        for (row, rows, height), (column, columns, width) in product(*ranges):
            yield self._finish(products, (row, column), (rows, columns), (height, width))

    def _ranges(self, loop: int) -> Iterator[tuple[int, int, int]]:
        """Start, number and outputs of the tiles along a loop."""
        whole, rest = divmod(self.conv.extent(loop), self.filtering.outputs)
        if whole:
            yield 0, whole, self.filtering.outputs
        if rest:
            yield whole, 1, rest

    def _finish(
        self, products: SSAValue, start: tuple[int, int], count: tuple[int, int], size: tuple[int, int]
    ) -> ComputeOp:
        nest, finish = self.conv.nest, _Outputs(self.conv)
        reads = [Read(products, self._tile_access(point, start)) for point in range(self.points)]
        places = [(row, column) for row in range(size[0]) for column in range(size[1])]
        maps = [self._output_map(start, place) for place in places]
        extras = list(dict.fromkeys(key for s in maps for key in finish.extras(s)))
        reads += [Read(*key) for key in extras]
        writes = [Write(nest.writes[0].buffer, nest.writes[0].access.substitute(s)) for s in maps]

        def body(block: Block) -> list[SSAValue]:
            sums = transformed(Scalars(block), self.filtering.products, self._grid(block.args))
            known = dict(zip(extras, block.args[self.points :], strict=True))
            return [
                finish.emit(block, sums[row][column], s, [known[key] for key in finish.extras(s)])
                for (row, column), s in zip(places, maps, strict=True)
            ]

        kinds: list[Attribute] = [element_of(r.buffer) for r in reads]
        return ComputeOp.of(self._dims(count, self.conv.outputs), reads, writes, region(kinds, body))

    def _renamed(self, loop: int) -> DimAttr:
        """A loop of the convolution without its mark."""
        dim = self.conv.nest.loops[loop]
        return (reduction if dim.is_reduction else parallel)(dim.label.data, dim.size)

    def _dims(self, tiles: tuple[int, int], channel: int) -> list[DimAttr]:
        conv = self.conv
        batch = [self._renamed(loop) for loop in conv.batch]
        rows = [parallel(conv.nest.loops[i].label.data, n) for i, n in zip(conv.spatial, tiles, strict=True)]
        return [*batch, *rows, parallel(conv.nest.loops[channel].label.data, conv.extent(channel))]

    def _tile_read(self, *place: int) -> Read:
        """The element of the data at a place of the tile."""
        conv, count = self.conv, len(self.conv.batch) + 3
        rows = [[0] * count for _ in conv.nest.loops]
        for new, loop in enumerate((*conv.batch, *conv.spatial, conv.channels)):
            rows[loop][new] = self.filtering.outputs if loop in conv.spatial else 1
        moved = conv.data.access.substitute(Substitution(tuple(map(tuple, rows)), (0,) * len(rows), count))
        offsets = list(moved.offsets)
        for axis, step in zip(conv.axes, place, strict=True):
            offsets[axis] += step
        return Read(conv.data.buffer, Access(moved.rows, tuple(offsets)), FloatAttr(0.0, f32))

    def _tile_access(self, point: int, start: tuple[int, int]) -> Access:
        """Tiles by pair of points, number of the tile and channel."""
        tiles = self.conv.tiles(self.filtering)
        sizes = [*(self.conv.extent(loop) for loop in self.conv.batch), *tiles]
        steps = {i: prod(sizes[i + 1 :]) for i in range(len(sizes))}
        first = start[0] * tiles[1] + start[1]
        return Access.of(len(sizes) + 1, ({}, point), (steps, first), len(sizes))

    def _output_map(self, start: tuple[int, int], place: tuple[int, int]) -> Substitution:
        """The loops of the convolution in terms of those over tiles, at one place of a tile."""
        conv, count, step = self.conv, len(self.conv.batch) + 3, self.filtering.outputs
        rows = [[0] * count for _ in conv.nest.loops]
        offsets = [0] * len(rows)
        for new, loop in enumerate((*conv.batch, *conv.spatial, conv.outputs)):
            rows[loop][new] = step if loop in conv.spatial else 1
        for loop, first, at in zip(conv.spatial, start, place, strict=True):
            offsets[loop] = step * first + at
        return Substitution(tuple(map(tuple, rows)), tuple(offsets), count)


@dataclass(frozen=True)
class _Outputs:
    """The epilogue of the convolution, once for each place of a tile."""

    conv: Convolution

    def extras(self, s: Substitution) -> list[tuple[SSAValue, Access, Attribute | None]]:
        """What it reads at a place."""
        return [(r.buffer, r.access.substitute(s), r.outside) for r in self.conv.nest.extra_reads]

    def emit(self, block: Block, total: SSAValue, s: Substitution, extras: Sequence[SSAValue]) -> SSAValue:
        """What it writes at a place."""
        body = rename_loops(self.conv.nest.epilogue, s)
        (value,) = append_block(block, body.block, [total, *extras])
        body.drop_all_references()
        return value


def transformed(s: Scalars, matrix: Matrix, tile: Grid) -> Grid:
    """matrix @ tile @ matrix^T."""
    columns = [linear_map(s, matrix, column) for column in zip(*tile, strict=True)]
    return [linear_map(s, matrix, row) for row in zip(*columns, strict=True)]


def linear_map(s: Scalars, matrix: Matrix, values: Sequence[SSAValue]) -> list[SSAValue]:
    """matrix @ values, in few operations: pairs of rows or columns that differ in signs share their terms."""
    plan, values = _plan(matrix.tobytes(), len(matrix)), list(values)
    for i, j in plan.columns:
        # a x + a y and b x - b y  ->  a (x + y) and b (x - y)
        values[i], values[j] = s.add(values[i], values[j]), s.sub(values[i], values[j])
    results: dict[int, SSAValue] = {}
    for (i, j), (even, odd) in plan.pairs.items():
        first, second = _combination(s, even, values), _combination(s, odd, values)
        results[i], results[j] = s.add(first, second), s.sub(first, second)
    return [results.get(i) or _combination(s, row, values) for i, row in enumerate(plan.rows)]


@dataclass(frozen=True)
class _Plan:
    """How values are multiplied by a matrix."""

    columns: tuple[tuple[int, int], ...]
    """Values that are replaced by their sum and their difference first."""
    pairs: Mapping[tuple[int, int], tuple[Floats, Floats]]
    """Rows that are the sum and the difference of two others."""
    rows: tuple[Floats, ...]


@cache
def _plan(data: bytes, rows: int) -> _Plan:
    """The plan for a matrix of so many rows, given as its bytes: it is needed for every row of every tile."""
    matrix = np.frombuffer(data).reshape(rows, -1).copy()
    columns = _pairs(matrix.T)
    for i, j in columns:
        together = np.isclose(matrix[:, i], matrix[:, j])
        matrix[:, i], matrix[:, j] = np.where(together, matrix[:, i], 0), np.where(together, 0, matrix[:, i])
    pairs: dict[tuple[int, int], tuple[Floats, Floats]] = {}
    for i, j in _pairs(matrix):
        same = np.isclose(matrix[i], matrix[j])
        pairs[i, j] = _floats(np.where(same, matrix[i], 0)), _floats(np.where(same, 0, matrix[i]))
    return _Plan(tuple(columns), pairs, tuple(map(_floats, matrix)))


def _floats(row: Matrix) -> Floats:
    return tuple(map(float, row))


def _pairs(matrix: Matrix) -> list[tuple[int, int]]:
    """Neighbouring rows that are equal but for the signs of some, not all, of their entries."""
    found: list[tuple[int, int]] = []
    for i in range(len(matrix) - 1):
        a, b = matrix[i], matrix[i + 1]
        differs = a != b
        if np.array_equal(abs(a), abs(b)) and differs.any() and not differs[a != 0].all():
            found.append((i, i + 1))
    return found


def _combination(s: Scalars, row: Floats, values: Sequence[SSAValue]) -> SSAValue:
    """The sum of row[i] * values[i], begun with a term that needs no product."""
    terms = sorted(((c, v) for c, v in zip(row, values, strict=True) if c), key=lambda t: t[0] != 1)
    (first, value), *rest = terms
    total = value if first == 1 else s.scaled(value, first)
    for c, v in rest:
        total = s.add(total, v) if c == 1 else s.sub(total, v) if c == -1 else s.add(total, s.scaled(v, c))
    return total
