"""The arena of a `main` whose sizes are known only at run time: the plan at the hints, made to stretch.

What the plan places below a value stays below it at all sizes, so values that live together never meet.  At
the sizes of the hints the arena is what `plan_intervals` finds.
"""

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.memory_plan import GrowingPlan, GrowingValue, Interval, round_up_size
from penstock.dialects.nest.sizes import SizeOp
from penstock.dialects.sizes import Extent
from penstock.passes.memory.placement import plan_intervals


def growing_plan(intervals: Sequence[Interval], sizes: Sequence[Extent]) -> GrowingPlan:
    """The plan of intervals whose sizes are those of the hints, for all sizes."""
    plan = plan_intervals(intervals)
    # Values of no bytes at the hints may have some otherwise: the order in the arena is that of all.
    rank = {
        i: k for k, i in enumerate(sorted(range(len(sizes)), key=lambda i: (plan.placements[i].offset, i)))
    }
    below = [
        [j for j in range(len(sizes)) if j != i and rank[j] < rank[i] and intervals[i].meets(intervals[j])]
        for i in range(len(sizes))
    ]
    values = [
        GrowingValue(each.name, each.first, each.last, size, tuple(_direct(lower, below)))
        for each, size, lower in zip(intervals, sizes, below, strict=True)
    ]
    return GrowingPlan(tuple(values))


def _direct(lower: Sequence[int], below: Sequence[Sequence[int]]) -> list[int]:
    """Those of some values that no other one of them lies above."""
    covered = {j for i in lower for j in below[i]}
    return [i for i in lower if i not in covered]


def emit_offsets(block: Block, plan: GrowingPlan) -> list[SSAValue]:
    """Compute where each value of a plan begins, at the head of a block."""
    code = _Offsets(block)
    starts: dict[int, Extent | SSAValue] = {}
    ends: dict[int, Extent | SSAValue] = {}
    for i in plan.order():
        value = plan.values[i]
        starts[i] = code.greatest([ends[j] for j in value.below])
        ends[i] = code.sum(starts[i], round_up_size(value.size))
    return [code.value(starts[i]) for i in range(len(plan.values))]


class _Offsets:
    """Sums and maxima of sizes: formulas as long as they stay sums, values behind a maximum."""

    def __init__(self, block: Block) -> None:
        self.block, self.known = block, dict[Extent, SSAValue]()
        self.last: Operation | None = None

    def value(self, size: "Extent | SSAValue") -> SSAValue:
        """The value of a size."""
        if isinstance(size, SSAValue):
            return size
        if size not in self.known:
            constant = (
                arith.ConstantOp(IntegerAttr(size, IndexType())) if isinstance(size, int) else SizeOp(size)
            )
            self.known[size] = self._add(constant)
        return self.known[size]

    def greatest(self, sizes: "Sequence[Extent | SSAValue]") -> "Extent | SSAValue":
        """The greatest of some sizes; 0 of none."""
        if len(sizes) < 2 or all(isinstance(s, int) for s in sizes):
            return max((s for s in sizes if isinstance(s, int)), default=0) if len(sizes) != 1 else sizes[0]
        result = self.value(sizes[0])
        for size in sizes[1:]:
            result = self._add(arith.MaxSIOp(result, self.value(size)))
        return result

    def sum(self, a: "Extent | SSAValue", b: Extent) -> "Extent | SSAValue":
        """The sum of two sizes."""
        return self._add(arith.AddiOp(a, self.value(b))) if isinstance(a, SSAValue) else a + b

    def _add(self, op: Operation) -> SSAValue:
        if self.last is not None:
            self.block.insert_op_after(op, self.last)
        elif self.block.first_op is not None:
            self.block.insert_op_before(op, self.block.first_op)
        else:
            self.block.add_op(op)
        self.last = op
        return op.results[0]
