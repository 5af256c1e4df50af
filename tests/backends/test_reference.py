"""The reference executor: what it runs, what it refuses."""

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.func import Func
from xdsl.parser import Parser

from penstock.backends.reference import run_graph
from penstock.dialects.graph import Graph
from penstock.dialects.graph.base import Array
from penstock.errors import CallError

DOUBLE = """
func.func @main(%a: tensor<?x2xf32> {graph.name = "in"})
    -> (tensor<?x2xf32> {graph.name = "sum"}, tensor<?x2xf32>) {
  %s = graph.add %a, %a : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  %t = graph.add %s, %a : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %s, %t : tensor<?x2xf32>, tensor<?x2xf32>
}
"""


def run(x: Array, name: str = "in") -> dict[str, Array]:
    """Run the module on one array."""
    context = Context()
    for dialect in (Builtin, Func, Graph):
        context.load_dialect(dialect)
    return run_graph(Parser(context, DOUBLE).parse_module(), {name: x})


def test_results_by_name() -> None:
    x = np.ones((3, 2), np.float32)
    results = run(x)
    assert list(results) == ["sum", "output1"]
    assert results["sum"].tolist() == (2 * x).tolist() and results["output1"].tolist() == (3 * x).tolist()


def test_unknown_and_missing_inputs() -> None:
    with pytest.raises(CallError, match="'in' is missing"):
        run(np.ones((3, 2), np.float32), "other")


@pytest.mark.parametrize("x", [np.ones((3, 2)), np.ones((3, 3), np.float32), np.ones(2, np.float32)])
def test_input_of_another_type(x: Array) -> None:
    with pytest.raises(CallError, match="the model takes"):
        run(x)
