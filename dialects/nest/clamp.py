"""Clamped axes of a nest: the loop over taps computes its bounds instead of testing each padded read.

    clamped = array<i64: 0, 1>   read 0, axis 1:  2*oh + kh - 1 >= 0 as kh runs from max(0, 1 - 2*oh) on

Only taps that would leave the accumulator as it is are dropped, so the nest means the same without it.
"""

from collections.abc import Sequence

from xdsl.dialects.builtin import DenseArrayBase, i64

from penstock.dialects.nest.ops import ComputeOp

ATTRIBUTE = "clamped"


def clamped(nest: ComputeOp) -> set[tuple[int, int]]:
    """The clamped axes, as pairs of a read and an axis of its buffer."""
    given = nest.attributes.get(ATTRIBUTE)
    if not isinstance(given, DenseArrayBase):
        return set()
    numbers = [int(n) for n in given.get_values()]
    return set(zip(numbers[::2], numbers[1::2], strict=True))


def set_clamped(nest: ComputeOp, axes: Sequence[tuple[int, int]]) -> None:
    """Say which axes are clamped."""
    if axes:
        nest.attributes[ATTRIBUTE] = DenseArrayBase.from_list(i64, [n for pair in axes for n in pair])


def clamped_loops(nest: ComputeOp) -> set[int]:
    """The loops that clamped axes use: they stay loops, outside of register tiles."""
    reads = nest.reads
    rows = [reads[position].access.rows[axis] for position, axis in clamped(nest)]
    return {loop for row in rows for loop, c in enumerate(row) if c}
