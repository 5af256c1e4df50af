"""The registry table is true and complete, and plugins join it or are refused with a reason."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import pytest
from xdsl.universe import Universe

import penstock.dialects
import penstock.passes
from penstock.errors import PluginError
from penstock.opt import run
from penstock.registry import (
    DIALECTS,
    PASSES,
    REPLACEMENTS,
    UNIVERSE,
    context,
    everything,
    load_plugin,
    universe_of,
)

PLUGIN = """
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.arith import AddiOp
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation, irdl_op_definition
from xdsl.passes import ModulePass
from xdsl.transforms.canonicalize import CanonicalizePass


@irdl_op_definition
class MarkOp(IRDLOperation):
    name = "mine.mark"


@dataclass(frozen=True)
class DropMarks(ModulePass):
    name = "drop-marks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for marked in [each for each in op.walk() if isinstance(each, MarkOp)]:
            marked.detach()


Mine = Dialect("mine", [MarkOp])
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Write a plugin: one dialect, one pass, and imports that are not its own."""
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


def modules_of(package: ModuleType) -> list[ModuleType]:
    """Import all modules of a package."""
    return [import_module(info.name) for info in walk_packages(package.__path__, f"{package.__name__}.")]


@pytest.mark.parametrize("name", DIALECTS)
def test_dialect_entry_names_its_dialect(name: str) -> None:
    assert UNIVERSE.all_dialects[name]().name == name


@pytest.mark.parametrize("name", PASSES)
def test_pass_entry_names_its_pass(name: str) -> None:
    assert UNIVERSE.all_passes[name]().name == name


def test_no_pass_is_left_out() -> None:
    found = {name for module in modules_of(penstock.passes) for name in universe_of(module).all_passes}
    assert found == set(PASSES)


def test_no_dialect_is_left_out() -> None:
    found = {name for module in modules_of(penstock.dialects) for name in universe_of(module).all_dialects}
    assert found == set(DIALECTS) | set(REPLACEMENTS)


@pytest.mark.parametrize("name", REPLACEMENTS)
def test_replacement_keeps_every_op_of_upstream(name: str) -> None:
    upstream = Universe.get_multiverse().all_dialects[name]()
    ours = everything().all_dialects[name]()
    assert {op.name for op in ours.operations} >= {op.name for op in upstream.operations}


def test_context_uses_the_replacements() -> None:
    assert context().get_op("arith.cmpi").__module__ == "penstock.dialects.arith_ext"


def test_xdsl_finds_our_table() -> None:
    universe = Universe.get_multiverse()
    assert universe.all_passes.keys() >= PASSES.keys()
    assert universe.all_dialects.keys() >= DIALECTS.keys()


@pytest.mark.parametrize("name", sorted(PASSES)[:1])
def test_xdsl_opt_runs_our_pass(name: str) -> None:
    command = [sys.executable, "-m", "xdsl.tools.xdsl_opt", "-p", name]
    result = subprocess.run(command, input="builtin.module {}", capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (0, "builtin.module {\n}"), result.stderr


def test_plugin_brings_only_what_it_defines(plugin: Path) -> None:
    universe = universe_of(load_plugin(plugin))
    assert list(universe.all_passes) == ["drop-marks"]
    assert list(universe.all_dialects) == ["mine"]


def test_plugin_pass_runs_from_the_command_line(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = plugin.with_name("marked.mlir")
    source.write_text('"mine.mark"() : () -> ()')
    run([str(source), "--load", str(plugin)])
    assert "mine.mark" in capsys.readouterr().out
    run([str(source), "--load", str(plugin), "-p", "drop-marks"])
    assert "mine.mark" not in capsys.readouterr().out


def test_plugin_may_not_take_a_name(plugin: Path) -> None:
    plugin.write_text(PLUGIN.replace("drop-marks", "canonicalize"))
    with pytest.raises(PluginError, match="the pass name 'canonicalize' is taken"):
        everything([plugin])


def test_plugin_that_fails_is_named(plugin: Path) -> None:
    plugin.write_text("1 / 0")
    with pytest.raises(PluginError, match=r"mine\.py: .*ZeroDivisionError"):
        load_plugin(plugin)


@pytest.mark.parametrize("name", ["absent.py", "notes.txt"])
def test_plugin_must_be_a_python_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("not a plugin")
    with pytest.raises(PluginError, match="a plugin is a Python file"):
        load_plugin(tmp_path / name)
