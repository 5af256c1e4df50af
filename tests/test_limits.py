"""The limits of what a model may ask of the compiler: they hold, count the same, and can be raised."""

from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from click.testing import CliRunner
from onnx import ModelProto, helper, numpy_helper

import penstock
from penstock.cli import cli
from penstock.errors import LimitError
from penstock.limits import limits
from penstock.onnx_import import import_model


def range_of(count: int) -> ModelProto:
    """A model that gives 0, 1, 2, ... times its input."""
    bounds = [
        numpy_helper.from_array(np.array(v, np.float32), n) for n, v in zip("abc", (0, count, 1), strict=True)
    ]
    nodes = [
        helper.make_node("Range", ["a", "b", "c"], ["r"], name="r"),
        helper.make_node("Mul", ["r", "x"], ["y"]),
    ]
    x, y = (helper.make_tensor_value_info(n, 1, s) for n, s in (("x", [1]), ("y", [count])))
    return helper.make_model(
        helper.make_graph(nodes, "g", [x], [y], bounds), opset_imports=[helper.make_opsetid("", 17)]
    )


def test_a_constant_beyond_the_limit_is_refused_with_the_remedy() -> None:
    with (
        penstock.limited(steps=99),
        pytest.raises(LimitError, match=r"node 'r': .* over 99 steps .* --limit steps=N"),
    ):
        import_model(range_of(100))


def test_the_limit_is_exact_and_ends_with_its_block() -> None:
    before = limits()
    with penstock.limited(steps=100):
        import_model(range_of(100))
        with penstock.limited(operations=5):
            assert (limits().steps, limits().operations) == (100, 5)
    assert limits() == before


def test_the_command_line_raises_and_lowers_limits(tmp_path: Path) -> None:
    path = tmp_path / "range.onnx"
    path.write_bytes(range_of(100).SerializeToString())
    lowered = CliRunner().invoke(cli, ["doctor", str(path), "--limit", "steps=99"])
    assert lowered.exit_code == 1 and "over 99 steps" in " ".join(lowered.output.split())
    assert CliRunner().invoke(cli, ["doctor", str(path), "--limit", "steps=100"]).exit_code == 0
    unknown = CliRunner().invoke(cli, ["doctor", str(path), "--limit", "patience=1"])
    assert unknown.exit_code == 2 and "no limit is called 'patience'" in unknown.output


def test_sums_and_products_count_what_they_go_through() -> None:
    matrix = numpy_helper.from_array(np.ones((8, 8), np.float32), "m")
    nodes = [
        helper.make_node("MatMul", ["m", "m"], ["p"], name="p"),
        helper.make_node("NonZero", ["p"], ["z"]),
        helper.make_node("Cast", ["z"], ["y"], to=1),
    ]
    y = helper.make_tensor_value_info("y", 1, None)
    model = helper.make_model(
        helper.make_graph(nodes, "g", [], [y], [matrix]), opset_imports=[helper.make_opsetid("", 17)]
    )
    # Three matrices of 64 numbers, and 8 products for each of the 64 results; then each of these is made a
    # truth, an element of a list and a number, and is added.
    steps = 3 * 64 + 8 * 64 + 3 * (64 + 64) + 64 + 1
    with penstock.limited(steps=steps - 1), pytest.raises(LimitError):
        import_model(model)
    with penstock.limited(steps=steps):
        import_model(model)


def loop_of(rounds: int) -> ModelProto:
    """A model that doubles a number again and again."""
    text = f"""
        <ir_version: 9, opset_import: ["": 17]>
        net (float[1] x) => (float[1] y) <int64 rounds = {{{rounds}}}>
        {{
            y = Loop (rounds, , x) <body = body (int64 i, bool going, float[1] a) => (bool again, float[1] b)
            {{
                again = Identity (going)
                b = Add (a, a)
            }}>
        }}"""
    return onnx.parser.parse_model(text)


def test_a_loop_of_very_many_rounds_is_refused() -> None:
    with pytest.raises(LimitError, match=r"a loop of 4294967296 iterations.*--limit iterations=N"):
        import_model(loop_of(2**32))
    with penstock.limited(iterations=999), pytest.raises(LimitError):
        import_model(loop_of(1000))
    with penstock.limited(iterations=1000):
        import_model(loop_of(1000))


def test_formulas_do_not_grow_without_end() -> None:
    """A size of 2**40 factors is not written down: nothing is known of it."""
    squares = "\n".join(f"x{i + 1} = Mul (x{i}, x{i})" for i in range(40))
    text = f"""
        <ir_version: 9, opset_import: ["": 17]>
        net (int64[2] x0) => (float[a, b] y, int64[2] x40) {{ y = ConstantOfShape (x0) {squares} }}"""
    assert import_model(onnx.parser.parse_model(text)).ops


def test_the_formulas_of_models_are_known() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[n] x, float z) => (float[m] y) {
            s = Shape (x) a = Mul (s, s) b = Mul (a, a) y = Expand (z, b)
        }"""
    assert '"n*n*n*n"' in str(import_model(onnx.parser.parse_model(text)))


def test_the_name_of_a_size_that_is_no_text_is_a_name() -> None:
    text = (
        """<ir_version: 9, opset_import: ["": 17]> net (float[qqqq] x) => (float[qqqq] y) { y = Relu (x) }"""
    )
    model = onnx.parser.parse_model(text).SerializeToString().replace(b"qqqq", b"\xff\xfe\xfd\xfc")
    assert import_model(model).ops


def test_random_numbers_count_as_many_steps_as_they_take() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 22]>
        net () => (float[10] y) { y = RandomNormal <shape = [10]> () }"""
    model = onnx.parser.parse_model(text)
    with penstock.limited(steps=99), pytest.raises(LimitError, match="over 99 steps"):
        penstock.compile(model)
