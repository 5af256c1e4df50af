"""`winograd`: a 3x3 convolution of stride 1 by minimal filtering, where that takes less time.

    y = conv(x, w)   ->   v = B^T x B per tile;  p = v * (G w G^T), summed over ic;  y = A^T p A per tile

Tiles of 2x2 or 4x4 outputs take 2.25 or 4 times fewer products; the transforms and the larger weights cost
some of that back.  Which of the three is cheapest, the plain sum included, is decided by a count of cycles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import FloatAttr, MemRefType, ModuleOp, f32
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ComputeOp, ConstantOp, Read, YieldOp, element_of, shape_of
from penstock.dialects.resources import Array, ResourceAttr
from penstock.passes.canonical_text import CanonicalText
from penstock.passes.nest_rewriting import captured, erase_unused_buffers, functions, nests
from penstock.passes.winograd_matrices import TAPS, Filtering, filtering
from penstock.passes.winograd_nests import Convolution, Nests

GAIN = 0.9
"""The share of the plain convolution's cycles that the filtering must stay below."""
TRANSFORM = 4
"""Cycles per vector of a transformed tile: to make it, to store it and to read it again."""
MEMORY_BYTES = 4
"""Bytes of weights per cycle that one core takes from memory."""
CHANNELS_AT_ONCE = 8
"""Input channels whose weights are transformed together: they stay in the caches, in double precision."""


@dataclass(frozen=True)
class WinogradPass(ModulePass):
    """Replace single-precision 3x3 convolutions of constant weights, channels last, stride and dilation 1.

    All sizes must be known.
    `outputs` per tile and dim are 2 or 4, or 0 for what the count of cycles says.
    """

    name = "winograd"
    numerics: ClassVar[str] = "reassociates, approximates(8 ulp)"
    outputs: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine, texts = Machine.of(op), CanonicalText()
        known: dict[str, _Parts] = {}
        for function in functions(op):
            for conv in [c for nest in nests(function) if (c := convolution_of(nest)) is not None]:
                chosen = self.outputs or _cheapest(conv, machine)
                if chosen:
                    text, f = texts.unattributed(conv.nest), filtering(chosen)
                    known[text] = known[text].again(conv, f) if text in known else _Parts.of(conv, f)
                    known[text].replace(conv.nest)
            erase_unused_buffers(function.body.block, (ConstantOp,))


def convolution_of(nest: ComputeOp) -> Convolution | None:
    """The convolution that a nest is, if this pass can replace it."""
    if nest.symbols or len(nest.ins) != 2 or len(nest.outs) != 1 or not _sums_products(nest):
        return None
    data, weights = nest.reads
    if not isinstance(weights.buffer.owner, ConstantOp) or element_of(weights.buffer) != f32:
        return None
    taps = [i for i, d in enumerate(nest.loops) if d.is_reduction and _windows(data, i)]
    sums = [i for i, d in enumerate(nest.loops) if d.is_reduction and i not in taps]
    outputs = [i for i, d in enumerate(nest.loops) if not d.is_reduction and weights.access.uses(i)]
    if len(taps) != 2 or len(sums) != 1 or len(outputs) != 1 or any(nest.extents[i] != TAPS for i in taps):
        return None
    if not _walks(weights, [*taps, *sums, *outputs]) or not _reads_zero_outside(data):
        return None
    first, second = (_window(data, tap) for tap in taps)
    if first is None or second is None:
        return None
    axes, spatial = (first[0], second[0]), (first[1], second[1])
    batch = [i for i, d in enumerate(nest.loops) if not d.is_reduction and i not in (*spatial, *outputs)]
    if not _is_channels_last(nest, data, sums[0], outputs[0], axes, batch):
        return None
    return Convolution(nest, tuple(batch), spatial, outputs[0], sums[0], data, axes)


def _sums_products(nest: ComputeOp) -> bool:
    """Whether the body is `acc + x * w`, from zero, in single precision."""
    end = nest.body.block.last_op
    if list(nest.init.data) != [FloatAttr(0.0, f32)] or not isinstance(end, YieldOp):
        return False
    *factors, total = nest.body.block.args
    added = end.values[0].owner
    if not isinstance(added, arith.AddfOp) or total not in added.operands:
        return False
    term = next(o for o in added.operands if o is not total).owner
    return isinstance(term, arith.MulfOp) and set(term.operands) == set(factors)


def _windows(data: Read, loop: int) -> bool:
    """Whether a loop moves the data along with another one."""
    return any(row[loop] and sum(map(bool, row)) > 1 for row in data.access.rows)


def _window(data: Read, tap: int) -> tuple[int, int] | None:
    """The axis that a tap moves along, and the only loop beside it there, which moves the window by 1."""
    axis = next(a for a, row in enumerate(data.access.rows) if row[tap])
    row = data.access.rows[axis]
    used = [i for i, c in enumerate(row) if c and i != tap]
    return (axis, used[0]) if len(used) == 1 and row[used[0]] == row[tap] == 1 else None


def _walks(weights: Read, loops: list[int]) -> bool:
    """Whether the weights have an axis for each of these loops, and no other."""
    used = [[i for i, c in enumerate(row) if c] for row in weights.access.rows if any(row)]
    units = all(c in (0, 1) for row in weights.access.rows for c in row)
    return units and not any(weights.access.offsets) and sorted(used) == sorted([i] for i in loops)


def _reads_zero_outside(data: Read) -> bool:
    return data.outside is None or data.outside == FloatAttr(0.0, f32)


def _is_channels_last(
    nest: ComputeOp, data: Read, channels: int, outputs: int, axes: tuple[int, ...], batch: list[int]
) -> bool:
    """Whether channels are contiguous on both sides, and no loop but those of a batch moves anything else."""
    rows = data.access.rows
    last = [i for i, c in enumerate(rows[-1]) if c]
    others = [i for a, row in enumerate(rows[:-1]) if a not in axes for i, c in enumerate(row) if c]
    (write,) = nest.writes
    contiguous = write.access.stride(outputs, shape_of(write.buffer)) == 1
    return last == [channels] and contiguous and sorted(others) == sorted(batch)


def _cheapest(conv: Convolution, machine: Machine) -> int:
    """Outputs per tile and dim that take the fewest cycles; 0 for the plain convolution."""
    plain = _cycles(conv, machine, conv.images * prod(map(conv.extent, conv.spatial)), TAPS**2)
    options = {m: _filtered_cycles(conv, machine, filtering(m)) for m in (2, 4)}
    best = min(options, key=options.__getitem__)
    return best if options[best] < GAIN * plain else 0


def _cycles(conv: Convolution, machine: Machine, positions: int, products: int) -> float:
    """Cycles of `products` for each pair of channels at every position, and of bringing the weights."""
    pairs, lanes = conv.extent(conv.outputs) * conv.extent(conv.channels), machine.lanes(f32)
    return (
        positions * products * pairs / (lanes * machine.arithmetic_ports)
        + products * pairs * 4 / MEMORY_BYTES
    )


def _filtered_cycles(conv: Convolution, machine: Machine, f: Filtering) -> float:
    tiles, points = conv.images * prod(conv.tiles(f)), f.inputs**2
    channels = conv.extent(conv.outputs) + conv.extent(conv.channels)
    transforms = tiles * points * channels / machine.lanes(f32) * TRANSFORM
    return _cycles(conv, machine, tiles, points) + transforms


@dataclass(frozen=True)
class _Parts:
    """What takes the place of a convolution: its buffers, and the nests between them."""

    used: Sequence[SSAValue]
    """What the convolution reads and writes."""
    tiles: memref.AllocOp
    products: memref.AllocOp
    filters: ConstantOp
    nests: Sequence[ComputeOp]

    @classmethod
    def of(cls, conv: Convolution, f: Filtering) -> "_Parts":
        build = Nests(conv, f)
        tiles, products = build.buffer(conv.extent(conv.channels)), build.buffer(conv.extent(conv.outputs))
        filters = _filters(conv, f)
        nests = (
            build.transform(tiles.memref),
            build.multiply(tiles.memref, filters.buffer, products.memref),
            *build.finish(products.memref),
        )
        return cls(_used(conv.nest), tiles, products, filters, nests)

    def again(self, conv: Convolution, f: Filtering) -> "_Parts":
        """The same for an equal convolution: all but the weights is copied, which takes less time."""
        tiles, products, filters = self.tiles.clone(), self.products.clone(), _filters(conv, f)
        used = _used(conv.nest)
        values = dict(zip(self.used, used, strict=True))
        for ours, new in zip(self._buffers, (tiles, products, filters), strict=True):
            values[ours.results[0]] = new.results[0]
        nests = [nest.clone(dict(values)) for nest in self.nests]
        return _Parts(used, tiles, products, filters, nests)

    @property
    def _buffers(self) -> tuple[Operation, ...]:
        return (self.tiles, self.products, self.filters)

    def replace(self, nest: ComputeOp) -> None:
        """Put all in the place of a convolution."""
        for part in (*self._buffers, *self.nests):
            part.attributes.update(nest.attributes)
            Rewriter.insert_op(part, InsertPoint.before(nest))
        Rewriter.erase_op(nest)


def _used(nest: ComputeOp) -> list[SSAValue]:
    """All values from outside of a nest, those that its epilogue reads at computed places too."""
    return [*nest.operands, *captured(nest)]


def _filters(conv: Convolution, f: Filtering) -> ConstantOp:
    """The weights at all pairs of points: [points, ic, oc]."""
    _, weights = conv.nest.reads
    assert isinstance(weights.buffer.owner, ConstantOp), "the weights were found constant"
    resource = weights.buffer.owner.value
    taps = [
        next(i for i, c in enumerate(conv.data.access.rows[a]) if c and i not in conv.spatial)
        for a in conv.axes
    ]
    order = list(_axes_of(weights, [*taps, conv.channels, conv.outputs]))
    moved = np.moveaxis(resource.array, order, range(len(order)))
    moved = moved.reshape(TAPS, TAPS, conv.extent(conv.channels), conv.extent(conv.outputs))
    values = _transformed(moved, f)
    name = f"{resource.data.name}.winograd{f.outputs}"
    return ConstantOp(ResourceAttr.of(name, values), MemRefType(f32, values.shape))


def _transformed(weights: Array, f: Filtering) -> NDArray[np.float32]:
    """Weights [taps, taps, ic, oc] at all pairs of points; in double precision, some channels at a time."""
    channels, outputs = weights.shape[2:]
    values = np.empty((f.inputs, f.inputs, channels, outputs), np.float32)
    for start in range(0, channels, CHANNELS_AT_ONCE):
        some = slice(start, start + CHANNELS_AT_ONCE)
        values[:, :, some] = f.transformed(weights[:, :, some].astype(np.float64))
    return values.reshape(f.inputs**2, channels, outputs)


def _axes_of(weights: Read, loops: list[int]) -> Iterator[int]:
    """The axis of the weights for each loop."""
    for loop in loops:
        yield next(axis for axis, row in enumerate(weights.access.rows) if row[loop])
