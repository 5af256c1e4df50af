"""The comparison with other engines: the whole command on the bundled model, and what it makes of figures."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.models import NAMED, Places, SourceError, subject
from benchmarks.report import FIELDS, markdown, rows
from benchmarks.results import Comparison, EngineResult, ModelResult, geometric_mean
from benchmarks.rounds import Plan, compare, difference
from tests.small_model import LEFT, small_model

ROOT = Path(__file__).parent.parent
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
ENGINES = ("penstock", "onnxruntime")
HAS = {"results.json", "results.csv", "results.md"}


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    command = [sys.executable, "-m", "benchmarks.run", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_compares_and_writes(tmp_path: Path) -> None:
    limits = ("--rounds", "2", "--seconds", "0.02", "--output", str(tmp_path))
    done = run(str(DIGITS), "absent", "--engines", *ENGINES, *limits)
    assert done.returncode == 0, done.stderr
    assert "absent: left out: 'absent' is no file" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} - {"results.svg"} == HAS
    found = json.loads((tmp_path / "results.json").read_text())
    (model,) = found["models"]
    assert [each["engine"] for each in model["engines"]] == list(ENGINES)
    for each in model["engines"]:
        assert len(each["nanoseconds"]) >= 4 and each["version"] and each["instructions"]
        assert each["peak_bytes"] > 0 and each["load_seconds"] > 0 and each["error"] <= 1e-5
    assert model["engines"][0]["flops"] > 0 and model["engines"][0]["load_peak_bytes"] > 0
    table = list(csv.DictReader((tmp_path / "results.csv").open()))
    assert [row["engine"] for row in table] == list(ENGINES) and all(row["share_of_peak"] for row in table)
    assert "| digits |" in (tmp_path / "results.md").read_text()


def test_nothing_to_measure_is_an_error(tmp_path: Path) -> None:
    done = run("absent", "--engines", "penstock", "--output", str(tmp_path))
    assert done.returncode == 1 and (tmp_path / "results.json").exists()


def test_an_engine_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    path.write_bytes(small_model())
    wanted = subject(path, {}, {"x.left": (LEFT[0], LEFT[1] + 1)})
    result = compare(wanted, ENGINES, Plan(1, 1, 0.01))
    assert all(each.failure for each in result.engines) and result.ratio is None
    assert "Error" in result.engines[1].failure
    good = compare(subject(path, {}, {}), ENGINES, Plan(1, 1, 0.01))
    assert not any(each.failure for each in good.engines) and good.ratio is not None


def result(engine: str, *nanoseconds: int, error: float = 0.0, failure: str = "") -> EngineResult:
    """An engine that took some times."""
    return EngineResult(
        engine, "1", "wide (3)", nanoseconds=list(nanoseconds), error=error, failure=failure, flops=1000
    )


@pytest.fixture
def comparison() -> Comparison:
    """Two models and three engines, one of which fails once."""
    first = [result("penstock", 200, 300, 1000), result("a", 100, 100), result("b", 400)]
    second = [result("penstock", 100, error=0.5), result("a", 800), result("b", failure="no\nluck")]
    models = [ModelResult("first", first), ModelResult("second", second)]
    return Comparison("cpu", 2, 1e10, {"memory": 1e9}, {"c": "it is not installed"}, models, 1e-3)


def test_ratios_are_of_the_fastest_calls(comparison: Comparison) -> None:
    first, second = comparison.models
    assert first.ratio == 0.5 and second.ratio == 8.0
    assert first.ratio_to("b") == 2.0 and second.ratio_to("b") is None
    assert geometric_mean([0.5, 8.0]) == pytest.approx(2.0) and geometric_mean([]) is None
    assert comparison.share_of_peak(first, "a") == pytest.approx(1000 / 100e-9 / 2e10)
    assert [(model, each.engine) for model, each in comparison.disagreements] == [("second", "penstock")]


def test_the_tables_tell_all(comparison: Comparison) -> None:
    text = markdown(comparison)
    for told in (
        "| first | 0.000 / 0.000 | 0.000 / 0.000 | 0.000 / 0.000 | 0.50 | 25% | 0e+00 |",
        "best other engine over ours: **2.000** over 2 models",
        "the time of b over ours: **2.000** over 1 model\n",
        "* c took no part: it is not installed",
        "* second: b failed: no luck",
        "* second: the outputs of penstock do not agree, error 5.0e-01",
        "* a 1: wide\n",
    ):
        assert told in text
    table = list(rows(comparison))
    assert len(table) == 6 and all(len(row) == len(FIELDS) for row in table)
    assert table[-1][-1] == "no\nluck" and table[0][FIELDS.index("fastest_ms")] == "0.0002"


def test_outputs_are_compared_by_their_largest_magnitude() -> None:
    wide = np.array([1.0, -10.0])
    assert difference([wide + 0.1], [wide]) == pytest.approx(0.01)
    assert difference([np.array([np.nan, 1.0])], [np.array([np.nan, 1.0])]) == 0.0
    assert difference([np.array([np.inf, 1.0])], [np.array([np.inf, 1.0])]) == 0.0
    assert difference([np.array([np.nan])], [np.array([1.0])]) == float("inf")
    assert difference([wide[:1]], [wide]) == difference([], [wide]) == float("inf")


def test_models_are_found_filled_or_declined(tmp_path: Path) -> None:
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    (zoo / "net.textproto.xz").write_bytes(b"graph")
    (zoo / "materialize.py").write_text("import shutil, sys\nshutil.copy(sys.argv[1], sys.argv[2])\n")
    places = Places(tmp_path / "made", zoo, "absent-python")
    assert places.find(str(DIGITS)) == DIGITS
    assert places.find("net") == tmp_path / "made" / "net.onnx" == places.find("net")
    with pytest.raises(SourceError, match="'other' is no file"):
        places.find("other")
    (zoo / "materialize.py").write_text("raise SystemExit('no weights today')")
    (zoo / "bad.textproto.xz").write_bytes(b"")
    with pytest.raises(SourceError, match="no weights today"):
        places.find("bad")
    with pytest.raises(SourceError, match="resnet18.onnx cannot be made"):
        places.find("resnet18")


def test_inputs_follow_the_model_and_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "vision" / "small.onnx"
    path.parent.mkdir()
    path.write_bytes(small_model())
    plain = subject(path, {}, {})
    assert {name: array.shape for name, array in plain.inputs.items()}["x.left"] == LEFT
    inputs = {"x.left": {"shape": LEFT, "value": 7}, "x.right": {"shape": [3, 5], "fill": "ones"}}
    (tmp_path / "manifest.json").write_text(json.dumps([{"file": "vision/small.onnx", "inputs": inputs}]))
    told = subject(path, {}, {}).inputs
    assert (told["x.left"] == 7).all() and (told["x.right"] == 1).all()


def test_a_file_that_is_no_model_is_declined(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(SourceError, match="not an ONNX model"):
        subject(tmp_path / "text.onnx", {}, {})


@pytest.mark.parametrize(
    "wrong", [("--rounds", "0"), ("--threads", "-1"), ("--dim", "n"), ("--shape", "x=1xx")]
)
def test_wrong_usage_is_exit_code_2(wrong: Sequence[str]) -> None:
    assert run(str(DIGITS), *wrong).returncode == 2


def test_what_can_be_named_can_be_exported() -> None:
    text = (ROOT / "benchmarks" / "export.py").read_text()
    assert [name for name in NAMED if f'"{name}"' not in text] == []


def test_the_doctor_is_timed_on_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "some.onnx").write_bytes(DIGITS.read_bytes())
    command = [sys.executable, "-m", "benchmarks.doctor", str(DIGITS), str(tmp_path), "--repetitions", "1"]
    done = subprocess.run([*command, "--most", "600"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(re.search(rf"{name}.*compiles.*yes", done.stdout) for name in ("digits", "some"))
    assert subprocess.run([*command, "--most", "0"], cwd=ROOT, capture_output=True).returncode == 1
