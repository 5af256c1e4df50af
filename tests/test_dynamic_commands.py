"""The commands on models with open sizes: what is said of them, what a wrong call is told, what is shown."""

from pathlib import Path

import numpy as np
import onnx.parser
import pytest

import penstock
from penstock.cli import cli
from penstock.crash import guarded
from penstock.errors import PenstockError
from penstock.profiling import profile

TABLE = """
    <ir_version: 9, opset_import: ["": 17]>
    net (float[n] a) => (int64[n] c)
        <int64[8] table = {9, 8, 7, 6, 5, 4, 3, 2}, int64[1] zero = {0}>
    { n = Shape (a)  c = Slice (table, zero, n) }"""
SUM = '<ir_version: 9, opset_import: ["": 17]> net (float[4, 3] x) => (float[4, 3] y) { y = Add (x, x) }'
PICTURE = '<ir_version: 9, opset_import: ["": 17]> net (float[b, 3, h, w] x) => (y) { y = Relu (x) }'


@pytest.fixture(autouse=True)
def _models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"table": TABLE, "sum": SUM, "picture": PICTURE}.items():
        Path(f"{name}.onnx").write_bytes(onnx.parser.parse_model(text).SerializeToString())
    np.save("five.npy", np.ones(5, np.float32))
    np.save("nine.npy", np.ones(9, np.float32))


def shell(line: str) -> int:
    """Run a command; its exit code."""
    return guarded(lambda: cli.main(line.split(), standalone_mode=False))


def test_an_artefact_tells_its_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert shell("compile table.onnx -o table.penstock --bounds n=1:7 --hint n=4") == 0
    assert "at n = 4" in capsys.readouterr().out
    assert shell("inspect table.penstock") == 0
    told = capsys.readouterr().out
    assert ["n", "1", "7", "4"] in [line.split() for line in told.splitlines()]
    assert "what the model needs of its sizes:\n  n <= 8" in told


def test_a_call_of_wrong_sizes_is_told_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert shell("run table.onnx --input a=five.npy") == 0
    assert shell("run table.onnx --input a=nine.npy") == 1
    assert "the model needs n <= 8; here n = 9" in capsys.readouterr().err
    assert shell("run table.onnx --input a=five.npy --bounds n=6:") == 1
    assert "'n' is 5, the model was compiled for 6 to any" in capsys.readouterr().err
    assert shell("run table.onnx --input a=five.npy --bounds m=6:") == 1
    assert "the model has no open size 'm'" in capsys.readouterr().err


def test_sizes_are_opened(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", np.ones((2, 3), np.float32))
    assert shell("run sum.onnx --shape x=rows,3 --input x=x.npy") == 0
    assert "2x3" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["", "--kernels", "--level nest", "--level asm", "--kernel k0_Slice_1"])
def test_open_sizes_are_inspected(option: str) -> None:
    assert shell(f"inspect table.onnx {option}") == 0


def test_kernels_are_profiled_and_tuned_at_the_hints(capsys: pytest.CaptureFixture[str]) -> None:
    assert shell("compile sum.onnx --shape x=rows,3 --hint rows=50 --tune 0.2 -o sum.penstock") == 0
    assert Path("sum.tuning.json").exists()
    capsys.readouterr()
    assert shell("bench sum.penstock --profile --seconds 0.01") == 0
    assert "one call at rows = 50: " in capsys.readouterr().out


def test_a_profile_is_made_at_the_hints() -> None:
    model = penstock.compile("sum.onnx", shapes={"x": ["rows", 3]}, hints={"rows": 50})
    x = np.ones((50, 3), np.float32)
    found = profile(model, {"x": x}, budget=0, at_least=2)
    assert len(found.fastest) == len(model.package.calls) == 1
    with pytest.raises(PenstockError, match="a profile is made at \\(50, 3\\)"):
        profile(model, {"x": x[:4]}, budget=0)


def test_a_picture_keeps_its_size(capsys: pytest.CaptureFixture[str]) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (6, 4)).save("red.png")
    assert shell("run picture.onnx --input x=red.png") == 0
    assert "1x3x4x6" in capsys.readouterr().out
