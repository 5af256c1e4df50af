"""The autotuner: builds a model with the schedules that the analytical model ranks next, and measures them.

Every round gives several kernels their next option, all at once, and the kernels of both models are called in
turns.  All kernels that take time get one, the largest get more: compiling takes most of the seconds.  What
seemed faster then has to be so once more, beside the model without any choice.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from time import perf_counter
from typing import Unpack

from penstock.backends.targets import cpu_model
from penstock.collector import collector_paused
from penstock.compilation import Kind, Model, Options
from penstock.errors import PenstockError
from penstock.extensions import extended
from penstock.model import CompiledModel
from penstock.passes.schedule_options import Option
from penstock.reading import read_whole
from penstock.tuning_file import Tuned, Tuning, empty_tuning, recalled, remember
from penstock.variants import OptionListener, Runnable, Variants, times_by_kernel

Progress = Callable[[str, int, int], None]

MOST_TRIED = 8
"""Options beside the first that are measured of the kernel that takes most time."""
WORTH = 0.01
"""Part of the time of all kernels from which a kernel is worth measuring."""
MARGIN = 0.02
"""Part of its time that a choice must save, to be told from noise."""
MEASURING = 0.05
"""Part of the seconds that each comparison takes; most of the others go to compiling."""
PROVING = 0.15
"""Part of the seconds for the last comparison: noise must not undo what was found."""


@dataclass(frozen=True)
class Outcome:
    """What tuning a model found: what is to be kept, and what concerns this model."""

    tuning: Tuning
    kernels: Mapping[str, Tuned]
    """By digest, the kernels that take time, the one that takes most first."""
    calls: Mapping[str, int]
    """How often a call of the model calls each."""
    default_ns: float
    """Nanoseconds of all kernels in a call, as the model schedules them, and as they were chosen."""
    chosen_ns: float


def tune(
    model: Model,
    seconds: float,
    *,
    start: Tuning | None = None,
    progress: Progress | None = None,
    **kind: Unpack[Kind],
) -> Outcome:
    """Measure schedules for the kernels of a model, for about so many seconds, and choose the fastest.

    It goes on from `start` and from what the cache of kernels remembers, and measures on one thread.
    `progress` hears what is done, in which round, of how many.
    """
    options = Options(**kind)
    machine, known = options.machine, extended(options.plugins, options.passes)
    start = start or empty_tuning(machine)
    if start.cpu != cpu_model():
        raise PenstockError(
            f"the tuning was measured on another CPU, '{start.cpu}'", remedy="Tune into another file."
        )
    with collector_paused():
        module = read_whole(model, options, known)
        return _Tuner(Variants.of(module, machine, known), start, seconds, progress or _nothing).outcome()


def _nothing(told: str, done: int, total: int) -> None:
    """Nobody hears the progress."""


class _Tuner:
    """The state of one tuning: the model without choices, and what is known of its largest kernels."""

    def __init__(self, variants: Variants, start: Tuning, seconds: float, progress: Progress) -> None:
        self._variants, self._start, self._seconds, self._progress = variants, start, seconds, progress
        progress("the model as it is", 0, 1)
        heard = OptionListener()
        package = CompiledModel(variants.built({}, heard)).package
        if not package.calls:
            raise PenstockError("the model has no kernels that can be called one by one and measured")
        self._digests, self._options = heard.digests, heard.options
        self._default = Runnable.of(package, self._digests)
        self._calls = Counter(self._default.calls)
        self._times = times_by_kernel([self._default], seconds * MEASURING)[0]
        self._totals = {digest: count * self._times[digest] for digest, count in self._calls.items()}
        self._found = {digest: self._known(digest) for digest in self._busy()}

    def outcome(self) -> Outcome:
        """Try options while there is time, then keep those that prove themselves."""
        end = perf_counter() + self._seconds * (1 - PROVING)
        rounds = max(map(self._left, self._found), default=0)
        for done in range(rounds):
            self._progress("trying schedules", done, rounds)
            start = perf_counter()
            self._try({d: self._options[d][t.tried + 1] for d, t in self._found.items() if self._left(d)})
            # The next round has no more kernels than this one, and the proof finds its kernels in the cache.
            if (now := perf_counter()) + now - start > end:
                break
        self._progress("comparing", rounds, rounds)
        self._prove()
        return self._summed_up()

    def _summed_up(self) -> Outcome:
        for digest, tuned in self._found.items():
            remember(digest, tuned, self._variants.target)
        tuning = replace(self._start, kernels={**self._start.kernels, **self._found})
        default = sum(count * self._times[digest] for digest, count in self._calls.items())
        saved = sum(self._calls[d] * (t.default_ns - t.chosen_ns) for d, t in self._found.items())
        return Outcome(tuning, self._found, self._calls, default, default - saved)

    def _busy(self) -> list[str]:
        """The kernels that are worth the effort, the one that takes most time first."""
        least = WORTH * sum(self._totals.values())
        worth = [digest for digest, time in self._totals.items() if time >= least and self._options[digest]]
        return sorted(worth, key=lambda digest: -self._totals[digest])

    def _known(self, digest: str) -> Tuned:
        """What was measured of a kernel before, here or in another model, or nothing yet."""
        name = next(kernel for kernel, each in self._digests.items() if each == digest)
        options = {option.name for option in self._options[digest]}
        for known in (self._start.kernels.get(digest), recalled(digest, self._variants.target)):
            if known is not None and known.choice in options:
                return replace(known, kernel=name)
        first, time = self._options[digest][0], self._times[digest]
        return Tuned(name, first.name, 0, first.cycles, first.cycles, time, time)

    def _left(self, digest: str) -> int:
        """How many options of a kernel are still to be tried."""
        deserved = ceil(MOST_TRIED * self._totals[digest] / max(self._totals.values()))
        return max(min(deserved, len(self._options[digest]) - 1) - self._found[digest].tried, 0)

    def _measured(
        self, tried: Mapping[str, Option], part: float
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Nanoseconds of a call of each kernel, as the model schedules it, and with these options.

        That takes a part of the seconds, beside compiling.
        """
        package = self._variants.built({digest: option.name for digest, option in tried.items()})
        pair = [self._default, Runnable.of(package, self._digests)]
        default, chosen = times_by_kernel(pair, self._seconds * part)
        return default, chosen

    def _try(self, tried: Mapping[str, Option]) -> None:
        """Measure one more option of each of these kernels, and note the fastest so far."""
        default, chosen = self._measured(tried, MEASURING)
        for digest, option in tried.items():
            known = self._found[digest]
            new = _with(known, option, default[digest], chosen[digest])
            self._found[digest] = replace(max(known, new, key=lambda t: t.gain), tried=known.tried + 1)

    def _prove(self) -> None:
        """Measure all choices once more: a kernel that gains too little stays as the model schedules it."""
        firsts = {digest: self._options[digest][0] for digest in self._found}
        options = {d: next(o for o in self._options[d] if o.name == t.choice) for d, t in self._found.items()}
        changed = {digest: option for digest, option in options.items() if option != firsts[digest]}
        if not changed:
            return
        self._times, chosen = self._measured(changed, PROVING)
        for digest, known in self._found.items():
            time = self._times[digest]
            new = _with(known, options[digest], time, chosen[digest])
            proven = digest in changed and new.gain >= MARGIN
            self._found[digest] = new if proven else _with(known, firsts[digest], time, time)


def _with(known: Tuned, option: Option, default_ns: float, chosen_ns: float) -> Tuned:
    """A kernel with another choice, and the times that were measured with and without it."""
    return replace(
        known, choice=option.name, chosen_cycles=option.cycles, default_ns=default_ns, chosen_ns=chosen_ns
    )
