"""The arithmetic, bytes and loops of kernels, against what is counted by hand."""

import pytest
from xdsl.dialects import func
from xdsl.parser import Parser

from penstock.extensions import extended
from penstock.kernel_work import bytes_of, flops_of, loops_of


def kernel(arguments: str, *nests: str) -> func.FuncOp:
    """A function of some nests."""
    text = f"func.func @k({arguments}) {{\n{' '.join(nests)}\nfunc.return\n}}"
    module = Parser(extended().context(), text).parse_module()
    return next(op for op in module.walk() if isinstance(op, func.FuncOp))


MATRICES = "%a: memref<4x8xf32>, %b: memref<8x6xf32>, %bias: memref<6xf32>, %y: memref<4x6xf32>"
PRODUCT = """
nest.compute [m = 4, n = 6, k = 8 reduce] ins(%a["m, k"] : memref<4x8xf32>, %b["k, n"] : memref<8x6xf32>)
  with(%bias["n"] : memref<6xf32>) outs(%y["m, n"] : memref<4x6xf32>) init(0.0 : f32) {
^bb0(%0: f32, %1: f32, %2: f32):
  %3 = math.fma %0, %1, %2 : f32
  nest.yield %3 : f32
} {
^bb0(%4: f32, %5: f32):
  %6 = arith.addf %4, %5 : f32
  %7 = arith.constant 0.0 : f32
  %8 = arith.cmpf olt, %6, %7 : f32
  %9 = arith.select %8, %7, %6 : f32
  nest.yield %9 : f32
}"""


def test_a_product_with_its_epilogue() -> None:
    product = kernel(MATRICES, PRODUCT)
    assert flops_of(product) == 2 * 4 * 6 * 8 + 4 * 6
    assert bytes_of(product) == 4 * (4 * 8 + 8 * 6 + 6 + 4 * 6)
    assert loops_of(product) == "m=4 n=6 k=8+"


def copy(loops: str, read: str, write: str, source: str, result: str) -> str:
    """A nest that copies."""
    return f"""nest.compute [{loops}] ins(%a{read} : {source}) outs(%y{write} : {result}) {{
^bb0(%0: f32):
  nest.yield %0 : f32
}}"""


ROW = "memref<16xf32>"
TWO_ROWS = f"%a: {ROW}, %y: {ROW}"


@pytest.mark.parametrize(
    "loops, read, write, elements",
    [
        ("i = 16", '["i"]', '["i"]', 16 + 16),
        ("i = 8", '["2*i"]', '["i"]', 8 + 8),
        ("i = 4, k = 4", '["i + k"]', '["4*i + k"]', 7 + 16),
        ("i = 16", '["i - 3"] else 0.0 : f32', '["i"]', 13 + 16),
        ("i = 16, j = 3", '["5"]', '["i"]', 1 + 16),
        ("i = 4, k = 4", '["15 - 4*i - k"]', '["4*i + k"]', 16 + 16),
        ("i = 2, j = 2, k = 2", '["8*i + 2*j + k"]', '["4*i + 2*j + k"]', 8 + 8),
        ("i = 3, j = 2", '["5*i + 3*j"]', '["2*i + j"]', 6 + 6),
        ("i = 0", '["i"]', '["i"]', 0),
    ],
    ids=[
        "all",
        "stride",
        "overlap",
        "outside",
        "again and again",
        "backwards",
        "with gaps",
        "with odd gaps",
        "nothing",
    ],
)
def test_elements_are_counted_once(loops: str, read: str, write: str, elements: int) -> None:
    copied = kernel(TWO_ROWS, copy(loops, read, write, ROW, ROW))
    assert bytes_of(copied) == 4 * elements and flops_of(copied) == 0


def test_pieces_of_a_nest_share_what_they_read() -> None:
    pieces = [copy("i = 8, k = 2", f'["i + k + {at}"]', f'["i + {at}"]', ROW, ROW) for at in (0, 7)]
    assert bytes_of(kernel(TWO_ROWS, *pieces)) == 4 * (16 + 15)


def test_reshaped_buffers_are_one_buffer() -> None:
    square = "memref<4x4xf32>"
    expanded = f"%s = memref.expand_shape %a [[0, 1]] output_shape [4, 4] : {ROW} into {square}"
    nests = [
        copy("i = 16", '["i"]', '["i"]', ROW, ROW),
        copy("i = 4, j = 4", '["j, i"]', '["4*i + j"]', square, ROW).replace("%a", "%s"),
    ]
    assert bytes_of(kernel(TWO_ROWS, expanded, *nests)) == 4 * (16 + 16)


def test_a_computed_index_reaches_as_much_as_it_is_read() -> None:
    gather = """nest.compute [i = 3] ins(%n["i"] : memref<3xi64>) outs(%y["i"] : memref<3xf32>) {
^bb0(%0: i64):
  %1 = arith.index_cast %0 : i64 to index
  %2 = memref.load %a[%1] : memref<100xf32>
  nest.yield %2 : f32
}"""
    arguments = "%a: memref<100xf32>, %n: memref<3xi64>, %y: memref<3xf32>"
    assert bytes_of(kernel(arguments, gather)) == 4 * 3 + 8 * 3 + 4 * 3


def test_conversions_and_integers_are_no_arithmetic() -> None:
    nest = """nest.compute [i = 4] ins(%a["i"] : memref<4xi32>) outs(%y["i"] : memref<4xf32>) {
^bb0(%0: i32):
  %1 = arith.addi %0, %0 : i32
  %2 = arith.sitofp %1 : i32 to f32
  %3 = math.exp %2 : f32
  %4 = arith.divf %3, %2 : f32
  nest.yield %4 : f32
}"""
    assert flops_of(kernel("%a: memref<4xi32>, %y: memref<4xf32>", nest)) == 4 * 2


def test_loops_in_short_name_marks_and_the_largest_nest() -> None:
    loops = "t = 4 thread, i = 1, u = 2 unroll, k = 3 reduce, l = 2 vector 8"
    access = '["4*t + 2*u + l + i + k - 3"] else 0.0 : f32'
    small = copy("i = 2", '["i"]', '["i"]', ROW, ROW)
    large = f"""nest.compute [{loops}]
  ins(%a{access} : {ROW}) outs(%y["4*t + 2*u + l"] : {ROW}) init(0.0 : f32) {{
^bb0(%0: f32, %1: f32):
  %2 = arith.addf %0, %1 : f32
  nest.yield %2 : f32
}} {{
^bb0(%3: f32):
  nest.yield %3 : f32
}}"""
    assert loops_of(kernel(TWO_ROWS, small, large)) == "t=4t u=2u k=3+ l=2v8 (and 1 more)"
    assert loops_of(kernel(TWO_ROWS, copy("i = 1", '["i"]', '["i"]', ROW, ROW))) == "no loops"
    assert loops_of(kernel(TWO_ROWS)) == ""
