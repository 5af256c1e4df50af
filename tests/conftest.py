"""Collects the text tests: each `.mlir` under tests/filecheck names a run of `penstock-opt` and its output.

    // RUN: penstock-opt %s -p canonicalize | filecheck %s

Both commands run in this process.  `pytest --bless` rewrites the CHECK lines from the output: read the diff.
"""

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import Options, parse_argv_options
from filecheck.parser import Parser, pattern_for_opts
from hypothesis import settings

from penstock.cache import ENVIRONMENT
from penstock.opt import run

RUN_LINE = re.compile(r"^// RUN: (.+)$", re.MULTILINE)
SPLIT = "// -----\n"
FOLDER = Path(__file__).parent / "filecheck"

# A time limit per example fails on a busy machine and finds nothing on an idle one.
# What fails here must fail there: `--hypothesis-profile=explore` alone looks for examples of its own.
settings.register_profile("penstock", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("penstock")


class TextMismatch(Exception):
    """The output is not what the CHECK lines say."""


class TextFile(pytest.File):
    """A `.mlir` file: one case for each of its RUN lines."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the cases."""
        commands = RUN_LINE.findall(self.path.read_text())
        if not commands:
            raise self.CollectError(f"{self.path}: no RUN line")
        for number, command in enumerate(commands, 1):
            # pytest leaves the keywords of from_parent without types.
            case = TextCase.from_parent(self, name=f"run-{number}")  # pyright: ignore[reportUnknownMemberType]
            case.command = command
            yield case


class TextCase(pytest.Item):
    """One RUN line."""

    command: str

    def runtest(self) -> None:
        """Run the driver, then compare its output or take it as the one expected."""
        driver, checker = split_command(self.command, self.path)
        output = StringIO()
        with redirect_stdout(output):
            run(driver)
        if self.config.getoption("bless"):
            text = blessed(self.path.read_text(), output.getvalue(), prefix_of(checker))
            self.path.write_text(text)
        compare(checker, self.path.read_text(), output.getvalue())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Show what was expected and the whole output, or the trace of what went wrong in the driver."""
        if excinfo.errisinstance(TextMismatch):
            return f"{self.path}: {self.command}\n{excinfo.value}"
        return str(super().repr_failure(excinfo))


def split_command(command: str, path: Path) -> tuple[list[str], list[str]]:
    """Split a RUN line into the arguments of the driver and those of filecheck."""
    driver, pipe, checker = command.replace("%s", shlex.quote(str(path))).partition(" | ")
    tool, *arguments = shlex.split(driver)
    if tool != "penstock-opt" or not pipe or not checker.startswith("filecheck "):
        raise ValueError(
            f"{path}: a RUN line reads `penstock-opt %s ... | filecheck %s ...`, this one {command!r}"
        )
    if "--disable-verify" in arguments:
        raise ValueError(f"{path}: --disable-verify would hold for all later tests")
    return arguments, shlex.split(checker)


def compare(checker: list[str], source: str, output: str) -> None:
    """Hold each part of an output against the CHECK lines of its own part of the test."""
    parts, outputs = pair(source, output)
    above = 0
    for part, printed in zip(parts, outputs, strict=True):
        compare_part(parse_argv_options(list(checker)), "\n" * above + part, printed)
        above += part.count("\n") + SPLIT.count("\n")


def compare_part(options: Options, checks: str, output: str) -> None:
    """Hold one output against the CHECK lines above which the line numbers are kept."""
    complaint = StringIO()
    with redirect_stdout(complaint), redirect_stderr(complaint):
        lines = Parser(options, StringIO(checks), *pattern_for_opts(options))
        code = Matcher(options, FInput("output", output), lines).run()
    if code != 0:
        raise TextMismatch(f"{complaint.getvalue()}\n--- output\n{output}")


def pair(source: str, output: str) -> tuple[list[str], list[str]]:
    """Split a test and its output at the same marks, or not at all where the driver did not split."""
    parts, outputs = source.split(SPLIT), output.split(SPLIT)
    return (parts, outputs) if len(parts) == len(outputs) else ([source], [output])


def prefix_of(checker: list[str]) -> str:
    """Name the prefix whose lines a filecheck command reads."""
    prefixes = parse_argv_options(list(checker)).check_prefixes
    if len(prefixes) != 1:
        raise ValueError(f"--bless writes one prefix, the RUN line reads {prefixes}")
    return prefixes[0]


def blessed(source: str, output: str, prefix: str) -> str:
    """Rewrite the CHECK lines of a test so that they state its output, part by part."""
    parts, outputs = pair(source, output)
    stale = re.compile(rf"^\s*// {re.escape(prefix)}(-[A-Z]+)?({{LITERAL}})?:.*\n", re.MULTILINE)
    bare = [stale.sub("", part).rstrip() for part in parts]
    stated = [check_lines(printed, prefix) for printed in outputs]
    return f"\n{SPLIT}".join(f"{part}\n\n{lines}" for part, lines in zip(bare, stated, strict=True))


def check_lines(output: str, prefix: str) -> str:
    """State an output as CHECK lines: all of a module, the message alone of a diagnostic."""
    lines = [line for line in output.splitlines() if line.strip()]
    if not lines[0].startswith(("builtin.module", '"builtin.module')):
        lines = lines[:1]
    kinds = [prefix, *[f"{prefix}-NEXT"] * (len(lines) - 1)]
    return "".join(f"// {kind}{quoting(line)}: {line}\n" for kind, line in zip(kinds, lines, strict=True))


def quoting(line: str) -> str:
    """Mark a line that filecheck would otherwise read as a pattern."""
    return "{LITERAL}" if "[[" in line or "{{" in line else ""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--bless`."""
    parser.addoption("--bless", action="store_true", help="rewrite the CHECK lines of the text tests")


def pytest_configure(config: pytest.Config) -> None:
    """Give this run a kernel cache of its own; the workers of xdist inherit it."""
    if hasattr(config, "workerinput"):
        return
    kernels = TemporaryDirectory(prefix="penstock-kernels-")
    config.add_cleanup(kernels.cleanup)
    os.environ[ENVIRONMENT] = kernels.name


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> TextFile | None:
    """Take the text tests among the files that pytest finds."""
    if file_path.suffix != ".mlir" or FOLDER not in file_path.parents:
        return None
    return TextFile.from_parent(parent, path=file_path)  # pyright: ignore[reportUnknownMemberType]
