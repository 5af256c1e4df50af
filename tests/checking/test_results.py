"""Operations whose results are known are not run again, and others are."""

from collections.abc import Sequence

import numpy as np
import pytest

from penstock.checking.execution import Case, execute
from penstock.checking.results import Results
from penstock.dialects.graph.elementwise import AddOp
from penstock.dialects.resources import Array
from penstock.testing.meaning import parse

X = np.arange(4, dtype=np.float32)


def steps(*names: str) -> str:
    """The input plus three, then unary operations one after the other."""
    kinds = "tensor<4xf32> -> tensor<4xf32>"
    lines = "\n".join(f"%{i + 1} = graph.{name} %{i} : {kinds}" for i, name in enumerate(names))
    return f"""func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {{
      %c = graph.constant {{value = dense<3.0> : tensor<4xf32>}} -> tensor<4xf32>
      %0 = graph.add %x, %c : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
      {lines}
      func.return %{len(names)} : tensor<4xf32>
    }}"""


class Runs:
    """Modules run one after the other, and how many sums they compute."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._results, self.sums = Results(), 0
        evaluate = AddOp.evaluate

        def counted(op: AddOp, *operands: Array) -> Sequence[Array]:
            self.sums += 1
            return evaluate(op, *operands)

        monkeypatch.setattr(AddOp, "evaluate", counted)

    def of(self, text: str, x: Array = X) -> list[float]:
        """The output of a module."""
        (y,) = execute(Case(parse(text), [x], results=self._results))
        return y.tolist()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(monkeypatch)


def test_what_a_pass_left_alone_is_not_run_again(runs: Runs) -> None:
    assert runs.of(steps("neg")) == [-3, -4, -5, -6]
    assert runs.of(steps("neg", "abs")) == [3, 4, 5, 6]
    assert runs.of(steps("neg", "abs", "neg")) == [-3, -4, -5, -6]
    assert runs.sums == 1


def test_other_bits_are_other_operands(runs: Runs) -> None:
    runs.of(steps("neg"))
    assert runs.of(steps("neg"), X + 1) == [-4, -5, -6, -7]
    assert runs.of(steps("neg"), np.array([0.0, -0.0, 0.0, 0.0], np.float32)) == [-3] * 4
    assert runs.of(steps("neg"), np.zeros(4, np.float32)) == [-3] * 4
    assert runs.sums == 4


def test_another_meaning_is_run(runs: Runs) -> None:
    runs.of(steps("neg"))
    doubled = steps("neg").replace("graph.add %x, %c", "graph.mul %x, %c")
    assert runs.of(doubled) == [0, -3, -6, -9]


def test_results_are_kept_for_one_run(runs: Runs) -> None:
    text = steps("neg")
    runs.of(text)
    runs.of(text, X + 1)
    runs.of(text, X + 1)
    runs.of(text)
    assert runs.sums == 3


def test_results_cannot_be_changed(runs: Runs) -> None:
    (y,) = execute(Case(parse(steps("neg")), [X], results=Results()))
    with pytest.raises(ValueError, match="read-only"):
        y[0] = 1
