"""What a failed check leaves on disk: a small module for the guilty pass, in another process too."""

import subprocess
import sys
from pathlib import Path

import pytest

from penstock.checking.report import MiscompilationError
from penstock.opt import run
from penstock.pipeline import phases
from tests.checking import models
from tests.checking.planting import Mistake, checked, replaced

WRONG_ORDER = Mistake(
    "penstock.passes.pack_constants",
    "moved.transpose(*self.order, array.ndim)",
    "moved.transpose(*sorted(self.order), array.ndim)",
)
WRONG_ADDRESSES = Mistake("penstock.passes.lowering.llvm_memory", '"elem_type": element,', '"elem_type": i8,')
WRONG_FOLD = Mistake(
    "penstock.passes.fold_constants", "evaluate_now(op, operands)", "evaluate_now(op, operands[::-1])"
)
LOST_EPILOGUE = Mistake(
    "penstock.passes.fuse_consumers",
    "YieldOp(append_block(block, body.block, arguments))",
    "YieldOp([made])",
)


def failure(name: str, mistake: Mistake, model: str, folder: Path) -> MiscompilationError:
    """The error of a check that finds a mistake."""
    with pytest.raises(MiscompilationError) as caught:
        checked(getattr(models, model)(), replaced(phases(), name, mistake), folder)
    return caught.value


def test_weights_are_found_beside_the_module(tmp_path: Path) -> None:
    error = failure("pack-constants", WRONG_ORDER, "plain_convolution", tmp_path)
    command = [sys.executable, "-m", "penstock.opt", str(error.reproducer), "-p", "pack-constants"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"w.packed"' in done.stdout


def test_error_names_pass_kernel_nodes_and_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = failure("lower-loops-to-llvm", WRONG_ADDRESSES, "exponentials", tmp_path)
    assert error.step.kernel is not None and error.nodes == ("d", "y")
    assert str(error).startswith(
        f"the pass 'lower-loops-to-llvm' (exact) changed the meaning of kernel '{error.step.kernel}' "
        "at the llvm level, which serves 'd', 'y': 'argument "
    )
    assert str(error).endswith("repeats it on the part that is left.")
    run([str(error.reproducer), "-p", "lower-loops-to-llvm"])
    assert "llvm.func" in capsys.readouterr().out


def test_graph_is_reduced_to_the_op_that_changed(tmp_path: Path) -> None:
    error = failure("fold-constants", WRONG_FOLD, "constants_subtracted", tmp_path)
    assert error.nodes == ("d",)
    assert (tmp_path / "small.fold-constants.mlir").read_text().count(" = graph.") == 3


def test_nests_are_reduced_to_those_that_changed(tmp_path: Path) -> None:
    error = failure("fuse-consumers", LOST_EPILOGUE, "perceptron", tmp_path)
    assert len(error.nodes) < 3
    text = (tmp_path / "small.fuse-consumers.mlir").read_text()
    assert text.count("nest.compute") == 2
