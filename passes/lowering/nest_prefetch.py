"""The fetching ahead of weights in a nest that is being lowered; `prefetch-panels` decides on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects import arith
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, i32
from xdsl.ir import SSAValue

from penstock.dialects.memref_ext import PrefetchOp
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.prefetch import Prefetch
from penstock.dialects.nest.sizes import numbers
from penstock.passes.lowering.code import INDEX, Code
from penstock.passes.lowering.nest_facts import Facts, Place

SECOND_LEVEL = 2
"""The locality of data for the second-level cache: the first one holds the panel in use."""


@dataclass
class Fetching:
    """Fetches a part of the next panel at each step, once its loop over panels has been entered."""

    place: Place
    panel: int
    along: int
    shift: int
    start: list[SSAValue | None] = field(default_factory=list[SSAValue | None])
    """The address of the panel in use, as soon as it is known."""

    @staticmethod
    def of(nest: ComputeOp, facts: Facts) -> "Fetching | None":
        """What a nest wants fetched."""
        wanted = Prefetch.of(nest)
        if wanted is None:
            return None
        labels = [d.label.data for d in nest.loops]
        panel, along = labels.index(wanted.panel), labels.index(wanted.along)
        return Fetching(facts.reads[wanted.read], panel, along, wanted.shift)

    def entered(self, loop: int, bases: Sequence[SSAValue | None]) -> None:
        """Hear that a loop was entered."""
        if loop == self.panel:
            self.start = [bases[self.place.position]]

    def emit(self, code: Code, bases: Sequence[SSAValue | None], indices: Sequence[SSAValue | None]) -> None:
        """Fetch for the step whose address is in `bases`."""
        size, use = self.place.strides[self.panel], indices[self.along]
        if not self.start or use is None:
            return
        (start,), here = self.start, bases[self.place.position]
        ahead = code.offset(start, size + self.place.offset)
        (panel,) = numbers([size])
        at = code.scaled(ahead, use, max(panel >> self.shift, 1))
        if here is not None and start is not None and here is not start:
            inside = code.add(arith.SubiOp.create(operands=[here, start], result_types=[INDEX]))
            at = code.sum(at, code.add(arith.ShRUIOp(inside, code.index(self.shift))))
        properties = {
            "isWrite": BoolAttr.from_bool(False),
            "localityHint": IntegerAttr(SECOND_LEVEL, i32),
            "isDataCache": BoolAttr.from_bool(True),
        }
        code.block.add_op(PrefetchOp.create(operands=[self.place.flat, at], properties=properties))
