"""What a nest fetches ahead: `prefetch = {read = 1, panel = "oc", along = "m", shift = 5}` of its weights,
and `prefetch_extras = array<i64: 0>` of what its epilogue reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import DenseArrayBase, DictionaryAttr, IntegerAttr, StringAttr, i64

from penstock.dialects.nest.ops import ComputeOp

ATTRIBUTE, EXTRAS = "prefetch", "prefetch_extras"


@dataclass(frozen=True)
class Prefetch:
    """The read, the loop over its panels, the loop over the uses of a panel, and the log2 of their number.

    At every step, 1/2^shift of the offset in the panel is fetched from the next panel, each use beginning
    where the one before it ended.
    """

    read: int
    panel: str
    along: str
    shift: int

    @staticmethod
    def of(nest: ComputeOp) -> "Prefetch | None":
        """What a nest says, if it does."""
        given = nest.attributes.get(ATTRIBUTE)
        if not isinstance(given, DictionaryAttr):
            return None
        read, panel, along, shift = (given.data[k] for k in ("read", "panel", "along", "shift"))
        assert isinstance(read, IntegerAttr) and isinstance(shift, IntegerAttr), "read and shift are numbers"
        assert isinstance(panel, StringAttr) and isinstance(along, StringAttr), "panel and along are loops"
        return Prefetch(read.value.data, panel.data, along.data, shift.value.data)

    def attach(self, nest: ComputeOp) -> None:
        """Say it on the nest."""
        nest.attributes[ATTRIBUTE] = DictionaryAttr(
            {
                "read": IntegerAttr(self.read, i64),
                "panel": StringAttr(self.panel),
                "along": StringAttr(self.along),
                "shift": IntegerAttr(self.shift, i64),
            }
        )


def fetch_extras(nest: ComputeOp, extras: Sequence[int]) -> None:
    """Say which operands of the epilogue are fetched when a tile begins, if any."""
    if extras:
        nest.attributes[EXTRAS] = DenseArrayBase.from_list(i64, list(extras))


def extras_to_fetch(nest: ComputeOp) -> tuple[int, ...]:
    """The operands of the epilogue that a nest wants fetched when a tile begins."""
    given = nest.attributes.get(EXTRAS)
    return tuple(map(int, given.get_values())) if isinstance(given, DenseArrayBase) else ()
