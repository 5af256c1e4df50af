"""Kernels whose results are known are not run again; what they make is the same, and mistakes still show."""

from collections.abc import Callable, Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from penstock.backends.nest_interpreter import Calls
from penstock.checking.execution import Case, execute
from penstock.checking.recall import Recall
from penstock.checking.usage import usage_of
from penstock.dialects.resources import Array
from penstock.testing.meaning import parse

NEST = """
    nest.compute [i = SIZE] ins(%p["i + START"] : memref<6xf32>) outs(%q["i + START"] : memref<6xf32>) {
    ^bb0(%e : f32):
      BODY
    }"""
ADDS_ONE = "%one = arith.constant 1.0 : f32 %r = arith.addf %e, %one : f32 nest.yield %r : f32"
ADDS_TWO = ADDS_ONE.replace("1.0", "2.0")
ADDS_ONE_ABOVE_0 = """
    %one = arith.constant 1.0 : f32
    %zero = arith.constant 0.0 : f32
    %m = arith.maximumf %e, %zero : f32
    %r = arith.addf %m, %one : f32
    nest.yield %r : f32"""
X = np.arange(6, dtype=np.float32)


def called(*parts: tuple[int, int, str]) -> ModuleOp:
    """A kernel of nests over some ranges, called four times, each time on what it made."""
    nests = [
        NEST.replace("START", f"{a}").replace("SIZE", f"{b - a}").replace("BODY", c) for a, b, c in parts
    ]
    calls = ["%x, %b", "%b, %c", "%c, %b", "%b, %y"]
    kinds = "(memref<6xf32>, memref<6xf32>) -> ()"
    return parse(f"""
        func.func @main(%x : memref<6xf32>, %y : memref<6xf32>) {{
          %b = memref.alloc() : memref<6xf32>
          %c = memref.alloc() : memref<6xf32>
          {"".join(f"func.call @k({each}) : {kinds}{chr(10)}" for each in calls)}
          func.return
        }}
        func.func @k(%p : memref<6xf32>, %q : memref<6xf32>) attributes {{nest.kernel}} {{
          {"".join(nests)}
          func.return
        }}""")


class Counting:
    """A recall whose runs of kernels on arguments of the model are counted."""

    def __init__(self) -> None:
        self._recall, self.runs = Recall(0), 0

    def calls(self, module: ModuleOp) -> Calls:
        """Runs kernels through the recall."""
        inner = self._recall.calls(module)

        def run(kernel: FuncOp, arrays: Sequence[Array], execute: Callable[[], None]) -> None:
            def counted() -> None:
                self.runs += 1
                execute()

            inner(kernel, arrays, counted)

        return run

    def outputs(self, module: ModuleOp) -> tuple[list[float], int]:
        """What a module makes of the numbers from 0 to 5, and how many kernels ran for it."""
        before = self.runs
        (y,) = execute(Case(module, [X], remember=self.calls))
        return y.tolist(), self.runs - before


def test_a_kernel_that_makes_the_same_is_not_run_on_every_call() -> None:
    counting = Counting()
    assert counting.outputs(called((0, 6, ADDS_ONE))) == ([4, 5, 6, 7, 8, 9], 4)
    assert counting.outputs(called((0, 6, ADDS_ONE))) == ([4, 5, 6, 7, 8, 9], 0)
    assert counting.outputs(called((0, 2, ADDS_ONE), (2, 6, ADDS_ONE))) == ([4, 5, 6, 7, 8, 9], 0)


def test_one_that_makes_something_else_is() -> None:
    counting = Counting()
    counting.outputs(called((0, 6, ADDS_ONE)))
    assert counting.outputs(called((0, 2, ADDS_ONE), (2, 6, ADDS_TWO))) == ([4, 5, 10, 11, 12, 13], 4)
    assert counting.outputs(called((0, 6, ADDS_ONE))) == ([4, 5, 6, 7, 8, 9], 4)


def test_random_arguments_tell_kernels_apart_too() -> None:
    counting = Counting()
    counting.outputs(called((0, 6, ADDS_ONE)))
    assert counting.outputs(called((0, 6, ADDS_ONE_ABOVE_0)))[1] == 4


def test_only_what_is_written_is_put() -> None:
    (_, kernel) = called((1, 3, ADDS_ONE)).ops
    assert isinstance(kernel, FuncOp)
    usage = usage_of(kernel)
    assert usage is not None and usage.read == (0,)
    made = usage.taken([X, X + 1])
    target = np.zeros(6, np.float32)
    usage.put(made, [X, target])
    assert target.tolist() == [0, 2, 3, 0, 0, 0]
    assert usage.digest([X, target]) == usage.digest([X.copy(), X]) != usage.digest([X + 1, target])
