"""The doctor: all that stands in a model's way, sizes left open, costs, exit codes, JSON as documented."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import onnx.parser
import pytest

import penstock
from penstock.cli import cli
from penstock.diagnosis import COMPILES, DECLINED, EXIT_CODES, OPEN, Diagnosis, HostNode, diagnose
from penstock.dialects.memory_plan import round_up
from penstock.errors import ShapeError
from tests.small_model import small_model

ROOT = Path(__file__).parent.parent
CONV = """
    <ir_version: 9, opset_import: ["": 17]>
    conv (float[batch, 16, 32, 32] x) => (float[batch, 8, 32, 32] z)
    <int64[4] first = {32, 16, 5, 5}, int64[4] second = {8, 32, 1, 1}>
    {
        v = ConstantOfShape <value = float {0.5}> (first)
        w = ConstantOfShape <value = float {0.5}> (second)
        c = Conv <pads = [2, 2, 2, 2]> (x, v)
        y = Relu (c)
        z = Conv (y, w)
    }"""
SQUARE = '<ir_version: 9, opset_import: ["": 17]> square (float[n, n] x) => (y) { y = Det (x) }'
BROKEN = """
    <ir_version: 9, opset_import: ["": 17, "none": 1]>
    broken (float[2, 3] x, float[4, 5] y) => (z, s, u)
    {
        a = Relu (x)
        b = none.First (a)
        z = none.Second (b)
        s = MatMul (x, y)
        w = Constant <value = float[3, 4] {1,2,3,4,5,6,7,8,9,10,11,12}> ()
        u = MatMul (x, w)
    }"""


def written(folder: Path, text: str) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(onnx.parser.parse_model(text).SerializeToString())
    return path


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli(["doctor", *arguments], standalone_mode=False)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_every_problem_is_listed_and_the_rest_is_counted(tmp_path: Path) -> None:
    found = diagnose(written(tmp_path, BROKEN))
    assert [(problem.op, problem.shapes) for problem in found.problems] == [
        ("none.First", "[2, 3]"),
        ("none.Second", "-"),
        ("MatMul", "[2, 3] [4, 5]"),
    ]
    assert found.verdict == DECLINED
    assert all(problem.remedy for problem in found.problems)
    assert found.operators == {"MatMul": 2, "Constant": 1, "Relu": 1, "none.First": 1, "none.Second": 1}
    assert found.work is not None and found.work.multiply_adds == 2 * 3 * 4


def test_a_graph_that_makes_no_sense_is_a_problem_too(tmp_path: Path) -> None:
    text = '<ir_version: 9, opset_import: ["": 17]> a (float[2] x) => (y) { y = Relu (absent) }'
    found = diagnose(written(tmp_path, text))
    assert found.verdict == DECLINED
    assert "'absent' is read and nobody writes it" in found.problems[0].reason


def test_costs_are_those_of_the_compiled_model(tmp_path: Path) -> None:
    path = written(tmp_path, CONV)
    found, compiled = diagnose(path, dims={"batch": 1}), penstock.compile(path, dims={"batch": 1})
    assert found.verdict == COMPILES
    assert found.work is not None and found.work.is_complete
    assert found.work.multiply_adds == 32 * 32 * (32 * 16 * 25 + 8 * 32)
    # The result is transposed into the order of dims that the caller wants: a copy that the estimate lacks.
    assert found.work.memory <= compiled.memory.arena <= 1.5 * found.work.memory
    assert found.work.moved == found.work.weights + 4 * 32 * 32 * (16 + 8)


def test_open_sizes_are_named_and_assumed(tmp_path: Path) -> None:
    path = written(tmp_path, CONV.replace("32, 32]", "height, n]"))
    found = diagnose(path)
    assert [(size.name, size.places, size.assumed) for size in found.open_sizes] == [
        ("batch", ("x dim 0",), 1),
        ("height", ("x dim 2",), 224),
        ("n", ("x dim 3",), 224),
    ]
    given = diagnose(path, shapes={"x": (1, 16, 8, 8)})
    assert not given.open_sizes


def test_sizes_that_contradict_the_model_are_not_assumed(tmp_path: Path) -> None:
    """An axis of time in front: a window of 5 does not fit into the 1 that is usual there."""
    text = """
        <ir_version: 9, opset_import: ["": 17]> late (float[T, 16] t) => (z) <int64[3] taps = {8, 16, 5}>
        {
            axes = Constant <value_ints = [0]> ()
            rows = Unsqueeze (t, axes)
            x = Transpose <perm = [0, 2, 1]> (rows)
            w = ConstantOfShape <value = float {0.5}> (taps)
            z = Conv (x, w)
        }"""
    found = diagnose(written(tmp_path, text))
    assert found.verdict == COMPILES
    assert [size.assumed for size in found.open_sizes] == [128]


def test_sizes_follow_from_values_that_are_known_at_the_usual_sizes(tmp_path: Path) -> None:
    """Values that sizes decide need no second import: here all of `n` ones are found."""
    text = """
        <ir_version: 9, opset_import: ["": 17]> found (float[n, 8] x) => (int64[1, m] y)
        {
            first = Constant <value_ints = [0]> ()
            second = Constant <value_ints = [1]> ()
            shape = Shape (x)
            n = Slice (shape, first, second)
            ones = ConstantOfShape <value = float {1.0}> (n)
            y = NonZero (ones)
        }"""
    found = diagnose(written(tmp_path, text), hints={"n": 5})
    assert found.verdict == COMPILES
    assert found.work is not None and found.work.is_complete
    assert found.work.moved - found.work.weights == round_up(5 * 8 * 4) + round_up(5 * 8)


def test_costs_are_those_at_the_hints(tmp_path: Path) -> None:
    path = written(tmp_path, CONV)
    found = diagnose(path, hints={"batch": 3}, bounds={"batch": (1, 4)})
    wanted = diagnose(path, dims={"batch": 3})
    assert [size.assumed for size in found.open_sizes] == [3]
    assert found.work == wanted.work
    with pytest.raises(ShapeError, match="the model has no open size 'n'"):
        diagnose(path, hints={"n": 3})


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (CONV, (), EXIT_CODES[COMPILES]),
        (SQUARE, (), EXIT_CODES[OPEN]),
        (SQUARE, ("--shape", "x=m,m"), EXIT_CODES[OPEN]),
        (SQUARE, ("--shape", "x=3x3"), EXIT_CODES[COMPILES]),
        (CONV, ("--dim", "batch=2"), EXIT_CODES[COMPILES]),
        (BROKEN, (), EXIT_CODES[DECLINED]),
    ],
)
def test_exit_codes(tmp_path: Path, text: str, options: tuple[str, ...], code: int) -> None:
    assert exit_code(str(written(tmp_path, text)), *options) == code


def test_a_person_reads_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(str(written(tmp_path, BROKEN))) == 1
    told = capsys.readouterr().out
    assert "3 things stand in the way" in told and "none.First" in told and "at least 24" in told
    assert exit_code(str(written(tmp_path, SQUARE))) == 3
    told = capsys.readouterr().out
    assert "give them, as in --dim 'n=1'" in told and "what needs numbers for them" in told
    assert exit_code(str(written(tmp_path, CONV)), "--bounds", "batch=1:8") == 0
    assert "nothing stands in the way, each call decides batch" in capsys.readouterr().out


def test_host_nodes_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    from penstock.cli.diagnosis import show_diagnosis

    found = Diagnosis("m.onnx", (), (HostNode("split", "StringSplit"),), (), {}, {}, None)
    show_diagnosis(found)
    assert "node that runs in Python" in capsys.readouterr().out
    assert replace(found, host_nodes=()).verdict == COMPILES


def test_json_has_the_documented_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "doctor.md").read_text()
    (example,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert exit_code(str(written(tmp_path, BROKEN)), "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == json.loads(example).keys()
    assert told["work"].keys() == json.loads(example)["work"].keys()
    assert told["problems"][0].keys() == json.loads(example)["problems"][0].keys()
    for field in (*told, *told["work"], *told["problems"][0]):
        assert f"`{field}`" in page


def test_neither_passes_nor_llvm_are_imported(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(small_model())
    program = (
        "import sys; from penstock.diagnosis import diagnose; diagnose(sys.argv[1]);"
        "print([m for m in sys.modules if m.startswith(('llvmlite', 'penstock.passes', 'networkx'))])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
