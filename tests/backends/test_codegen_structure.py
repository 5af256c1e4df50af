"""Buffers, vectors, loops and calls of the loops level, compiled and run against NumPy."""

from collections.abc import Sequence

import numpy as np
import pytest
from xdsl.utils.exceptions import VerifyException

from tests.backends.codegen_kit import DTYPES, Array, call, load_loops, lowered, numbers, same

TARGETS = ("x86-64-v3", "x86-64-v4")
CONSTANTS = "\n".join(f"%c{n} = arith.constant {n} : index" for n in range(17))


def run(text: str, arrays: Sequence[Array], target_name: str = "x86-64-v3") -> None:
    """Compile the functions of `text` and call `k`."""
    call(load_loops(text.replace("CONSTANTS", CONSTANTS), target_name), "k", arrays)


def on_vectors(
    body: str, sources: Sequence[str], results: Sequence[str], arrays: Sequence[Array]
) -> list[Array]:
    """Apply `body`, which makes %r0... of %0..., to whole vectors; types are like `16xf32`."""
    kinds = [*sources, *results]
    arguments = ", ".join(f"%m{i}: memref<{kind}>" for i, kind in enumerate(kinds))
    lines = [f"func.func @k({arguments}) {{", "CONSTANTS"]
    for i, kind in enumerate(sources):
        lines.append(f"%{i} = vector.load %m{i}[%c0] : memref<{kind}>, vector<{kind}>")
    lines.append(body)
    for i, kind in enumerate(results):
        lines.append(f"vector.store %r{i}, %m{len(sources) + i}[%c0] : memref<{kind}>, vector<{kind}>")
    outputs = [np.zeros(int(kind.split("x")[0]), DTYPES[kind.split("x")[1]]) for kind in results]
    run("\n".join([*lines, "func.return", "}"]), [*arrays, *outputs])
    return outputs


def reduced(kind: str, vector: str, array: Array, tail: str = "") -> Array:
    """The result of a reduction of a whole vector."""
    element = vector.split("x")[1]
    body = f"%s = vector.reduction <{kind}>, %0{tail} : vector<{vector}> into {element}\n"
    body += f"%r0 = vector.broadcast %s : {element} to vector<1x{element}>"
    return on_vectors(body, [vector], [f"1x{element}"], [array])[0]


@pytest.mark.parametrize("element", ["i8", "i16", "i32", "i64"])
def test_integer_reductions(element: str) -> None:
    array = numbers(element, 3)[:16]
    wide = [int(x) for x in array]
    bits = 8 * array.dtype.itemsize
    unsigned = [x % 2**bits for x in wide]
    product = 1
    for x in wide:
        product *= x
    expected = {
        "add": sum(wide),
        "mul": product,
        "minsi": min(wide),
        "maxsi": max(wide),
        "minui": min(unsigned),
        "maxui": max(unsigned),
        "and": int(np.bitwise_and.reduce(array)),
        "or": int(np.bitwise_or.reduce(array)),
        "xor": int(np.bitwise_xor.reduce(array)),
    }
    for kind, value in expected.items():
        assert int(reduced(kind, f"16x{element}", array)[0]) % 2**bits == value % 2**bits, kind


def test_sum_is_taken_in_order_unless_the_op_allows_otherwise() -> None:
    array = np.array([1e8, 1.0, -1e8, 1.0, 3.0, 1e-3, 7.0], np.float32)
    total = np.float32(0)
    for x in array:
        total = np.float32(total + x)
    assert reduced("add", "7xf32", array)[0] == total
    low, high, last = array[:3], array[3:6], array[6]
    pairs = low + high
    by_halves = np.float32(np.float32(np.float32(pairs[0] + pairs[1]) + pairs[2]) + last)
    assert reduced("add", "7xf32", array, " fastmath<reassoc>")[0] == by_halves
    assert by_halves != total


def test_reduction_with_a_start_and_in_halves() -> None:
    array = np.arange(1, 9, dtype=np.float32)
    body = "%s0 = arith.constant 100.0 : f32\n%s = vector.reduction <mul>, %0, %s0 : vector<8xf32> into f32\n"
    (result,) = on_vectors(
        body + "%r0 = vector.broadcast %s : f32 to vector<1xf32>", ["8xf32"], ["1xf32"], [array]
    )
    assert result[0] == 4032000.0
    halves = np.array([1, 2, 3, 4, 5, 6, 7, 8], DTYPES["bf16"])
    assert reduced("add", "8xbf16", halves)[0] == 36
    for kind, expected in (("minnumf", 1), ("maxnumf", 8), ("minimumf", 1), ("maximumf", 8)):
        assert reduced(kind, "8xf16", halves.astype(np.float16))[0] == expected


def test_nan_in_reductions() -> None:
    array = np.array([3, np.nan, 1, 2], np.float32)
    assert np.isnan(reduced("maximumf", "4xf32", array)[0]) and np.isnan(
        reduced("minimumf", "4xf32", array)[0]
    )
    assert reduced("maxnumf", "4xf32", array)[0] == 3 and reduced("minnumf", "4xf32", array)[0] == 1


def test_vector_movement() -> None:
    a, b = np.arange(8, dtype=np.float32), 100 + np.arange(4, dtype=np.float32)
    body = """
    %r0 = vector.shuffle %0, %1 [0, 7, 8, 11, 3, 3] : vector<8xf32>, vector<4xf32>
    %x = vector.extract %0[5] : f32 from vector<8xf32>
    %r1 = vector.insert %x, %1 [2] : f32 into vector<4xf32>
    %r2 = vector.bitcast %1 : vector<4xf32> to vector<8xi16>
    %r3 = vector.shuffle %1, %0 [3, 4, 11, 0] : vector<4xf32>, vector<8xf32>
    %r4 = vector.broadcast %x : f32 to vector<5xf32>"""
    results = ["6xf32", "4xf32", "8xi16", "4xf32", "5xf32"]
    shuffled, inserted, cast, other, filled = on_vectors(body, ["8xf32", "4xf32"], results, [a, b])
    assert same(shuffled, np.array([0, 7, 100, 103, 3, 3], np.float32))
    assert same(inserted, np.array([100, 101, 5, 103], np.float32))
    assert same(cast, b.view(np.int16))
    assert same(other, np.array([103, 0, 7, 100], np.float32))
    assert same(filled, np.full(5, 5, np.float32))


def test_vector_fma_rounds_once() -> None:
    a = np.full(16, 1 + 2**-12, np.float32)
    (result,) = on_vectors(
        "%r0 = vector.fma %0, %0, %1 : vector<16xf32>", ["16xf32"] * 2, ["16xf32"], [a, -a * a]
    )
    assert (result == np.float32(2**-24)).all()


@pytest.mark.parametrize("element", ["f32", "f64", "f16", "bf16", "i1", "i8", "i32", "i64"])
@pytest.mark.parametrize("target_name", TARGETS)
def test_masked_access_touches_nothing_else(element: str, target_name: str) -> None:
    """Every length of a tail, at the end of the buffer."""
    text = f"""
    func.func @k(%a: memref<20x{element}>, %y: memref<20x{element}>, %n: memref<1xi64>) {{
      CONSTANTS
      %n64 = memref.load %n[%c0] : memref<1xi64>
      %len = arith.index_cast %n64 : i64 to index
      %m = vector.create_mask %len : vector<16xi1>
      %old = vector.load %y[%c0] : memref<20x{element}>, vector<16x{element}>
      %v = vector.maskedload %a[%c4], %m, %old
        : memref<20x{element}>, vector<16xi1>, vector<16x{element}> into vector<16x{element}>
      vector.maskedstore %y[%c4], %m, %v : memref<20x{element}>, vector<16xi1>, vector<16x{element}>
      func.return
    }}"""
    image = load_loops(text.replace("CONSTANTS", CONSTANTS), target_name)
    a = numbers(element, 1)[:20]
    for length in (-3, 0, 1, 5, 15, 16, 1000):
        y = np.zeros(20, DTYPES[element])
        call(image, "k", [a, y, np.array([length])])
        expected = np.zeros(20, DTYPES[element])
        tail = min(max(length, 0), 16)
        expected[4 : 4 + tail] = a[4 : 4 + tail]
        assert same(y, expected), length


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
      %s = memref.expand_shape %stack [[0, 1], [2]] output_shape [2, 3, 4] : memref<6x4xf32> into memref<2x3x4xf32>
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
    """A bound known only at run time, constant loops that run never, once and often, values carried through."""
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
    printed = str(lowered(text.replace("CONSTANTS", CONSTANTS)))
    assert 'nest.nodes = ["Add_1"]' in printed and "llvm.noalias" in printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("func.func @k(%x: f32) -> f32 { func.return %x : f32 }", "has results"),
        ("func.func @k(%x: memref<?xf32>) { func.return }", "static and row-major"),
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
