"""Buffers, loops and calls of the loops level, compiled and run against NumPy."""

import numpy as np
import pytest
from xdsl.utils.exceptions import VerifyException

from tests.backends.codegen_kit import lowered, run, same


def test_stored_booleans_are_bytes() -> None:
    a = np.array([0, 1, 255, 2, 0, 128, 1, 1], np.uint8)
    y = np.full(8, 77, np.uint8)
    text = """
    func.func @k(%a: memref<8xi1>, %y: memref<8xi1>) {
      CONSTANTS
      %v = vector.load %a[%c0] : memref<8xi1>, vector<8xi1>
      vector.store %v, %y[%c0] : memref<8xi1>, vector<8xi1>
      %x = memref.load %a[%c2] : memref<8xi1>
      memref.store %x, %y[%c0] : memref<8xi1>
      func.return
    }"""
    run(text, [a, y])
    assert y.tolist() == [1, 1, 1, 1, 0, 1, 1, 1]


def test_shapes_views_and_stack() -> None:
    """Transpose through a stack buffer, a reshaped view and an arena."""
    a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    arena, y = np.zeros(256, np.int8), np.zeros((4, 6), np.float32)
    text = """
    func.func @k(%a: memref<2x3x4xf32>, %arena: memref<256xi8>, %y: memref<4x6xf32>) {
      CONSTANTS
      %stack = memref.alloca() : memref<6x4xf32>
      %flat = memref.collapse_shape %a [[0, 1], [2]] : memref<2x3x4xf32> into memref<6x4xf32>
      %t = memref.view %arena[%c16][] : memref<256xi8> to memref<4x6xf32>
      scf.for %i = %c0 to %c6 step %c1 {
        scf.for %j = %c0 to %c4 step %c1 {
          %x = memref.load %flat[%i, %j] : memref<6x4xf32>
          memref.store %x, %stack[%i, %j] : memref<6x4xf32>
        }
      }
      %s = memref.expand_shape %stack [[0, 1], [2]] output_shape [2, 3, 4]
        : memref<6x4xf32> into memref<2x3x4xf32>
      scf.for %i = %c0 to %c6 step %c1 {
        %h = arith.divui %i, %c3 : index
        %l = arith.remui %i, %c3 : index
        scf.for %j = %c0 to %c4 step %c1 {
          %x = memref.load %s[%h, %l, %j] : memref<2x3x4xf32>
          memref.store %x, %t[%j, %i] : memref<4x6xf32>
          memref.store %x, %y[%j, %i] : memref<4x6xf32>
        }
      }
      func.return
    }"""
    run(text, [a, arena, y])
    assert same(y, np.ascontiguousarray(a.reshape(6, 4).T))
    assert same(arena[16 : 16 + 96].view(np.float32).reshape(4, 6), y)
    assert not arena[:16].any() and not arena[112:].any()


def test_index_arithmetic_with_negative_parts() -> None:
    """Offsets that cancel, a reversed loop, shifts and products of indices."""
    a, y = np.arange(40, dtype=np.int32).reshape(5, 8), np.zeros((5, 8), np.int32)
    text = """
    func.func @k(%a: memref<5x8xi32>, %y: memref<5x8xi32>) {
      CONSTANTS
      %m1 = arith.constant -1 : index
      %m2 = arith.constant -2 : index
      scf.for %i = %m2 to %c3 step %c1 {
        scf.for %j = %c0 to %c8 step %c1 {
          %row = arith.addi %i, %c2 : index
          %back = arith.muli %j, %m1 : index
          %col = arith.addi %back, %c7 : index
          %twice = arith.shli %col, %c1 : index
          %less = arith.subi %twice, %col : index
          %x = memref.load %a[%row, %less] : memref<5x8xi32>
          memref.store %x, %y[%row, %j] : memref<5x8xi32>
        }
      }
      func.return
    }"""
    run(text, [a, y])
    assert same(y, np.ascontiguousarray(a[:, ::-1]))


@pytest.mark.parametrize("count", [-4, 0, 1, 7])
def test_loops_with_bounds_of_every_kind(count: int) -> None:
    """A bound known at run time, constant loops that run never, once and often, values carried through."""
    text = """
    func.func @k(%n: memref<1xi64>, %y: memref<6xi64>) {
      CONSTANTS
      %zero = arith.constant 0 : i64
      %one = arith.constant 1 : i64
      %n64 = memref.load %n[%c0] : memref<1xi64>
      %stop = arith.index_cast %n64 : i64 to index
      %r:2 = scf.for %i = %c0 to %stop step %c1 iter_args(%s = %zero, %p = %one) -> (i64, i64) {
        %i64 = arith.index_cast %i : index to i64
        %s2 = arith.addi %s, %i64 : i64
        scf.yield %p, %s2 : i64, i64
      }
      %never = scf.for %i = %c5 to %c5 step %c1 iter_args(%s = %one) -> (i64) {
        scf.yield %zero : i64
      }
      %once = scf.for %i = %c3 to %c5 step %c4 iter_args(%s = %one) -> (i64) {
        %i64 = arith.index_cast %i : index to i64
        %s2 = arith.addi %s, %i64 : i64
        scf.yield %s2 : i64
      }
      %last = scf.for %i = %c0 to %c10 step %c3 iter_args(%s = %c0) -> (index) {
        scf.yield %i : index
      }
      %last64 = arith.index_cast %last : index to i64
      %typed = scf.for %i = %zero to %n64 step %one iter_args(%s = %zero) -> (i64) : i64 {
        %s2 = arith.addi %s, %i : i64
        scf.yield %s2 : i64
      }
      memref.store %r#0, %y[%c0] : memref<6xi64>
      memref.store %r#1, %y[%c1] : memref<6xi64>
      memref.store %never, %y[%c2] : memref<6xi64>
      memref.store %once, %y[%c3] : memref<6xi64>
      memref.store %last64, %y[%c4] : memref<6xi64>
      memref.store %typed, %y[%c5] : memref<6xi64>
      func.return
    }"""
    y = np.zeros(6, np.int64)
    run(text, [np.array([count]), y])
    s, p = 0, 1
    for i in range(count):
        s, p = p, s + i
    assert y.tolist() == [s, p, 1, 4, 9, sum(range(count))]


def test_conditions_with_and_without_results() -> None:
    a, y = np.array([5, -7, 0, 3], np.int32), np.zeros(4, np.int32)
    text = """
    func.func @k(%a: memref<4xi32>, %y: memref<4xi32>) {
      CONSTANTS
      %zero = arith.constant 0 : i32
      scf.for %i = %c0 to %c4 step %c1 {
        %x = memref.load %a[%i] : memref<4xi32>
        %neg = arith.cmpi slt, %x, %zero : i32
        %r = scf.if %neg -> (i32) {
          %m = arith.subi %zero, %x : i32
          scf.yield %m : i32
        } else {
          scf.yield %x : i32
        }
        %big = arith.cmpi sgt, %r, %zero : i32
        scf.if %big {
          memref.store %r, %y[%i] : memref<4xi32>
        }
      }
      func.return
    }"""
    run(text, [a, y])
    assert y.tolist() == [5, 7, 0, 3]


def test_main_calls_kernels_on_an_arena() -> None:
    text = """
    func.func @double(%x: memref<8xf32> {llvm.noalias, llvm.align = 64 : i64}, %y: memref<8xf32>)
        attributes {nest.nodes = ["Add_1"]} {
      CONSTANTS
      %v = vector.load %x[%c0] : memref<8xf32>, vector<8xf32>
      %w = arith.addf %v, %v : vector<8xf32>
      vector.store %w, %y[%c0] : memref<8xf32>, vector<8xf32>
      func.return
    }
    func.func @k(%in: memref<8xf32>, %out: memref<8xf32>, %arena: memref<128xi8>, %weights: memref<4xi8>) {
      CONSTANTS
      %c64 = arith.constant 64 : index
      %t = memref.view %arena[%c64][] : memref<128xi8> to memref<8xf32>
      func.call @double(%in, %t) : (memref<8xf32>, memref<8xf32>) -> ()
      func.call @double(%t, %out) : (memref<8xf32>, memref<8xf32>) -> ()
      func.return
    }"""
    x, y = np.arange(8, dtype=np.float32), np.zeros(8, np.float32)
    memory = np.zeros(192, np.int8)
    arena = memory[-memory.ctypes.data % 64 :][:128]
    run(text, [x, y, arena, np.zeros(4, np.int8)])
    assert same(y, 4 * x)
    printed = str(lowered(text))
    assert 'nest.nodes = ["Add_1"]' in printed and "llvm.noalias" in printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("func.func @k(%x: f32) -> f32 { func.return %x : f32 }", "has results"),
        ("func.func @k(%x: memref<4xf32, strided<[2]>>) { func.return }", "buffers are row-major"),
        ("func.func @k(%x: f32) { %y = math.exp %x : f32\n func.return }", "no lowering for math.exp"),
        ("func.func @k(%x: vector<2x2xf32>) { func.return }", "one fixed dimension"),
        ("func.func @k(%x: f80) { func.return }", "type f80"),
    ],
)
def test_what_is_not_in_the_contract_is_named(text: str, message: str) -> None:
    with pytest.raises(NotImplementedError, match=message):
        lowered(text)


@pytest.mark.parametrize(
    "op",
    [
        "%r = arith.extsi %x : i32 to i8",
        "%r = arith.trunci %x : i32 to i64",
        "%r = arith.extsi %x : i32 to vector<4xi64>",
        "%r = arith.sitofp %x : i32 to i64",
        "%m = arith.constant dense<true> : vector<4xi1>\n %r = arith.select %m, %x, %x : vector<4xi1>, i32",
    ],
)
def test_conversions_that_make_no_sense_do_not_verify(op: str) -> None:
    with pytest.raises(VerifyException):
        lowered(f"func.func @k(%x: i32) {{ {op}\n func.return }}")
