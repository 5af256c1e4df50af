"""Picks from the trace of a compilation what `penstock inspect` asks for: a pass, a difference."""

from collections.abc import Iterable, Sequence
from difflib import unified_diff
from itertools import pairwise
from typing import Protocol

from penstock.errors import PenstockError


class Snapshot(Protocol):
    """A module as one pass left it; the first of a trace is the module before any pass, named `import`."""

    @property
    def level(self) -> str: ...

    @property
    def pass_name(self) -> str: ...

    @property
    def numerics(self) -> str: ...

    @property
    def seconds(self) -> float: ...

    @property
    def text(self) -> str: ...


def text_after(snapshots: Iterable[Snapshot], pass_name: str) -> str:
    """The module as it leaves a pass, for the last time where the pass runs more than once."""
    taken = list(snapshots)
    found = [snapshot.text for snapshot in taken if snapshot.pass_name == pass_name]
    if not found:
        raise _unknown("pass", pass_name, [snapshot.pass_name for snapshot in taken])
    return found[-1]


def difference(snapshots: Iterable[Snapshot], pass_name: str) -> str:
    """What a pass changed, as a unified diff, one after the other where the pass runs more than once."""
    taken = list(snapshots)
    found = [pair for pair in pairwise(taken) if pair[1].pass_name == pass_name]
    if not found:
        raise _unknown("pass", pass_name, [snapshot.pass_name for snapshot in taken[1:]])
    return "\n".join(_diff(before, after) for before, after in found)


def _diff(before: Snapshot, after: Snapshot) -> str:
    names = (f"before {after.pass_name}", f"after {after.pass_name}")
    lines = unified_diff(before.text.splitlines(), after.text.splitlines(), *names, lineterm="")
    return "\n".join(lines) or f"{after.pass_name} changed nothing"


def _unknown(kind: str, name: str, known: Sequence[str]) -> PenstockError:
    return PenstockError(f"this model passes no {kind} '{name}', only {', '.join(dict.fromkeys(known))}")
