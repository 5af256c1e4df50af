"""The schedule of a nest as an attribute: what `plan-schedule` decides and the scheduling passes carry out.

schedule = {order = ["oc", "ow"], tiles = {oc = 32, ow = 6}, unroll = ["kh"], vector = "oc", lanes = 16}
"""

from dataclasses import dataclass, field

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, StringAttr, i64

from penstock.dialects.narrowing import strings
from penstock.dialects.nest.ops import ComputeOp

ATTRIBUTE = "schedule"
TOGETHER = "together"
"""Attribute of neighbouring nests that share one outermost loop: its name."""
INNER = ".r"
"""Suffix of the loop over the inside of a tile."""


@dataclass(frozen=True)
class Schedule:
    """Order of the loops outside of the tile, tile sizes, loops to unroll, the vector loop and its lanes."""

    order: tuple[str, ...] = ()
    tiles: dict[str, int] = field(default_factory=dict[str, int])
    unroll: tuple[str, ...] = ()
    vector: str = ""
    lanes: int = 1

    @staticmethod
    def of(nest: ComputeOp) -> "Schedule | None":
        """The schedule a nest carries."""
        given = nest.attributes.get(ATTRIBUTE)
        if not isinstance(given, DictionaryAttr):
            return None
        tiles = given.data["tiles"]
        assert isinstance(tiles, DictionaryAttr)
        lanes = given.data["lanes"]
        return Schedule(
            strings(given.data["order"]),
            {k: v.value.data for k, v in tiles.data.items() if isinstance(v, IntegerAttr)},
            strings(given.data["unroll"]),
            vector.data if isinstance(vector := given.data["vector"], StringAttr) else "",
            lanes.value.data if isinstance(lanes, IntegerAttr) else 1,
        )

    def attach(self, nest: ComputeOp) -> None:
        """Say it on the nest."""
        nest.attributes[ATTRIBUTE] = DictionaryAttr(
            {
                "order": ArrayAttr([StringAttr(n) for n in self.order]),
                "tiles": DictionaryAttr({k: IntegerAttr(v, i64) for k, v in self.tiles.items()}),
                "unroll": ArrayAttr([StringAttr(n) for n in self.unroll]),
                "vector": StringAttr(self.vector),
                "lanes": IntegerAttr(self.lanes, i64),
            }
        )
