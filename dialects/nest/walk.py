"""Neighbouring nests that walk a loop together: `together = "h"` on each of them.

    nest.compute [h = 8, m = 64, n = 64, k = 32 reduce] ... attributes {together = "h"}
    nest.compute [h = 8, m = 64, n = 64 reduce] ...         attributes {together = "h"}

For each h, and in any order of them, all nests run one after the other: what the first one makes in an
iteration is at hand for the second one in the same iteration, and only there.  So a buffer may be room for
what one iteration makes, which the next one overwrites.  Nests whose loops have different names or extents,
or that are not neighbours, run one behind another.
"""

from collections.abc import Iterable
from itertools import groupby

from xdsl.dialects.builtin import StringAttr

from penstock.dialects.nest.ops import TOGETHER, ComputeOp
from penstock.dialects.sizes import Extent


def walked_loop(nest: ComputeOp) -> int | None:
    """The loop that a nest walks together with its neighbours; `None` when it runs by itself."""
    label = nest.attributes.get(TOGETHER)
    if not isinstance(label, StringAttr):
        return None
    return next(i for i, d in enumerate(nest.loops) if d.label == label)


def walk_of(nest: ComputeOp) -> tuple[str, Extent]:
    """What neighbouring nests that walk a loop together have in common; nothing else has it."""
    loop = walked_loop(nest)
    return ("", id(nest)) if loop is None else (nest.loops[loop].label.data, nest.loops[loop].iterations)


def walks(nests: Iterable[ComputeOp]) -> list[list[ComputeOp]]:
    """Neighbouring nests in groups that walk a loop together; a nest by itself is a group too."""
    return [list(group) for _, group in groupby(nests, walk_of)]
