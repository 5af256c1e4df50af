"""Copies of files that are left alone where nobody touched them since.

Beside the original is noted which file is its last copy, in what state.  The copy is dated between two ticks
of the clock by which the system dates changes: whoever writes to it leaves another time.
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from penstock.file_state import state_of

AT_ONCE = 1 << 30
"""Bytes that the system is asked to copy."""


def copy(original: Path, path: Path, note: Path) -> None:
    """Put a copy at a path, complete or not at all; one that is there gets a new time and is not written."""
    if not _is_dated_anew(path, note):
        _place(original, path, note)


def _is_dated_anew(path: Path, note: Path) -> bool:
    """Whether the file at a path is the noted copy; the note then knows its new time."""
    try:
        # A link in its place would be replaced, and is no copy.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if note.read_text(encoding="ascii") != state_of(os.fstat(descriptor)):
            return False
        wanted = _date(descriptor)
        _note(note, os.fstat(descriptor), wanted)
        return True
    except (OSError, ValueError):
        return False
    finally:
        os.close(descriptor)


def _place(original: Path, path: Path, note: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(original, "rb") as source, open(temporary, "wb") as target:
            if not _is_moved(source.fileno(), target.fileno()):
                _move(source, target)
            wanted = _date(target.fileno())
            os.replace(temporary, path)
            _note(note, os.fstat(target.fileno()), wanted)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _is_moved(source: int, target: int) -> bool:
    """Whether the system could copy one file into another; it shares their blocks if it may."""
    if sys.platform != "linux":
        return False
    at = 0
    try:
        while moved := os.copy_file_range(source, target, AT_ONCE, at, at):
            at += moved
    except OSError:
        # Not all systems can, nor between all disks; what else is wrong, whoever copies instead meets.
        return False
    return True


def _move(source: BinaryIO, target: BinaryIO) -> None:
    from shutil import copyfileobj

    copyfileobj(source, target)
    # What is written later would give the file another time.
    target.flush()


def _date(descriptor: int) -> int:
    """Give a file the time of now, to the nanosecond; changes get that of the last tick of the clock."""
    now = time.time_ns()
    os.utime(descriptor, ns=(now, now))
    return now


def _note(note: Path, status: os.stat_result, wanted: int) -> None:
    """Note the state of a copy; where files have coarser times it could change unseen: no note."""
    with suppress(OSError):
        if status.st_mtime_ns == wanted:
            note.write_text(state_of(status), encoding="ascii")
        else:
            note.unlink(missing_ok=True)
