"""Some mutated models on every run of the tests, and proof that the fuzzer sees what must not happen."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.fuzz.__main__ import died
from tools.fuzz.mutants import mutant
from tools.fuzz.seeds import seeds
from tools.fuzz.trial import Limits, Trial, Verdict
from tools.pool import Ended, run_all

SEEDS = seeds([], suite=False)
COUNT = 400
SECONDS = 120.0


def verdicts(trial: Trial, count: int) -> dict[int, Verdict]:
    """The verdicts on the first mutants, from one worker process."""
    results = run_all(trial, range(count), 1, SECONDS)
    return {number: died(r) if isinstance(r, Ended) else r for number, r in results}


def test_mutants_are_refused_or_run(tmp_path: Path) -> None:
    found = verdicts(Trial(SEEDS, 0, 50, tmp_path), COUNT)
    assert {n: v.finding for n, v in found.items() if v.finding} == {}
    ends = [verdict.ended for verdict in found.values()]
    assert {"accepted", "ran", "ModelError", "ShapeError", "UnsupportedError"} <= set(ends)
    assert ends.count("accepted") > COUNT / 20


def test_a_number_always_makes_the_same_mutant() -> None:
    assert [mutant(SEEDS, 3, n) for n in range(50)] == [mutant(SEEDS, 3, n) for n in range(50)]
    assert mutant(SEEDS, 3, 0).data != mutant(SEEDS, 4, 0).data


def reads_elsewhere(path: Path) -> None:
    """Follow a path that a model may name."""
    (path.parent / "link").read_bytes()


def writes_beside(path: Path) -> None:
    """Leave a file in the folder of the model."""
    (path.parent / "left").touch()


def starts_a_program(path: Path) -> None:
    """Run something."""
    subprocess.run(["true"])


def dies(path: Path) -> None:
    """End as code with a stray pointer does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def never_ends(path: Path) -> None:
    """Work for ever."""
    while True:
        pass


def takes_all(path: Path) -> None:
    """Ask for more memory than a worker has."""
    bytes(1 << 40)


def raises(path: Path) -> None:
    """Fail as a mistake of ours does."""
    raise KeyError("x")


@pytest.mark.parametrize(
    "act, ended, finding",
    [
        (reads_elsewhere, "trespass", "read /etc/passwd"),
        (writes_beside, "trespass", "left left in the folder"),
        (starts_a_program, "trespass", "subprocess.Popen"),
        (dies, "crash", "SIGSEGV"),
        (never_ends, "hang", "no end in time"),
        (takes_all, "foreign exception", "MemoryError"),
        (raises, "foreign exception", "KeyError at test_fuzz.py"),
    ],
)
def test_what_must_not_happen_is_a_finding(
    act: Callable[[Path], None], ended: str, finding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.fuzz.trial.import_model", act)
    (verdict,) = verdicts(Trial(SEEDS, 0, 1, tmp_path, Limits(seconds=0.2)), 1).values()
    assert verdict.ended == ended and finding in verdict.finding
