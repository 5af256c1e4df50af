"""How the nest interpreter runs one `nest.compute`: box by box, so that memory stays bounded."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from penstock.backends.nests.bodies import Points, has_stores, loops_of
from penstock.backends.nests.buffers import check_updates, check_writes, write_box
from penstock.backends.nests.folds import Fold, folds_of
from penstock.backends.nests.scalars import number
from penstock.backends.nests.space import Box, steps_within
from penstock.dialects.nest.ops import ComputeOp

Array = NDArray[np.generic]


def run_nest(nest: ComputeOp, buffers: Mapping[SSAValue, Array], *, in_order: bool = False) -> None:
    """Execute a nest on the arrays of its buffers; an error names the nest."""
    with naming(nest):
        run = NestRun(nest, buffers, in_order)
        run.check()
        run.run(Box.whole(nest.extents))


@contextmanager
def naming(nest: ComputeOp) -> Generator[None]:
    """Errors inside name the nest."""
    try:
        yield
    except (IndexError, ValueError, ZeroDivisionError) as error:
        raise type(error)(f"{describe(nest)}: {error}") from error


def describe(nest: ComputeOp) -> str:
    """A nest in a few words: its loops and the model nodes it serves."""
    loops = ", ".join(f"{d.label.data} = {d.size}" for d in nest.loops)
    nodes = nest.attributes.get("nodes")
    return f"nest.compute [{loops}]" + ("" if nodes is None else f" of {nodes}")


class NestRun:
    """One execution of a nest; parallel loops are cut into boxes, reductions run inside of each."""

    def __init__(self, nest: ComputeOp, buffers: Mapping[SSAValue, Array], in_order: bool):
        self.nest, self.buffers, self.in_order = nest, buffers, in_order
        loops = nest.loops
        self.parallel = [i for i, d in enumerate(loops) if not d.is_reduction]
        self.reductions = [i for i, d in enumerate(loops) if d.is_reduction]

    @cached_property
    def folds(self) -> list[Fold]:
        """The accumulators when all of them are plain folds, and free to be formed in any order."""
        return [] if self.in_order or has_stores(self.nest) else folds_of(self.nest) or []

    def check(self, walked: int | None = None) -> None:
        """Refuse parallel iterations that touch what others write; in a walked loop they may, in turn."""
        in_turn = self.reductions if walked is None else [*self.reductions, walked]
        if self._is_empty:
            return
        for write in self.nest.writes:
            check_writes(write, self.nest.extents, frozenset(in_turn))
        for read in (*self.nest.reads, *self.nest.extra_reads):
            check_updates(read, self.nest.writes, self.buffers, self.nest.extents)

    def run(self, whole: Box) -> None:
        """The iterations of a box, which has the reductions as a whole."""
        if self._is_empty:
            return
        steps = steps_within(whole.sizes, self._arrays(), [*self.parallel, *self.reductions])
        for box in whole.split(self.parallel, steps):
            self._finish(box, self._accumulated(box, steps))

    @property
    def _is_empty(self) -> bool:
        return any(self.nest.extents[i] == 0 for i in self.parallel)

    def _arrays(self) -> list[frozenset[int]]:
        """The loops that the arrays of one step extend over."""
        if not self.folds:
            return [frozenset(self.parallel)]
        found, everything = loops_of(self.nest), frozenset(range(len(self.nest.loops)))
        sums = [f for f in self.folds if len(f.factors) == 2]
        arrays = [found.get(v, frozenset[int]()) for f in sums for v in f.factors]
        return [*arrays, frozenset(self.parallel)] if len(sums) == len(self.folds) else [everything]

    def _accumulated(self, box: Box, steps: Sequence[int]) -> list[Array]:
        """What the body yields at the end of the reduction loops, for the parallel points of a box."""
        points = Points(box, self.buffers)
        accumulators = [points.everywhere(number(a)) for a in self.nest.init.data]
        if self.folds:
            return self._folded(box, steps, accumulators)
        for point in box.split(self.reductions, [1] * len(self.nest.loops)):
            accumulators = self._stepped(point, accumulators)
        return accumulators

    def _stepped(self, box: Box, accumulators: Sequence[Array]) -> list[Array]:
        """One point of the reduction loops."""
        block, points = self.nest.body.block, Points(box, self.buffers)
        count = len(self.nest.ins)
        points.read(block.args[:count], self.nest.reads)
        points.values.update(zip(block.args[count:], accumulators, strict=True))
        return points.yielded(block)

    def _folded(self, box: Box, steps: Sequence[int], start: Sequence[Array]) -> list[Array]:
        results = [f.read(a) for f, a in zip(self.folds, start, strict=True)]
        skipped = [op for f in self.folds for op in f.skipped]
        for part in box.split(self.reductions, steps):
            points = Points(part, self.buffers)
            block = self.nest.body.block
            points.read(block.args[: len(self.nest.ins)], self.nest.reads)
            points.run(block, skipped)
            terms = [
                f.over([points.value(v) for v in f.factors], part.sizes, self.reductions) for f in self.folds
            ]
            results = [f.combine(r, t) for f, r, t in zip(self.folds, results, terms, strict=True)]
        return [f.finish(r) for f, r in zip(self.folds, results, strict=True)]

    def _finish(self, box: Box, results: Sequence[Array]) -> None:
        """The epilogue of a box, if any, and what it writes."""
        nest = self.nest
        if nest.epilogue.blocks:
            once = Box((0,) * len(box.sizes), (1,) * len(box.sizes))
            block, points = nest.epilogue.block, Points(box.along(self.reductions, once), self.buffers)
            count = len(nest.init.data)
            points.values.update(zip(block.args[:count], results, strict=True))
            points.read(block.args[count:], nest.extra_reads)
            results = points.yielded(block)
        for write, value in zip(nest.writes, results, strict=True):
            write_box(self.buffers[write.buffer], write, box, value)
