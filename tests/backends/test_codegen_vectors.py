"""Movement, masks and reductions of vectors of the loops level, compiled and run against NumPy."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.backends.codegen_kit import DTYPES, Array, call, load_loops, numbers, run, same

TARGETS = ("x86-64-v3", "x86-64-v4")


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
    image = load_loops(text, target_name)
    a = numbers(element, 1)[:20]
    for length in (-3, 0, 1, 5, 15, 16, 1000):
        y = np.zeros(20, DTYPES[element])
        call(image, "k", [a, y, np.array([length])])
        expected = np.zeros(20, DTYPES[element])
        tail = min(max(length, 0), 16)
        expected[4 : 4 + tail] = a[4 : 4 + tail]
        assert same(y, expected), length
