"""Sees every file that is opened and every program that is started, and keeps what no model may cause."""

import os
import sys
import sysconfig
from pathlib import Path
from typing import cast

READING = ("os.listdir", "os.scandir")
CHANGING = frozenset(
    "os.remove os.rename os.mkdir os.rmdir os.link os.symlink os.truncate os.chmod os.chown os.utime "
    "os.setxattr shutil.rmtree shutil.copyfile shutil.move".split()
)
NEVER = frozenset(
    "os.system os.exec os.posix_spawn os.startfile os.chdir os.putenv subprocess.Popen pty.spawn "
    "socket.connect socket.bind urllib.Request webbrowser.open".split()
)
MACHINE = ("/proc/cpuinfo", "/sys/devices/system/cpu")
"""Where the compiler learns what machine it is for."""
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Collects what was done outside of the folders that are given; one for each process."""

    def __init__(self, readable: tuple[Path, ...], writable: tuple[Path, ...]) -> None:
        code = [Path(p) for p in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix)]
        code += [Path(__file__).parents[2], *map(Path, MACHINE)]
        code += [Path(sys.pycache_prefix)] if sys.pycache_prefix else []
        self._readable = [str(p.resolve()) for p in (*code, *readable, *writable)]
        self._writable = [str(p.resolve()) for p in writable]
        self._active = False
        self.seen: list[str] = []

    def install(self) -> None:
        """From here on to the end of the process: hooks cannot be removed."""
        sys.addaudithook(self._hook)

    def begin(self) -> None:
        """Watch from now on."""
        self.seen.clear()
        self._active = True

    def end(self) -> list[str]:
        """What was done that should not have been."""
        self._active = False
        return list(self.seen)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._active:
            return
        if event in NEVER:
            self.seen.append(f"{event} {arguments!r}"[:300])
        elif event == "open":
            self._opened(arguments)
        elif event in READING:
            self._check("list", arguments[0], self._readable)
        elif event in CHANGING:
            self._check(event, arguments[0], self._writable)

    def _opened(self, arguments: tuple[object, ...]) -> None:
        path, _, flags = (*arguments, 0, 0, 0)[:3]
        writes = isinstance(flags, int) and flags & WRITE_FLAGS
        self._check("write" if writes else "read", path, self._writable if writes else self._readable)

    def _check(self, what: str, path: object, allowed: list[str]) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            # A descriptor that is open already.
            return
        self._active = False
        real = os.path.realpath(os.fsdecode(cast("str | bytes", path)))
        self._active = True
        if not any(real == each or real.startswith(f"{each}{os.sep}") for each in allowed):
            self.seen.append(f"{what} {real}")
