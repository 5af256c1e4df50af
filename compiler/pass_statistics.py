"""What `penstock compile --timing` counts: the time of each pass, the operations it changed, the code."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.watching import Watcher


@dataclass
class PassRecord:
    """What one pass did, over all modules that it ran on."""

    phase: str
    name: str
    seconds: float = 0.0
    before: int = 0
    after: int = 0
    change: Counter[str] = field(default_factory=Counter[str])
    """Operation -> how many more there are of it; negative where there are fewer."""

    def add(self, before: Counter[str], after: Counter[str], seconds: float) -> None:
        """Count one run of the pass."""
        self.seconds += seconds
        self.before += before.total()
        self.after += after.total()
        for name in before.keys() | after.keys():
            self.change[name] += after[name] - before[name]

    def largest(self, count: int) -> str:
        """The operations whose number changed most, as `+12 nest.apply`."""
        changed = [(name, n) for name, n in sorted(self.change.items()) if n]
        changed.sort(key=lambda entry: -abs(entry[1]))
        return "  ".join(f"{n:+d} {name}" for name, n in changed[:count])


@dataclass
class PassStatistics(Watcher):
    """Counts a compilation; passes that run function by function are summed over the functions."""

    follows_kernels = True

    records: list[PassRecord] = field(default_factory=list[PassRecord])
    code_seconds: dict[str, float] = field(default_factory=dict[str, float])
    """Function -> seconds in LLVM, for those that were compiled."""
    from_cache: list[str] = field(default_factory=list[str])
    _counts: Counter[str] = field(default_factory=Counter[str])
    _next: int = 0
    _whole: int | None = None

    def started(self, module: ModuleOp) -> None:
        """The whole module comes first; each function begins again behind the records of the whole."""
        if self._whole is None and self.records:
            self._whole = len(self.records)
        self._next = self._whole or 0
        self._counts = _count(module)

    def passed(self, phase: str, each: ModulePass, module: ModuleOp, seconds: float) -> None:
        """Add to the record of the pass, the first time at the end."""
        if self._next == len(self.records):
            self.records.append(PassRecord(phase, each.name))
        counts = _count(module)
        self.records[self._next].add(self._counts, counts, seconds)
        self._counts = counts
        self._next += 1

    def compiled(self, name: str, seconds: float | None) -> None:
        """Note where the code of a function came from."""
        if seconds is None:
            self.from_cache.append(name)
        else:
            self.code_seconds[name] = seconds


def _count(module: ModuleOp) -> Counter[str]:
    return Counter(op.name for op in module.walk())


def slowest(seconds: dict[str, float], count: int) -> Sequence[tuple[str, float]]:
    """The functions that LLVM took longest for."""
    return sorted(seconds.items(), key=lambda entry: (-entry[1], entry[0]))[:count]
