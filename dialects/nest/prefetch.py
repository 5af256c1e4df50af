"""What a nest fetches ahead: `prefetch = {read = 1, panel = "oc", along = "m", shift = 5}`."""

from dataclasses import dataclass

from xdsl.dialects.builtin import DictionaryAttr, IntegerAttr, StringAttr, i64

from penstock.dialects.nest.ops import ComputeOp

ATTRIBUTE = "prefetch"


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
