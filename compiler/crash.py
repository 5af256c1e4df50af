"""What wraps every command: a mistake of the user is one line, one of ours is a file to send to us."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from penstock.errors import PenstockError

OK, FAILED, INTERNAL, INTERRUPTED, BROKEN_PIPE = 0, 1, 70, 130, 141
REPORTED_VERSIONS = ("penstock", "xdsl", "llvmlite", "numpy", "onnx")


def guarded(command: Callable[[], object]) -> int:
    """Run a command and return its exit code; no exception but `SystemExit` leaves."""
    try:
        _run(command)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader is gone; without this, the flush at exit would fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except PenstockError as error:
        return _complain(f"error: {error}", FAILED)
    except Exception as error:
        return _explain(error)
    return OK


def _run(command: Callable[[], object]) -> None:
    """Run a command and write out what it printed, so that a reader who left is met here and not at exit."""
    try:
        command()
    finally:
        sys.stdout.flush()


def _explain(error: Exception) -> int:
    """Tell a file that cannot be used from a mistake of ours, for which a reproducer is left."""
    if isinstance(error, OSError) and error.filename is not None:
        return _complain(f"error: {error.filename}: {error.strerror}", FAILED)
    path = write_reproducer(error, sys.argv)
    kind = f"internal error: {type(error).__name__}: {error}".splitlines()[0]
    return _complain(
        f"{kind}\nThis is a mistake of Penstock. What is needed to repeat it is in {path}", INTERNAL
    )


def _complain(text: str, code: int) -> int:
    click.echo(click.style(text, fg="red"), err=True)
    return code


def write_reproducer(error: Exception, arguments: list[str]) -> Path:
    """Write the command, the versions and the traceback to a file named by its content."""
    # None of it is needed by a command that goes well.
    import platform
    import shlex
    import traceback
    from hashlib import sha256
    from importlib.metadata import version
    from tempfile import gettempdir

    lines = [
        f"command: {shlex.join(arguments)}",
        f"folder: {Path.cwd()}",
        f"python: {platform.python_version()} on {platform.platform()}",
        *(f"{name}: {version(name)}" for name in REPORTED_VERSIONS),
        "",
        *traceback.format_exception(error),
    ]
    text = "\n".join(lines)
    path = Path(gettempdir()) / f"penstock-crash-{sha256(text.encode()).hexdigest()[:12]}.txt"
    path.write_text(text)
    return path
