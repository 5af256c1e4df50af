"""`penstock check` and `penstock compile --check` on a small model, with sound passes and one that is not."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest
from xdsl.dialects.builtin import ModuleOp

from penstock import extensions
from penstock.backends.llvm import ObjectCode, compile_text, translate
from penstock.backends.targets import Target, target
from penstock.checking import instances
from penstock.checking.report import MiscompilationError
from penstock.cli import cli
from penstock.cli.blas import LIMITS, one_blas_thread
from penstock.crash import guarded
from penstock.driver import check
from penstock.errors import TargetError
from penstock.pipeline import phases
from tests.checking import models
from tests.checking.planting import Mistake, checked, replaced

Captured = pytest.CaptureFixture[str]
WRONG_SIGN = Mistake("penstock.passes.simplify", "SubOp if isinstance(op, AddOp) else AddOp", "type(op)")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, and in it."""
    (tmp_path / "small.onnx").write_bytes(models.negation().SerializeToString())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command sets for NumPy is gone after the test."""
    for name in LIMITS:
        monkeypatch.setenv(name, "1")


def shell(*arguments: str) -> int:
    """Run a command; its exit code."""
    try:
        return guarded(partial(cli.main, list(arguments), standalone_mode=False))
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code


def test_sound_model_is_checked_then_compiled(folder: Path, capsys: Captured) -> None:
    assert shell("compile", "small.onnx", "-o", "small.penstock", "--check") == 0
    text = capsys.readouterr().out
    assert "generate-code" in text and "CHANGED" not in text
    assert (folder / "small.penstock").exists()


def test_guilty_pass_stops_the_compilation(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tuple(replaced(phases(), "simplify", WRONG_SIGN))
    monkeypatch.setattr(extensions, "phases", Mock(return_value=wrong))
    assert shell("compile", "small.onnx", "-o", "small.penstock", "--check") == 1
    told = capsys.readouterr()
    assert "CHANGED" in told.out.splitlines()[-2]
    assert told.err.startswith("error: the pass 'simplify' (exact) changed the meaning at the graph level")
    assert not (folder / "small.penstock").exists()
    assert (folder / "small.simplify.mlir").exists()


def test_code_generator_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(module: ModuleOp, machine: Target, *, optimised: bool) -> ObjectCode:
        text = translate(module)
        return compile_text(text.replace(" fmul ", " fadd ") if optimised else text, machine)

    monkeypatch.setattr(instances, "compile_module", wrong)
    with pytest.raises(MiscompilationError) as caught:
        checked(models.two_slopes(), phases(), tmp_path)
    assert (caught.value.step.name, caught.value.step.level) == ("generate-code", "code")


def test_code_for_another_machine_is_refused() -> None:
    lacking = replace(target("x86-64"), name="other", required=("no-such-feature",))
    with pytest.raises(TargetError, match="this machine lacks no-such-feature for other"):
        list(check(models.negation(), target=lacking))


def test_numpy_has_one_thread_unless_the_caller_wants_more(monkeypatch: pytest.MonkeyPatch) -> None:
    one, more = LIMITS
    monkeypatch.delenv(one)
    monkeypatch.setenv(more, "3")
    one_blas_thread()
    assert (os.environ[one], os.environ[more]) == ("1", "3")
