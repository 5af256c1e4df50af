"""Work in forked processes: results come back by number, failures are left to the caller."""

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from penstock import workers

DIGITS = Path(__file__).parent.parent / "examples" / "digits" / "digits.onnx"


def square(number: int) -> bytes:
    """Odd numbers fail, and 6 takes its process with it."""
    if number == 6:
        os._exit(1)
    if number % 2:
        raise ValueError(number)
    return bytes([number * number])


def test_results_come_by_number_and_failures_are_left_out() -> None:
    assert dict(workers.in_processes(square, 6)) == {0: b"\0", 2: b"\4", 4: b"\x10"}


def test_a_process_that_dies_breaks_nothing_else() -> None:
    found = dict(workers.in_processes(square, 8))
    assert set(found) <= {0, 2, 4}


def test_no_processes_beside_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert not workers.pay_off(100)


def test_no_processes_below_a_process_that_may_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # A worker of a `multiprocessing.Pool` is daemonic, and compiles models as any other process.
    monkeypatch.setattr(multiprocessing.current_process(), "_config", {"daemon": True})
    assert not workers.pay_off(100)


def test_processes_and_threads_make_the_same_bytes(tmp_path: Path) -> None:
    program = (
        "import sys, threading, penstock\n"
        "from penstock import workers\n"
        "if sys.argv[1] == 'threads': workers.pay_off = lambda pieces: False\n"
        "if sys.argv[1] == 'processes': assert workers.pay_off(100)\n"
        "penstock.compile(sys.argv[2]).save(sys.argv[3])\n"
    )
    paths = [tmp_path / f"{how}.penstock" for how in ("threads", "processes")]
    for path in paths:
        command = [sys.executable, "-c", program, path.stem, str(DIGITS), str(path)]
        subprocess.run(command, check=True, env={**os.environ, "PENSTOCK_CACHE": ""})
    first, second = (path.read_bytes() for path in paths)
    assert first == second
