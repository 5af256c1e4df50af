"""The loops interpreter on whole functions, and its checks against planted bugs."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.dialects.memref import MemRef
from xdsl.dialects.scf import Scf
from xdsl.dialects.test import Test
from xdsl.dialects.vector import Vector
from xdsl.parser import Parser

from penstock.backends.loops_interpreter import BudgetExceeded, run_loops, translate_loops
from penstock.dialects.arith_ext import ARITH
from penstock.dialects.element_types import numpy_dtype

Array = NDArray[np.generic]
NAN = math.nan


def parse(text: str) -> ModuleOp:
    context = Context()
    for dialect in (Builtin, Func, ARITH, MemRef, Scf, Vector, Test):
        context.load_dialect(dialect)
    return Parser(context, text).parse_module()


def dtype_of(name: str) -> np.dtype[np.generic]:
    element = Parser(Context(), name).parse_type()
    return numpy_dtype(element)


def run(text: str, *arrays: Array, max_steps: int | None = None) -> None:
    run_loops(parse(text), "k", arrays, max_steps=max_steps)


GEMM = """
func.func @k(%a: memref<5x7xf32>, %b: memref<7x16xf32>, %c: memref<5x16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %c7 = arith.constant 7 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %zero = arith.constant dense<0.0> : vector<8xf32>
  scf.for %i = %c0 to %c5 step %c1 {
    scf.for %j = %c0 to %c16 step %c8 {
      %sum = scf.for %p = %c0 to %c7 step %c1 iter_args(%acc = %zero) -> (vector<8xf32>) {
        %x = memref.load %a[%i, %p] : memref<5x7xf32>
        %xs = vector.broadcast %x : f32 to vector<8xf32>
        %y = vector.load %b[%p, %j] : memref<7x16xf32>, vector<8xf32>
        %next = vector.fma %xs, %y, %acc : vector<8xf32>
        scf.yield %next : vector<8xf32>
      }
      vector.store %sum, %c[%i, %j] : memref<5x16xf32>, vector<8xf32>
    }
  }
  func.return
}
"""


def gemm_arrays() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    a, b = rng.random((5, 7), np.float32), rng.random((7, 16), np.float32)
    return a, b, np.zeros((5, 16), np.float32)


def test_a_matrix_product() -> None:
    a, b, c = gemm_arrays()
    run(GEMM, a, b, c)
    expected = np.zeros((5, 16))
    for p in range(7):
        expected = (a[:, p : p + 1].astype(np.float64) * b[p] + expected).astype(np.float32)
    assert c.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("%c5 = arith.constant 5", "%c5 = arith.constant 6", r"'memref.load' in @k: index \[5, 0\]"),
        ("%c7 = arith.constant 7", "%c7 = arith.constant 8", r"'memref.load' in @k: index \[0, 7\]"),
        ("%c16 = arith.constant 16", "%c16 = arith.constant 17", r"'vector.load' in @k: index \[0, 16\]"),
        ("%b[%p, %j]", "%b[%p, %c16]", r"'vector.load' in @k: index \[0, 16\] is outside memref<7x16xf32>"),
        ("%c[%i, %j]", "%c[%j, %i]", r"'vector.store' in @k: index \[8, 0\]"),
    ],
)
def test_an_access_out_of_bounds_is_named(right: str, wrong: str, message: str) -> None:
    with pytest.raises(IndexError, match=message):
        run(GEMM.replace(right, wrong), *gemm_arrays())


def test_the_budget_stops_a_run_before_the_loop_that_exceeds_it() -> None:
    a, b, c = gemm_arrays()
    steps = translate_loops(parse(GEMM)).run("k", [a, b, c])
    # 9 outside, 2 per row, 3 per tile, 5 per product.
    assert steps == 9 + 5 * 2 + 5 * 2 * 3 + 5 * 2 * 7 * 5
    run(GEMM, a, b, c, max_steps=steps)
    with pytest.raises(BudgetExceeded, match=f"{steps - 1} were allowed"):
        run(GEMM, a, b, c, max_steps=steps - 1)


def test_loops_and_branches_carry_values() -> None:
    text = """
func.func @k(%n: memref<1xi32>, %y: memref<3xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %one = arith.constant 1 : i32
  %zero = arith.constant 0 : i32
  %limit = memref.load %n[%c0] : memref<1xi32>
  %f:2 = scf.for %i = %zero to %limit step %one iter_args(%a = %zero, %b = %one) -> (i32, i32) : i32 {
    %s = arith.addi %a, %b : i32
    scf.yield %b, %s : i32, i32
  }
  %even = arith.cmpi slt, %f#0, %limit : i32
  %r = scf.if %even -> (i32) {
    scf.yield %limit : i32
  } else {
    %d = func.call @double(%f#0) : (i32) -> i32
    scf.yield %d : i32
  }
  scf.if %even {
    memref.store %one, %y[%c2] : memref<3xi32>
  }
  memref.store %f#0, %y[%c0] : memref<3xi32>
  memref.store %r, %y[%c1] : memref<3xi32>
  func.return
}
func.func @double(%x: i32) -> i32 {
  %s = arith.addi %x, %x : i32
  func.return %s : i32
}
"""
    y = np.zeros(3, np.int32)
    run(text, np.array([10], np.int32), y)
    assert y.tolist() == [55, 110, 0]
    run(text, np.array([3], np.int32), y)
    assert y.tolist() == [2, 3, 1]


MAIN = """
func.func @scale(%x: memref<2x3xf32>, %s: memref<f32>, %y: memref<6xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %flat = memref.collapse_shape %x [[0, 1]] : memref<2x3xf32> into memref<6xf32>
  %f = memref.load %s[] : memref<f32>
  scf.for %i = %c0 to %c6 step %c1 {
    %v = memref.load %flat[%i] : memref<6xf32>
    %p = arith.mulf %v, %f : f32
    memref.store %p, %y[%i] : memref<6xf32>
  }
  func.return
}
func.func @k(%in: memref<2x3xf32>, %out: memref<2x3xf32>, %arena: memref<128xi8>, %weights: memref<8xi8>) {
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  %w = memref.view %weights[%c4][] : memref<8xi8> to memref<f32>
  %t = memref.view %arena[%c64][] : memref<128xi8> to memref<6xf32>
  func.call @scale(%in, %w, %t) : (memref<2x3xf32>, memref<f32>, memref<6xf32>) -> ()
  %t2 = memref.expand_shape %t [[0, 1]] output_shape [2, 3] : memref<6xf32> into memref<2x3xf32>
  %o = memref.collapse_shape %out [[0, 1]] : memref<2x3xf32> into memref<6xf32>
  func.call @scale(%t2, %w, %o) : (memref<2x3xf32>, memref<f32>, memref<6xf32>) -> ()
  func.return
}
"""


def test_main_calls_kernels_on_views_of_one_arena() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    y, arena = np.zeros((2, 3), np.float32), np.zeros(128, np.int8)
    weights = np.array([0, 3], np.float32).view(np.uint8)
    weights.flags.writeable = False
    run(MAIN, x, y, arena, weights)
    assert y.tolist() == (x * 9).tolist()
    assert arena[64:88].view(np.float32).tolist() == [0, 3, 6, 9, 12, 15]
    assert not arena[:64].any() and not arena[88:].any()
    with pytest.raises(IndexError, match="'memref.view'"):
        run(MAIN.replace("constant 64", "constant 108"), x, y, arena, weights)


def test_masked_accesses_touch_active_lanes_only() -> None:
    text = """
func.func @k(%x: memref<2x5xf32>, %n: memref<1xindex>, %y: memref<2x5xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %count = memref.load %n[%c0] : memref<1xindex>
  %rest = arith.constant dense<7.0> : vector<4xf32>
  %mask = vector.create_mask %count : vector<4xi1>
  %v = vector.maskedload %x[%c1, %c2], %mask, %rest
      : memref<2x5xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
  vector.store %v, %y[%c0, %c0] : memref<2x5xf32>, vector<4xf32>
  vector.maskedstore %y[%c1, %c2], %mask, %v : memref<2x5xf32>, vector<4xi1>, vector<4xf32>
  func.return
}
"""
    x = np.arange(10, dtype=np.float32).reshape(2, 5)
    for count, lanes in ((0, []), (2, [7.0, 8.0]), (3, [7.0, 8.0, 9.0])):
        y = np.zeros((2, 5), np.float32)
        run(text, x, np.array([count]), y)
        assert y[0].tolist() == lanes + [7.0] * (4 - count) + [0.0]
        assert y[1].tolist() == [0.0, 0.0, *lanes] + [0.0] * (3 - count)
    with pytest.raises(IndexError, match="'vector.maskedload'"):
        run(text, x, np.array([4]), np.zeros((2, 5), np.float32))


def test_vectors_are_taken_apart_and_joined() -> None:
    text = """
func.func @k(%x: memref<4xi32>, %y: memref<6xi32>, %i: index) {
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<4xi32>, vector<4xi32>
  %e = vector.extract %v[2] : i32 from vector<4xi32>
  %d = vector.extract %v[%i] : i32 from vector<4xi32>
  %w = vector.insert %e, %v[0] : i32 into vector<4xi32>
  %u = vector.insert %d, %w[3] : i32 into vector<4xi32>
  %s = vector.shuffle %u, %v[0, 7, 4, 1, 3, 2] : vector<4xi32>, vector<4xi32>
  vector.store %s, %y[%c0] : memref<6xi32>, vector<6xi32>
  func.return
}
"""
    y = np.zeros(6, np.int32)
    x = np.array([10, 11, 12, 13], np.int32)
    run(text, x, y, np.array(1))
    assert y.tolist() == [12, 13, 10, 11, 11, 12]
    assert x.tolist() == [10, 11, 12, 13]
    with pytest.raises(IndexError, match="lane 4"):
        run(text, x, y, np.array(4))


def test_selection_by_a_bit_and_by_a_mask() -> None:
    text = """
func.func @k(%x: memref<2xf32>, %y: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %v = vector.load %x[%c0] : memref<2xf32>, vector<2xf32>
  %w = arith.negf %v : vector<2xf32>
  %first = vector.create_mask %c1 : vector<2xi1>
  %s = arith.select %first, %v, %w : vector<2xi1>, vector<2xf32>
  vector.store %s, %y[%c0] : memref<4xf32>, vector<2xf32>
  %true = arith.constant true
  %t = arith.select %true, %w, %v : vector<2xf32>
  vector.store %t, %y[%c2] : memref<4xf32>, vector<2xf32>
  func.return
}
"""
    y = np.zeros(4, np.float32)
    run(text, np.array([1, 2], np.float32), y)
    assert y.tolist() == [1, -2, -1, -2]


REDUCTIONS = [
    ("add", "i8", [100, 100, 3], 1, -52),
    ("mul", "i32", [3, -4, 5], 2, -120),
    ("minsi", "i8", [3, -4, 5], 2, -4),
    ("minui", "i8", [3, -4, 5], 9, 3),
    ("maxui", "i8", [3, -4, 5], 9, -4),
    ("and", "i16", [7, 6, 14], 15, 6),
    ("xor", "i1", [1, 1, 1], 0, 1),
    ("or", "i64", [1, 4, 16], 2, 23),
    # In order and after the accumulator: 1e8 + 1 is 1e8 in f32.
    ("add", "f32", [1.0, -1e8, 1.0], 1e8, 1.0),
    ("maximumf", "f32", [1.0, NAN, 3.0], 1.0, NAN),
    ("maxnumf", "f64", [1.0, NAN, 3.0], 1.0, 3.0),
    ("minimumf", "f32", [0.0, -0.0, 3.0], 1.0, -0.0),
]


@pytest.mark.parametrize(("kind", "element", "values", "start", "expected"), REDUCTIONS)
def test_reduction(kind: str, element: str, values: list[float], start: float, expected: float) -> None:
    text = f"""
func.func @k(%x: memref<3x{element}>, %a: {element}, %y: memref<1x{element}>) {{
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<3x{element}>, vector<3x{element}>
  %r = "vector.reduction"(%v, %a) <{{kind = #vector.kind<{kind}>}}>
      : (vector<3x{element}>, {element}) -> {element}
  memref.store %r, %y[%c0] : memref<1x{element}>
  func.return
}}
"""
    dtype = dtype_of(element)
    y = np.zeros(1, dtype)
    run(text, np.array(values).astype(dtype), np.array(start).astype(dtype), y)
    assert repr(y.tolist()[0]) == repr(bool(expected) if element == "i1" else expected)


def test_memory_that_was_never_written_is_not_zero() -> None:
    text = """
func.func @k(%y: memref<2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = memref.alloca() : memref<2xf32>
  %one = arith.constant 1.0 : f32
  memref.store %one, %m[%c1] : memref<2xf32>
  %v = vector.load %m[%c0] : memref<2xf32>, vector<2xf32>
  vector.store %v, %y[%c0] : memref<2xf32>, vector<2xf32>
  func.return
}
"""
    y = np.zeros(2, np.float32)
    run(text, y)
    assert math.isnan(y[0]) and y[1] == 1.0


def test_strided_views() -> None:
    text = """
func.func @k(%x: memref<4x6xf32>, %i: index, %y: memref<2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %s = memref.subview %x[%i, 1] [2, 3] [1, 2] : memref<4x6xf32> to memref<2x3xf32, strided<[6, 2], offset: ?>>
  %v = memref.load %s[%c1, %c1] : memref<2x3xf32, strided<[6, 2], offset: ?>>
  memref.store %v, %y[%c0] : memref<2xf32>
  %r = memref.reinterpret_cast %x to offset: [2], sizes: [3], strides: [5]
      : memref<4x6xf32> to memref<3xf32, strided<[5], offset: 2>>
  %w = memref.load %r[%c1] : memref<3xf32, strided<[5], offset: 2>>
  memref.store %w, %y[%c1] : memref<2xf32>
  func.return
}
"""
    x, y = np.arange(24, dtype=np.float32).reshape(4, 6), np.zeros(2, np.float32)
    run(text, x, np.array(1), y)
    assert y.tolist() == [x[2, 3], x.reshape(-1)[7]]
    with pytest.raises(IndexError, match="'memref.subview'"):
        run(text, x, np.array(3), y)


def test_what_cannot_be_run_is_named() -> None:
    with pytest.raises(NotImplementedError, match=r"'test.op'"):
        run('func.func @k() {\n "test.op"() : () -> ()\n func.return\n}')
    with pytest.raises(NotImplementedError, match="memref<\\?xf32>"):
        run(
            "func.func @k(%x: memref<?xf32>, %i: index) {\n"
            "%v = memref.load %x[%i] : memref<?xf32>\n func.return\n}"
        )
    with pytest.raises(KeyError, match="@missing"):
        run("func.func @k() {\n func.call @missing() : () -> ()\n func.return\n}")


def test_arguments_that_do_not_fit_are_refused() -> None:
    a, b, c = gemm_arrays()
    with pytest.raises(ValueError, match="takes 3 arguments, not 2"):
        run(GEMM, a, b)
    with pytest.raises(ValueError, match="argument 0 is memref<5x7xf32>"):
        run(GEMM, a.astype(np.float64), b, c)
    with pytest.raises(ValueError, match="argument 2 is not contiguous"):
        run(GEMM, a, b, np.asfortranarray(c))
    with pytest.raises(KeyError, match="no function @other"):
        run_loops(parse(GEMM), "other", [])


def test_a_name_in_the_ir_never_reaches_the_source() -> None:
    name = "x(): import os #"
    text = f'func.func @"{name}"(%y: memref<1xf32>) {{\n func.return\n}}'
    program = translate_loops(parse(text))
    assert name not in program.source and program.run(name, [np.zeros(1, np.float32)]) == 1
