"""What tells that a file was not changed: where on the disk it lies, its size and its times.

As in git's index, a change that comes before the clock has moved on would not show: what is known of a file
may only be kept with its state if that is older, or if its time is one that no later change can have.
"""

import os

SETTLED = 2_000_000_000
"""Nanoseconds after which another change of a file has another time, on any file system."""


def state_of(status: os.stat_result) -> str:
    """The state of a file as one line."""
    places = status.st_dev, status.st_ino, status.st_size
    return " ".join(map(str, (*places, status.st_mtime_ns, status.st_ctime_ns)))


def last_change(status: os.stat_result) -> int:
    """When a file was changed last, in nanoseconds."""
    return max(status.st_mtime_ns, status.st_ctime_ns)
