"""The check of models whose sizes are open: at the hints and at other sizes, the code included."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx.parser
import pytest
from onnx import ModelProto

from penstock.checking.report import CheckStep, MiscompilationError
from penstock.dialects.sizes import Extent
from penstock.driver import check
from penstock.passes import tile_loops

MODEL = """
    <ir_version: 9, opset_import: ["": 17]>
    net (float[rows, 8] x, float[8, cols] w) => (float[rows, cols] y)
    {
        m = MatMul (x, w)
        e = Exp (m)
        y = Softmax <axis = 1> (e)
    }"""
Part = tuple[Extent, Extent, int]


def model() -> ModelProto:
    """The model."""
    return onnx.parser.parse_model(MODEL)


def checked(folder: Path) -> Sequence[CheckStep]:
    """The steps of a check at 12 rows and 16 columns, and then at more."""
    return list(check(model(), hints={"rows": 12, "cols": 16}, folder=folder))


def test_every_pass_is_checked_at_two_sizes(tmp_path: Path) -> None:
    steps = checked(tmp_path)
    assert all(step.passed for step in steps)
    names = [step.name for step in steps]
    for name in ("lower-graph-to-nest", "tile", "plan-memory", "generate-code"):
        assert names.count(name) == 2 * names[: len(names) // 2].count(name) > 0


def test_a_mistake_away_from_the_hints_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_it_is = tile_loops.parts_of_open

    def forgetful(extent: Extent, sizes: Sequence[int]) -> Iterator[Part]:
        """Leave out what tiles leave of an open size."""
        return iter(list(as_it_is(extent, sizes))[:1])

    monkeypatch.setattr(tile_loops, "parts_of_open", forgetful)
    with pytest.raises(MiscompilationError) as caught:
        checked(tmp_path)
    assert caught.value.step.name == "tile"
