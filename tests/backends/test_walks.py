"""Nests that walk a loop together run one behind another only where nobody can tell."""

from math import prod

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from penstock.backends.nest_interpreter import run_nests
from penstock.backends.nests.apart import are_apart
from penstock.dialects.nest.ops import ComputeOp, shape_of
from penstock.testing.meaning import parse

Array = NDArray[np.generic]

WALK = """
func.func @main(%x: memref<8x8xf32>, %t: memref<ROOMxf32>, %y: memref<8x8xf32>) {
  nest.compute [h = 8, i = 8] ins(%x["h, i"] : memref<8x8xf32>) outs(%t["WRITE"] : memref<ROOMxf32>)
    attributes {together = "h"} {
  ^b(%a: f32): nest.yield %a : f32
  }
  nest.compute [h = 8, i = 8] ins(%t["READ"] : memref<ROOMxf32>) outs(%y["h, i"] : memref<8x8xf32>)
    attributes {together = "h"} {
  ^b(%a: f32): BODY
  }
  func.return
}"""
YIELD = "nest.yield %a : f32"
LOAD = "%o = arith.constant 0 : index %v = memref.load %BUFFER[%o, %o] : memref<8x8xf32> nest.yield %v : f32"


def module_of(room: str, write: str, read: str, body: str = YIELD) -> ModuleOp:
    text = WALK.replace("ROOM", room).replace("WRITE", write).replace("READ", read)
    return parse(text.replace("BODY", body))


def walk(room: str, write: str, read: str, body: str = YIELD) -> FuncOp:
    (function,) = module_of(room, write, read, body).ops
    assert isinstance(function, FuncOp)
    return function


def buffers_of(function: FuncOp) -> dict[SSAValue, Array]:
    shapes = [shape_of(a) for a in function.args]
    arrays = [np.arange(prod(s), dtype=np.float32).reshape(s) for s in shapes]
    return dict(zip(function.args, arrays, strict=True))


def is_apart(function: FuncOp, buffers: dict[SSAValue, Array]) -> bool:
    nests = [op for op in function.walk() if isinstance(op, ComputeOp)]
    return are_apart(nests, [0] * len(nests), buffers)


@pytest.mark.parametrize(
    "room, write, read, expected",
    [
        ("8x8", "h, i", "h, i", True),
        ("8x8", "i, h", "7 - i, h", True),
        ("16x8", "2*h + 1, i", "2*h, i", True),
        ("64", "8*h + i", "8*h - i + 7", True),
        ("72", "8*h + i + 8", "8*h + i + 7", False),
        ("9x8", "h + 1, i", "h, i", False),
        ("8x8", "h, i", "i, h", False),
        ("16x8", "2*h, i", "h + i, i", False),
        ("8x8", "7 - h, i", "7 - h, i", False),
        ("1x8", "0, i", "0, i", False),
    ],
)
def test_iterations_that_leave_each_other_alone(room: str, write: str, read: str, expected: bool) -> None:
    function = walk(room, write, read)
    assert is_apart(function, buffers_of(function)) == expected


def test_buffers_that_overlap_are_not_told_apart() -> None:
    function = walk("8x8", "h, i", "h, i")
    arena = np.zeros(68, np.float32)
    buffers = buffers_of(function) | {
        function.args[1]: arena[:64].reshape(8, 8),
        function.args[2]: arena[4:].reshape(8, 8),
    }
    assert not is_apart(function, buffers)
    buffers[function.args[2]] = arena[:64].reshape(8, 8)
    assert is_apart(function, buffers)


@pytest.mark.parametrize("buffer, expected", [("x", True), ("t", False), ("y", False)])
def test_computed_places_may_be_anywhere(buffer: str, expected: bool) -> None:
    function = walk("8x8", "h, i", "h, i", LOAD.replace("BUFFER", buffer))
    assert is_apart(function, buffers_of(function)) == expected


def test_the_results_are_those_of_the_iterations() -> None:
    x = np.arange(64, dtype=np.float32).reshape(8, 8)
    y = np.zeros_like(x)
    run_nests(module_of("64", "8*h + i", "8*h - i + 7"), "main", [x, np.zeros(64, np.float32), y])
    np.testing.assert_array_equal(y, x[:, ::-1])
