"""Kernels that need not be run again, as it is known what they make of the same arguments.

A model calls many of its kernels often, and most passes rewrite kernels.  A kernel that was rewritten is
taken for the one before if both make the same bits of the arguments of its first call, and of random ones;
what it makes of the arguments of its other calls is known then.  Where bits differ, all calls are run.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import CallOp, FuncOp

from penstock.backends.nest_interpreter import Calls
from penstock.checking.comparison import bit_difference
from penstock.checking.fingerprint import Fingerprint, fingerprint
from penstock.checking.trials import Kernel, trials_of
from penstock.checking.usage import Made, Usage, usage_of
from penstock.dialects.resources import Array

OFTEN = 4
"""Of kernels with fewer calls every call is run again."""
TRIALS = 2
"""The arguments of the first call, and random ones."""


@dataclass
class _Meaning:
    """What one kernel, or several that are alike, made of arguments."""

    kernel: Kernel
    recorded: list[Array]
    made: dict[bytes, Made] = field(default_factory=dict[bytes, Made])
    tried: list[tuple[Sequence[Array], list[Array]]] | None = None
    """Arguments, and what becomes of them; found out when they are first needed."""

    def agrees(self, other: Kernel, seed: int) -> bool:
        """Whether another kernel makes the same bits of some arguments."""
        if [a.type for a in other.function.args] != [a.type for a in self.kernel.function.args]:
            return False
        try:
            return all(bit_difference(made, other.run(given)) is None for given, made in self._trials(seed))
        except (IndexError, ValueError, KeyError, ZeroDivisionError, NotImplementedError):
            # The run of all calls says what is wrong.
            return False

    def _trials(self, seed: int) -> list[tuple[Sequence[Array], list[Array]]]:
        if self.tried is None:
            trials = islice(trials_of(self.kernel, self.recorded, seed), TRIALS)
            self.tried = [(t.arrays, self.kernel.run(t.arrays)) for t in trials]
        return self.tried


class Recall:
    """The kernels of a module on its way through the passes, by name, as they were last."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._last: dict[str, tuple[Fingerprint, _Meaning]] = {}

    def calls(self, module: ModuleOp) -> Calls:
        """What runs the kernels of a module, or recalls what they made."""
        counts = Counter(op.callee.string_value() for op in module.walk() if isinstance(op, CallOp))
        known: dict[str, tuple[Usage, _Meaning] | None] = {}

        def run(kernel: FuncOp, arrays: Sequence[Array], execute: Callable[[], None]) -> None:
            name = kernel.sym_name.data
            if name not in known:
                known[name] = self._known(kernel, arrays, counts[name] >= OFTEN)
            _run(known[name], arrays, execute)

        return run

    def _known(
        self, kernel: FuncOp, arrays: Sequence[Array], is_often: bool
    ) -> tuple[Usage, _Meaning] | None:
        usage = usage_of(kernel)
        if usage is None:
            return None
        name, alone = kernel.sym_name.data, ModuleOp([kernel.clone()])
        mark, (before, meaning) = fingerprint(alone), self._last.get(name, ((), None))
        if meaning is None or mark != before:
            new = Kernel(name, alone)
            if meaning is None or not is_often or not meaning.agrees(new, self._seed):
                meaning = _Meaning(new, [np.array(a) for a in arrays])
            self._last[name] = mark, meaning
        return usage, meaning


def _run(known: tuple[Usage, _Meaning] | None, arrays: Sequence[Array], execute: Callable[[], None]) -> None:
    if known is None:
        execute()
        return
    usage, meaning = known
    digest = usage.digest(arrays)
    if digest in meaning.made:
        usage.put(meaning.made[digest], arrays)
        return
    execute()
    meaning.made[digest] = usage.taken(arrays)
