"""How errors read."""

import pytest

from penstock.errors import ModelError, PenstockError, Problem, UnsupportedError


@pytest.mark.parametrize(
    "error, text",
    [
        (PenstockError("it broke"), "it broke"),
        (PenstockError("it broke", file="m.onnx"), "m.onnx: it broke"),
        (ModelError("it broke.", node="add/1", remedy="Mend it."), "node 'add/1': it broke. Mend it."),
    ],
)
def test_error_reads_as_one_line(error: PenstockError, text: str) -> None:
    assert str(error) == text


def test_unsupported_lists_all_problems_in_columns() -> None:
    problems = [
        Problem("conv", "Conv", "17", "[1,3,8,8]", "groups", "split it"),
        Problem("a", "NonZero", "13", "[?]", "size depends on data", ""),
    ]
    assert str(UnsupportedError(problems, file="m.onnx")).splitlines() == [
        "m.onnx: 2 nodes cannot be compiled:",
        "  node  op       opset  shapes     reason                remedy",
        "  conv  Conv     17     [1,3,8,8]  groups                split it",
        "  a     NonZero  13     [?]        size depends on data",
    ]


def test_one_problem_is_singular() -> None:
    assert str(UnsupportedError([Problem(*"abcdef")])).startswith("1 node cannot be compiled:\n")
