"""Tuning finds schedules that compute the same; a file keeps them, and the same file gives the same bytes."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

import penstock
from penstock import cache
from penstock.backends.targets import target
from penstock.cli import cli
from penstock.errors import PenstockError
from penstock.extensions import extended
from penstock.random_inputs import random_inputs
from penstock.reading import read
from penstock.tuning import MARGIN, Outcome, tune
from penstock.tuning_file import Tuned, Tuning, empty_tuning, read_tuning, write_tuning
from penstock.variants import OptionListener, Variants
from tests.small_model import small_inputs, small_model

DIGITS = Path(__file__).parent.parent / "examples" / "digits" / "digits.onnx"
HOST = target("host")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests measured is not remembered."""
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))


def layers() -> bytes:
    """A convolution, a depthwise one and a product, which have many schedules each."""
    generator = np.random.default_rng(3)
    shapes = {"w": (20, 3, 3, 3), "d": (20, 1, 3, 3), "m": (20, 12)}
    weights = {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["a", "d"], ["b"], pads=[1, 1, 1, 1], group=20),
        helper.make_node("Transpose", ["b"], ["c"], perm=[0, 2, 3, 1]),
        helper.make_node("MatMul", ["c", "m"], ["y"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", (1, 3, 9, 9)), ("y", (1, 9, 9, 12)))
    ]
    kept = [numpy_helper.from_array(weight, name) for name, weight in weights.items()]
    graph = helper.make_graph(nodes, "layers", ends[:1], ends[1:], kept)
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(deterministic=True)


def options_of(model: bytes) -> dict[str, list[str]]:
    """The names of all options of each kernel, by digest."""
    known, heard = extended(), OptionListener()
    Variants.of(read(model, importers=known.importers), HOST, known).built({}, heard)
    return {digest: [each.name for each in options] for digest, options in heard.options.items()}


def tuning_of(choices: dict[str, str]) -> Tuning:
    """A tuning as if these choices had been measured."""
    kernels = {digest: Tuned("k", name, 1, 10.0, 11.0, 2.0, 1.0) for digest, name in choices.items()}
    return replace(empty_tuning(HOST), kernels=kernels)


def code_of(model: bytes, tuning: Tuning | Path | None) -> tuple[bytes, bytes]:
    """Code and weights of a model under a tuning."""
    package = penstock.compile(model, tuning=tuning).package
    return package.image.code, package.weights.tobytes()


def test_every_option_computes_the_same() -> None:
    model, options = layers(), options_of(layers())
    default = penstock.compile(model)
    inputs = random_inputs(default.inputs, 1)
    expected = default(inputs)["y"]
    tried = max(map(len, options.values()))
    # The wider the vectors, the fewer.
    assert tried > 4
    for number in range(tried):
        choices = {digest: names[min(number, len(names) - 1)] for digest, names in options.items()}
        result = penstock.compile(model, tuning=tuning_of(choices))(inputs)["y"]
        assert_close(result, expected, str(choices))


def test_the_model_s_own_choice_changes_nothing() -> None:
    first = {digest: names[0] for digest, names in options_of(layers()).items() if names}
    assert code_of(layers(), tuning_of(first)) == code_of(layers(), None)


def test_the_same_file_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = {digest: names[1] for digest, names in options_of(layers()).items() if len(names) > 1}
    write_tuning(tuning_of(second), tmp_path / "a.json")
    write_tuning(read_tuning(tmp_path / "a.json", HOST), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    made = code_of(layers(), tmp_path / "a.json")
    monkeypatch.setenv(cache.ENVIRONMENT, "")
    assert made == code_of(layers(), tmp_path / "b.json") != code_of(layers(), None)


def test_kernels_of_other_models_are_ignored() -> None:
    assert code_of(small_model(), tuning_of({"0" * 32: "oc=16"})) == code_of(small_model(), None)


def test_an_option_that_is_not_there_is_named() -> None:
    digest = next(digest for digest, names in options_of(small_model()).items() if names)
    with pytest.raises(PenstockError, match='has no schedule "n=1000", only .*Tune it again'):
        penstock.compile(small_model(), tuning=tuning_of({digest: "n=1000"}))


def test_without_its_pass_there_is_nothing_to_tune() -> None:
    with pytest.raises(PenstockError, match="no schedules to choose"):
        penstock.compile(small_model(), passes={"schedule": ["-plan-schedule"]}, tuning=tuning_of({}))


def assert_close(actual: NDArray[np.generic], expected: NDArray[np.generic], told: str = "") -> None:
    """Compare results of sums that may be in another order."""
    pair = (actual.astype(np.float64), expected.astype(np.float64))
    np.testing.assert_allclose(*pair, rtol=1e-4, atol=1e-4, err_msg=told)


ENTRY = asdict(Tuned("k", "oc=16", 1, 10.0, 11.0, 2.0, 1.0))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"target": None},
        {"kernels": [1]},
        {"kernels": {"0": 1}},
        {"kernels": {"0": {"kernel": "k", "choice": "n=8"}}},
        {"kernels": {"0": {**ENTRY, "tried": "many"}}},
        {"kernels": {"0": {**ENTRY, "default_ns": 0}}},
    ],
)
def test_a_damaged_file_is_one_error(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "t.json"
    write_tuning(tuning_of({"0" * 32: "oc=16"}), path)
    content = {**json.loads(path.read_text()), **change}
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))
    with pytest.raises(PenstockError, match="t.json: not a tuning file of this version. Delete it"):
        penstock.compile(small_model(), tuning=path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_tuning_is_one_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(PenstockError, match="t.json: not a tuning file"):
        penstock.compile(small_model(), tuning=tmp_path / "t.json")


def test_other_machines_are_told_apart(tmp_path: Path) -> None:
    write_tuning(tuning_of({}), tmp_path / "t.json")
    with pytest.raises(PenstockError, match="not for 'x86-64-v2 .*another file"):
        penstock.compile(small_model(), target="x86-64-v2", tuning=tmp_path / "t.json")
    with pytest.raises(PenstockError, match="another CPU, 'abacus'"):
        tune(small_model(), 0.1, start=Tuning(empty_tuning(HOST).target, "abacus"))
    with pytest.raises(PenstockError, match="absent.json: cannot be read"):
        penstock.compile(small_model(), tuning=tmp_path / "absent.json")


def consistent(outcome: Outcome) -> bool:
    """Whether every kernel has its default, or a choice that gains enough."""
    return all(each.gain == 0 or each.gain >= MARGIN for each in outcome.kernels.values())


def test_what_was_measured_is_remembered() -> None:
    first = tune(small_model(), 0.2)
    assert first.kernels and consistent(first)
    again = tune(small_model(), 0.2)
    tried = {digest: each.tried for digest, each in first.kernels.items()}
    assert any(tried.values())
    assert all(again.kernels[d].tried >= n for d, n in tried.items() if d in again.kernels)
    further = tune(small_model(), 0.2, start=tuning_of({"0" * 32: "oc=16"}))
    assert further.tuning.kernels.keys() > further.kernels.keys()


def test_progress_is_heard() -> None:
    told: list[str] = []
    tune(small_model(), 0.1, progress=lambda what, done, total: told.append(what))
    assert told[0] == "the model as it is" and told[-1] == "comparing" and "trying schedules" in told


def test_compile_tunes_and_keeps_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["compile", str(DIGITS), "-o"]
    cli.main([*line, str(tmp_path / "a.penstock"), "--tune", "1"], standalone_mode=False)
    kept = tmp_path / "digits.tuning.json"
    printed = capsys.readouterr().out
    assert "us before" in printed and str(kept) in printed and "kernels measured" in printed
    assert len(read_tuning(kept, HOST).kernels) > 5
    cli.main([*line, str(tmp_path / "b.penstock"), "--tuning", str(kept)], standalone_mode=False)
    assert (tmp_path / "a.penstock").read_bytes() == (tmp_path / "b.penstock").read_bytes()
    default, tuned = penstock.compile(DIGITS), penstock.load(tmp_path / "a.penstock")
    inputs = random_inputs(default.inputs, 2)
    for name, expected in default(inputs).items():
        assert_close(tuned(inputs)[name], expected)


def test_a_tuned_model_runs_and_can_be_checked(tmp_path: Path) -> None:
    (tmp_path / "small.onnx").write_bytes(small_model())
    second = {digest: names[1] for digest, names in options_of(small_model()).items() if len(names) > 1}
    write_tuning(tuning_of(second), tmp_path / "t.json")
    line = ["compile", str(tmp_path / "small.onnx"), "-o", str(tmp_path / "small.penstock"), "--check"]
    cli.main([*line, "--tuning", str(tmp_path / "t.json")], standalone_mode=False)
    result = penstock.load(tmp_path / "small.penstock")(small_inputs())
    assert_close(result["sum"], penstock.compile(small_model())(small_inputs())["sum"])
