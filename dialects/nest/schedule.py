"""The schedule of a nest as an attribute: what `plan-schedule` decides and the scheduling passes carry out.

schedule = {order = ["oc", "ow"], tiles = {oc = 32, ow = 6}, unroll = ["kh"], vector = "oc", lanes = 16}
"""

from dataclasses import dataclass, field
from math import isqrt

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute

from penstock.dialects.narrowing import strings
from penstock.dialects.nest.ops import ComputeOp

ATTRIBUTE = "schedule"
BLOCK = ".b"
"""Suffix of the loop over blocks of tiles."""
INNER = ".r"
"""Suffix of the loop over the inside of a tile."""


def smaller_tile(size: int, lanes: int | None) -> tuple[int, ...]:
    """The tile for what whole ones leave of an open size: a vector, or what leaves few of any kind."""
    if lanes is not None:
        return (lanes,) if 1 < lanes < size else ()
    return (isqrt(size),) if size >= 4 else ()


@dataclass(frozen=True)
class Schedule:
    """Order of the loops outside of the tile, tile sizes, loops to unroll, the vector loop and its lanes."""

    order: tuple[str, ...] = ()
    tiles: dict[str, int] = field(default_factory=dict[str, int])
    unroll: tuple[str, ...] = ()
    vector: str = ""
    lanes: int = 1
    blocks: dict[str, int] = field(default_factory=dict[str, int])
    """Tiles of a loop taken together outside of all other loops, so that what they read stays in cache."""

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
            _numbers(tiles),
            strings(given.data["unroll"]),
            vector.data if isinstance(vector := given.data["vector"], StringAttr) else "",
            lanes.value.data if isinstance(lanes, IntegerAttr) else 1,
            _numbers(given.data.get("blocks")),
        )

    def attach(self, nest: ComputeOp) -> None:
        """Say it on the nest."""
        nest.attributes[ATTRIBUTE] = DictionaryAttr(
            {
                "order": ArrayAttr([StringAttr(n) for n in self.order]),
                "tiles": _dictionary(self.tiles),
                "unroll": ArrayAttr([StringAttr(n) for n in self.unroll]),
                "vector": StringAttr(self.vector),
                "lanes": IntegerAttr(self.lanes, i64),
                **({"blocks": _dictionary(self.blocks)} if self.blocks else {}),
            }
        )


def _dictionary(numbers: dict[str, int]) -> DictionaryAttr:
    return DictionaryAttr({k: IntegerAttr(v, i64) for k, v in numbers.items()})


def _numbers(value: Attribute | None) -> dict[str, int]:
    if not isinstance(value, DictionaryAttr):
        return {}
    return {k: v.value.data for k, v in value.data.items() if isinstance(v, IntegerAttr)}
