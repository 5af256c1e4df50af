"""The nest interpreter against NumPy, and its checks against planted bugs."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.dialects.math import Math
from xdsl.dialects.memref import MemRef
from xdsl.parser import Parser

from penstock.backends.nest_interpreter import run_nests
from penstock.backends.nests import space
from penstock.dialects.arith_ext import ARITH
from penstock.dialects.nest import Nest

Array = NDArray[np.generic]

RNG = np.random.default_rng(7)


def parse(text: str, verify: bool = True) -> ModuleOp:
    context = Context()
    for dialect in (Builtin, Func, ARITH, Math, MemRef, Nest):
        context.load_dialect(dialect)
    module = Parser(context, text).parse_module()
    if verify:
        module.verify()
    return module


def floats(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape).astype(np.float32)


def close(got: Array, wanted: Array) -> None:
    """Equal up to a few roundings."""
    np.testing.assert_allclose(got.astype(np.float64), wanted.astype(np.float64), rtol=1e-5, atol=1e-6)


CONVOLUTION = """
func.func @main(
  %x: memref<2x5x6x3xf32>, %w: memref<4x3x3x3xf32>, %b: memref<4xf32>, %y: memref<2x5x6x4xf32>
) {
  nest.compute [n = 2, oh = 5, ow = 6, oc = 4, kh = 3 reduce, kw = 3 reduce, ic = 3 reduce]
    ins(%x["n, oh + kh - 1, ow + kw - 1, ic"] else 0.0 : f32 : memref<2x5x6x3xf32>,
        %w["oc, ic, kh, kw"] : memref<4x3x3x3xf32>)
    with(%b["oc"] : memref<4xf32>) outs(%y["n, oh, ow, oc"] : memref<2x5x6x4xf32>) init(0.0 : f32) {
  ^body(%a: f32, %k: f32, %sum: f32):
    %p = arith.mulf %a, %k : f32
    %s = arith.addf %sum, %p : f32
    nest.yield %s : f32
  } {
  ^epilogue(%sum: f32, %bias: f32):
    %r = arith.addf %sum, %bias : f32
    nest.yield %r : f32
  }
  func.return
}
"""


@pytest.mark.parametrize("limit", [1 << 22, 100, 7])
def test_convolution_in_boxes_of_any_size(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "LIMIT", limit)
    x, w, b, y = floats(2, 5, 6, 3), floats(4, 3, 3, 3), floats(4), floats(2, 5, 6, 4)
    run_nests(parse(CONVOLUTION), "main", [x, w, b, y])
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    close(y, np.einsum("nhwcij,ocij->nhwo", windows, w) + b)


def reduce_text(body: str, init: str, kinds: str, element: str = "f32") -> str:
    accumulators = ", ".join(f"%acc{i} : {kind}" for i, kind in enumerate(kinds.split()))
    outs = ", ".join(f"%y{i}" for i in range(len(kinds.split())))
    arguments = "".join(f", %y{i} : memref<4x{kind}>" for i, kind in enumerate(kinds.split()))
    writes = ", ".join(f'%y{i}["i"] : memref<4x{kind}>' for i, kind in enumerate(kinds.split()))
    return f"""func.func @main(%x: memref<4x9x{element}>{arguments}) {{
      nest.compute [i = 4, j = 9 reduce] ins(%x["i, j"] : memref<4x9x{element}>)
        outs({writes}) init({init}) {{
      ^body(%a: {element}, {accumulators}): {body}
      }} {{
      ^epilogue({accumulators}):
        nest.yield {outs.replace("y", "acc")} : {", ".join(kinds.split())}
      }}
      func.return
    }}"""


def fold_text(op: str, start: str, element: str) -> str:
    body = f"%r = {op} %acc0, %a : {element} nest.yield %r : {element}"
    return reduce_text(body, start if element == "i1" else f"{start} : {element}", element, element)


@pytest.mark.parametrize("limit", [1 << 22, 5])
@pytest.mark.parametrize(
    ("op", "start", "ufunc"),
    [
        ("arith.addf", "2.0", np.add),
        ("arith.mulf", "1.0", np.multiply),
        ("arith.maximumf", "-1.0", np.maximum),
        ("arith.minimumf", "1.0", np.minimum),
    ],
)
def test_folds_of_floats(
    op: str, start: str, ufunc: np.ufunc, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "LIMIT", limit)
    x, y = floats(4, 9), floats(4)
    run_nests(parse(fold_text(op, start, "f32")), "main", [x, y])
    close(y, ufunc.reduce(x, axis=1, initial=float(start)))


@pytest.mark.parametrize(
    ("op", "start", "ufunc", "element"),
    [
        ("arith.addi", "3", np.add, "i8"),
        ("arith.muli", "3", np.multiply, "i16"),
        ("arith.maxsi", "-5", np.maximum, "i32"),
        ("arith.minsi", "5", np.minimum, "i64"),
        ("arith.andi", "-1", np.bitwise_and, "i8"),
        ("arith.ori", "1", np.bitwise_or, "i8"),
    ],
)
def test_folds_of_integers_wrap(op: str, start: str, ufunc: np.ufunc, element: str) -> None:
    dtype = np.dtype(element.replace("i", "int"))
    x, y = RNG.integers(-100, 100, (4, 9)).astype(dtype), np.zeros(4, dtype)
    run_nests(parse(fold_text(op, start, element)), "main", [x, y])
    wanted = ufunc(ufunc.reduce(x, axis=1, dtype=dtype), np.asarray(int(start), dtype))
    np.testing.assert_array_equal(y, wanted)


def test_unsigned_extremes_take_arrays_of_unsigned_numbers() -> None:
    x, y = RNG.integers(0, 255, (4, 9), np.uint8), np.zeros(4, np.uint8)
    run_nests(parse(fold_text("arith.maxui", "0", "i8")), "main", [x, y])
    np.testing.assert_array_equal(y, x.max(1))


@pytest.mark.parametrize(("op", "ufunc"), [("arith.andi", np.all), ("arith.ori", np.any)])
def test_folds_of_truths(op: str, ufunc: Callable[..., Array]) -> None:
    x, y = RNG.random((4, 9)) < 0.8, np.zeros(4, np.bool_)
    run_nests(parse(fold_text(op, "true" if op == "arith.andi" else "false", "i1")), "main", [x, y])
    np.testing.assert_array_equal(y, ufunc(x, axis=1))


def test_accumulators_that_depend_on_each_other_run_in_order() -> None:
    body = """%at = nest.apply <2, "i1">
      %j = arith.index_cast %at : index to i64
      %more = arith.cmpf ogt, %a, %acc0 : f32
      %best = arith.select %more, %a, %acc0 : f32
      %where = arith.select %more, %j, %acc1 : i64
      nest.yield %best, %where : f32, i64"""
    x, best, where = floats(4, 9), floats(4), np.zeros(4, np.int64)
    x[1, 3] = x[1, 7] = 9.0
    module = parse(reduce_text(body, "0xFF800000 : f32, 0 : i64", "f32 i64"))
    run_nests(module, "main", [x, best, where])
    np.testing.assert_array_equal(best, x.max(1))
    np.testing.assert_array_equal(where, x.argmax(1))


def test_a_partial_result_used_in_the_body_is_no_plain_fold() -> None:
    body = """%s = arith.addf %acc0, %a : f32
      %t = arith.addf %acc1, %s : f32
      nest.yield %s, %t : f32, f32"""
    x, total, sums = floats(4, 9), floats(4), floats(4)
    run_nests(parse(reduce_text(body, "0.0 : f32, 0.0 : f32", "f32 f32")), "main", [x, total, sums])
    close(total, x.sum(1))
    close(sums, x.cumsum(1).sum(1))


def test_a_reduction_over_nothing_gives_the_initial_value() -> None:
    text = fold_text("arith.addf", "2.0", "f32").replace("4x9", "4x0").replace("j = 9", "j = 0")
    y = floats(4)
    run_nests(parse(text), "main", [np.zeros((4, 0), np.float32), y])
    np.testing.assert_array_equal(y, np.full(4, 2.0, np.float32))


def test_integer_sums_of_products_are_exact_beyond_double_precision() -> None:
    text = (
        CONVOLUTION.replace("f32", "i64").replace("0.0", "0").replace("mulf", "muli").replace("addf", "addi")
    )
    x, w = (RNG.integers(-(2**60), 2**60, s) for s in ((2, 5, 6, 3), (4, 3, 3, 3)))
    b, y = np.arange(4), np.zeros((2, 5, 6, 4), np.int64)
    run_nests(parse(text), "main", [x, w, b, y])
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]), (3, 3), (1, 2)
    )
    np.testing.assert_array_equal(y, np.einsum("nhwcij,ocij->nhwo", windows, w) + b)


def test_factors_that_skip_reduction_loops_are_summed_and_counted() -> None:
    text = """func.func @main(%a: memref<2x3xf32>, %b: memref<4x2xf32>, %y: memref<2x4xf32>) {
      nest.compute [i = 2, j = 4, k = 3 reduce, l = 5 reduce]
        ins(%a["i, k"] : memref<2x3xf32>, %b["j, i"] : memref<4x2xf32>)
        outs(%y["i, j"] : memref<2x4xf32>) init(1.0 : f32) {
      ^body(%x: f32, %z: f32, %s: f32):
        %r = math.fma %x, %z, %s : f32
        nest.yield %r : f32
      } {
      ^epilogue(%s: f32): nest.yield %s : f32
      }
      func.return
    }"""
    a, b, y = floats(2, 3), floats(4, 2), floats(2, 4)
    run_nests(parse(text), "main", [a, b, y])
    close(y, 1 + 5 * a.sum(1)[:, None] * b.T)


def map_text(body: str, loops: str = "i = 4", buffers: str = "%x: memref<4xf32>", reads: str = "") -> str:
    return f"func.func @main({buffers}) {{ nest.compute [{loops}] {reads} {{ {body} }} func.return }}"


SCATTER = """
  %at = nest.apply <1, "i0">
  %j = memref.load %p[%at] : memref<5xindex>
  %u = memref.load %x[%at] : memref<5xf32>
  %old = memref.load %y[%j] : memref<3xf32>
  %new = arith.addf %old, %u : f32
  memref.store %new, %y[%j] : memref<3xf32>
"""


def test_stores_of_a_reduction_loop_happen_in_order() -> None:
    text = f"""func.func @main(%p: memref<5xindex>, %x: memref<5xf32>, %y: memref<3xf32>) {{
      nest.compute [i = 5 reduce] init(false) {{ ^b(%order : i1): {SCATTER} nest.yield %order : i1 }}
        {{ ^e(%order : i1): nest.yield }}
      func.return
    }}"""
    positions, x, y = np.array([2, 0, 2, 2, 0]), floats(5), np.zeros(3, np.float32)
    wanted = y.copy()
    np.add.at(wanted, positions, x)
    run_nests(parse(text), "main", [positions, x, y])
    close(y, wanted)


def test_parallel_iterations_must_not_store_to_one_element() -> None:
    text = map_text(
        SCATTER + "nest.yield", "i = 5", "%p: memref<5xindex>, %x: memref<5xf32>, %y: memref<3xf32>"
    )
    arrays = [np.array([2, 0, 2, 2, 0]), floats(5), floats(3)]
    with pytest.raises(ValueError, match=r"nest.compute \[i = 5\]: .*store to the same element"):
        run_nests(parse(text), "main", arrays)


@pytest.mark.parametrize("position", [-1, 3])
def test_a_computed_position_outside_of_the_buffer_names_the_nest(position: int) -> None:
    text = map_text(
        SCATTER + "nest.yield", "i = 5", "%p: memref<5xindex>, %x: memref<5xf32>, %y: memref<3xf32>"
    )
    arrays = [np.array([0, 1, 2, position, 0]), floats(5), floats(3)]
    with pytest.raises(
        IndexError, match=rf"nest.compute \[i = 5\]: a load at .*{position}.* outside \[0, 2\]"
    ):
        run_nests(parse(text), "main", arrays)


COPY = "^b(%a: f32): nest.yield %a : f32"


@pytest.mark.parametrize("read", ["i + 1", "i - 1", "2*i"])
def test_a_read_outside_of_the_buffer_without_a_value_is_an_error(read: str) -> None:
    reads = f'ins(%x["{read}"] : memref<4xf32>) outs(%y["i"] : memref<4xf32>)'
    module = parse(map_text(COPY, buffers="%x: memref<4xf32>, %y: memref<4xf32>", reads=reads), verify=False)
    with pytest.raises(IndexError, match="a read of memref<4xf32>"):
        run_nests(module, "main", [floats(4), floats(4)])


def test_a_write_outside_of_the_buffer_is_an_error() -> None:
    reads = 'ins(%x["i"] : memref<4xf32>) outs(%y["i + 1"] : memref<4xf32>)'
    module = parse(map_text(COPY, buffers="%x: memref<4xf32>, %y: memref<4xf32>", reads=reads), verify=False)
    with pytest.raises(IndexError, match="a write to memref<4xf32>"):
        run_nests(module, "main", [floats(4), floats(4)])


@pytest.mark.parametrize(
    ("write", "fits"), [("i + j", False), ("i", False), ("2*i + j", True), ("j - 2*i + 6", True)]
)
def test_parallel_iterations_must_not_write_one_element(write: str, fits: bool) -> None:
    reads = f'ins(%x["i"] : memref<4xf32>) outs(%y["{write}"] : memref<9xf32>)'
    module = parse(map_text(COPY, "i = 4, j = 2", "%x: memref<4xf32>, %y: memref<9xf32>", reads))
    x, y = floats(4), floats(9)
    if fits:
        run_nests(module, "main", [x, y])
        np.testing.assert_array_equal(np.sort(y[:8]), np.sort(np.repeat(x, 2)))
        return
    with pytest.raises(ValueError, match="write the same element"):
        run_nests(module, "main", [x, y])


@pytest.mark.parametrize(
    ("read", "fits"), [("i", True), ("i + 4", True), ("3 - i", False), ("0", False), ("i + 3", False)]
)
def test_parallel_iterations_must_not_read_what_others_write(read: str, fits: bool) -> None:
    reads = f'ins(%x["{read}"] : memref<8xf32>) outs(%x["i"] : memref<8xf32>)'
    module = parse(map_text(COPY, buffers="%x: memref<8xf32>", reads=reads))
    if fits:
        run_nests(module, "main", [floats(8)])
        return
    with pytest.raises(ValueError, match="that others write"):
        run_nests(module, "main", [floats(8)])


@pytest.mark.parametrize(
    ("read", "wanted"),
    [("2*i - 3", [7, 7, 1, 3]), ("-i + 1", [1, 0, 7, 7]), ("i + 9", [7] * 4), ("i - 9", [7] * 4)],
)
def test_reads_outside_of_the_buffer_give_their_value(read: str, wanted: Sequence[int]) -> None:
    reads = f'ins(%x["{read}"] else 7.0 : f32 : memref<5xf32>) outs(%y["i"] : memref<4xf32>)'
    module = parse(map_text(COPY, buffers="%x: memref<5xf32>, %y: memref<4xf32>", reads=reads))
    y = floats(4)
    run_nests(module, "main", [np.arange(5, dtype=np.float32), y])
    np.testing.assert_array_equal(y, wanted)


def test_main_calls_kernels_on_views_of_an_arena() -> None:
    text = """
    func.func @double(%x: memref<2x3xf32>, %y: memref<2x3xf32>) {
      nest.compute [i = 2, j = 3] ins(%x["i, j"] : memref<2x3xf32>) outs(%y["i, j"] : memref<2x3xf32>) {
      ^b(%a: f32): %r = arith.addf %a, %a : f32 nest.yield %r : f32
      }
      func.return
    }
    func.func @main(%x: memref<2x3xf32>, %y: memref<2x3xf32>, %arena: memref<64xi8>) {
      %at = arith.constant 32 : index
      %t = memref.view %arena[%at][] : memref<64xi8> to memref<2x3xf32>
      func.call @double(%x, %t) : (memref<2x3xf32>, memref<2x3xf32>) -> ()
      func.call @double(%t, %y) : (memref<2x3xf32>, memref<2x3xf32>) -> ()
      func.return
    }"""
    x, y, arena = floats(2, 3), floats(2, 3), np.zeros(64, np.int8)
    run_nests(parse(text), "main", [x, y, arena])
    np.testing.assert_array_equal(y, 4 * x)
    np.testing.assert_array_equal(arena[32:56].view(np.float32), (2 * x).ravel())
    with pytest.raises(IndexError, match="arena of 64"):
        run_nests(parse(text.replace("constant 32", "constant 48")), "main", [x, y, arena])


def test_memory_that_was_never_written_shows() -> None:
    reads = 'ins(%t["i"] : memref<4xf32>) outs(%y["i"] : memref<4xf32>)'
    text = map_text(COPY, buffers="%y: memref<4xf32>", reads=reads)
    text = text.replace("{ nest", "{ %t = memref.alloc() : memref<4xf32> nest", 1)
    y = floats(4)
    run_nests(parse(text), "main", [y])
    assert np.isnan(y).all()


def test_wrong_arguments_are_refused() -> None:
    module = parse(CONVOLUTION)
    good = [floats(2, 5, 6, 3), floats(4, 3, 3, 3), floats(4), floats(2, 5, 6, 4)]
    with pytest.raises(KeyError, match="no function @other"):
        run_nests(module, "other", good)
    with pytest.raises(ValueError, match="takes 4 arguments, not 3"):
        run_nests(module, "main", good[:3])
    with pytest.raises(ValueError, match="argument 2 is memref<4xf32>"):
        run_nests(module, "main", [*good[:2], floats(5), good[3]])
    with pytest.raises(ValueError, match="not contiguous"):
        run_nests(module, "main", [*good[:2], floats(8)[::2], good[3]])
    with pytest.raises(ValueError, match="float64 is no buffer of f32"):
        run_nests(module, "main", [*good[:2], np.zeros(4), good[3]])


def test_division_by_zero_is_an_error() -> None:
    body = "^b(%a: i32): %r = arith.divsi %a, %a : i32 nest.yield %r : i32"
    reads = 'ins(%x["i"] : memref<4xi32>) outs(%y["i"] : memref<4xi32>)'
    text = map_text(body, buffers="%x: memref<4xi32>, %y: memref<4xi32>", reads=reads)
    with pytest.raises(ZeroDivisionError, match="nest.compute"):
        run_nests(parse(text), "main", [np.arange(4, dtype=np.int32), np.zeros(4, np.int32)])


WALK = """
func.func @main(%x: memref<8x8xf32>, %y: memref<8x8xf32>) {
  %t = memref.alloc() : memref<8x8xf32>
  nest.compute [h = 8, i = 8] ins(%x["h, i"] : memref<8x8xf32>) outs(%t["h, i"] : memref<8x8xf32>)
    attributes {together = "h"} {
  ^b(%a: f32): %r = arith.addf %a, %a : f32 nest.yield %r : f32
  }
  nest.compute [h = 8, i = 8] ins(%t["READ"] else 0.0 : f32 : memref<8x8xf32>)
    outs(%y["h, i"] : memref<8x8xf32>) attributes {together = "h"} {
  ^b(%a: f32): %r = arith.addf %a, %a : f32 nest.yield %r : f32
  }
  func.return
}"""


def test_nests_walk_a_loop_together() -> None:
    x, y = floats(8, 8), floats(8, 8)
    run_nests(parse(WALK.replace("READ", "h, i")), "main", [x, y])
    np.testing.assert_array_equal(y, 4 * x)


@pytest.mark.parametrize("read", ["h + 1, i", "h - 1, i"])
def test_what_another_iteration_makes_is_not_there(read: str) -> None:
    x, y = floats(8, 8), floats(8, 8)
    run_nests(parse(WALK.replace("READ", read)), "main", [x, y])
    assert np.isnan(y).any()
