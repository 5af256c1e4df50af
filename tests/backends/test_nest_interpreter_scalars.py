"""Every scalar op of the nest interpreter on special values, against the loops interpreter."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.dialects.math import Math
from xdsl.dialects.memref import MemRef
from xdsl.parser import Parser

from penstock.backends.loops_interpreter import run_loops
from penstock.backends.nest_interpreter import run_nests
from penstock.backends.nests.scalars import MEANINGS
from penstock.dialects.arith_ext import ARITH
from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.nest import Nest
from penstock.passes.lowering.nest_to_loops import LowerNestToLoops

Array = NDArray[np.generic]

RNG = np.random.default_rng(7)


def parse(text: str) -> ModuleOp:
    context = Context()
    for dialect in (Builtin, Func, ARITH, Math, MemRef, Nest):
        context.load_dialect(dialect)
    module = Parser(context, text).parse_module()
    module.verify()
    return module


INTEGERS = [-128, -127, -77, -2, -1, 0, 1, 2, 3, 5, 64, 127]
REALS = [-np.inf, -300.5, -2.5, -1.0, -0.5, -0.0, 0.0, 1e-30, 0.3, 0.5, 1.0, 1.5, 2.5, 100.0, np.inf, np.nan]
NONZERO = {"divsi", "divui", "remsi", "remui", "floordivsi", "ceildivsi", "ceildivui"}
ROUNDINGS = {"ceil", "floor", "trunc", "round", "roundeven"}
BITS = {"absi", "ctpop", "ctlz", "cttz"}
EXPONENTIALS = {"exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "rsqrt", "erf"}
ANGLES = {f"{a}{name}{h}" for a in ("", "a") for name in ("sin", "cos", "tan") for h in ("", "h")}
UNARY = {"negf", "absf"} | ROUNDINGS | BITS | EXPONENTIALS | ANGLES
SHIFTS = {"shli", "shrui", "shrsi"}
BINARY = {"addi", "subi", "muli", "minsi", "maxsi", "minui", "maxui", "ipowi", "andi", "ori", "xori"}
INTEGER_OPS = BITS | SHIFTS | BINARY | NONZERO
# One bit cannot be shifted, and as a signed number it is 0 or -1.
NOT_OF_BITS = SHIFTS | {"ipowi", "divsi", "remsi", "floordivsi", "ceildivsi"}
CASTS = {"select", "bitcast", "fma", "fpowi", "cmpi", "cmpf"}


def pairs(values: Sequence[float], dtype: np.dtype[np.generic]) -> tuple[Array, Array]:
    a, b = np.meshgrid(np.array(values), np.array(values))
    with np.errstate(all="ignore"):
        return a.ravel().astype(dtype), b.ravel().astype(dtype)


def same_at_both_levels(body: str, sources: Sequence[Array], kinds: Sequence[str], target: str) -> None:
    """Run `body`, which computes %r from %v0, %v1.., in both interpreters; NaN equals NaN."""
    count = sources[0].size
    reads = ", ".join(f'%m{i}["i"] : memref<{count}x{kind}>' for i, kind in enumerate(kinds))
    buffers = ", ".join(f"%m{i}: memref<{count}x{kind}>" for i, kind in enumerate([*kinds, target]))
    arguments = ", ".join(f"%v{i}: {kind}" for i, kind in enumerate(kinds))
    text = f"""func.func @main({buffers}) {{
      nest.compute [i = {count}] ins({reads}) outs(%m{len(kinds)}["i"] : memref<{count}x{target}>) {{
      ^b({arguments}): {body} nest.yield %r : {target}
      }}
      func.return
    }}"""
    dtype = numpy_dtype(Parser(Context(), target).parse_type())
    nests, loops = np.zeros(count, dtype), np.zeros(count, dtype)
    run_nests(parse(text), "main", [*sources, nests])
    module = parse(text)
    LowerNestToLoops().apply(Context(), module)
    run_loops(module, "main", [*sources, loops])
    with np.errstate(all="ignore"):
        # NumPy compares bfloat16 with NaN only after it is widened.
        got, wanted = (x if dtype.kind in "biu" else x.astype(np.float64) for x in (nests, loops))
    np.testing.assert_array_equal(got, wanted, body)


@pytest.mark.parametrize(
    ("name", "element"),
    [
        (n, e)
        for n in sorted(INTEGER_OPS)
        for e in ("i1", "i8", "i32", "i64")
        if e != "i1" or n not in NOT_OF_BITS
    ],
)
def test_integer_ops(name: str, element: str) -> None:
    dialect = "math" if f"math.{name}" in MEANINGS else "arith"
    values = [0, 1] if element == "i1" else INTEGERS
    a, b = pairs(values, numpy_dtype(Parser(Context(), element).parse_type()))
    first, second = a.astype(np.int64), b.astype(np.int64)
    kept = np.full(a.size, True)
    if name in SHIFTS:
        kept = (second >= 0) & (second < 8)
    if name in NONZERO:
        kept = (second != 0) & (first != -128)
    if name == "ipowi":
        kept = (first != 0) | (second >= 0)
    a, b = a[kept], b[kept]
    operands = "%v0" if name in UNARY else "%v0, %v1"
    same_at_both_levels(f"%r = {dialect}.{name} {operands} : {element}", [a, b], [element] * 2, element)


FLOAT_OPS = sorted(
    name
    for name in MEANINGS
    if name.split(".")[1] not in INTEGER_OPS | CASTS
    and not name.split(".")[1].startswith(("ext", "trunci", "truncf", "index", "sito", "uito", "fpto"))
)


@pytest.mark.parametrize("element", ["f16", "bf16", "f32", "f64"])
@pytest.mark.parametrize("name", FLOAT_OPS)
def test_float_ops(name: str, element: str) -> None:
    a, b = pairs(REALS, numpy_dtype(Parser(Context(), element).parse_type()))
    if name == "math.powf":
        # NumPy's scalar power takes the square root here, which is NaN; IEEE 754 says infinity.
        a, b = a[(a != -np.inf) | (b != 0.5)], b[(a != -np.inf) | (b != 0.5)]
    operands = "%v0" if name.split(".")[1] in UNARY else "%v0, %v1"
    same_at_both_levels(f"%r = {name} {operands} : {element}", [a, b], [element] * 2, element)


@pytest.mark.parametrize("element", ["f32", "f64", "bf16"])
def test_fma_rounds_once(element: str) -> None:
    dtype = numpy_dtype(Parser(Context(), element).parse_type())
    a, b, c = (RNG.standard_normal(50).astype(dtype) for _ in range(3))
    same_at_both_levels(f"%r = math.fma %v0, %v1, %v2 : {element}", [a, b, c], [element] * 3, element)


@pytest.mark.parametrize("how", ["eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"])
@pytest.mark.parametrize("element", ["i1", "i8", "i64"])
def test_integer_comparisons(how: str, element: str) -> None:
    values = [0, 1] if element == "i1" else INTEGERS
    a, b = pairs(values, numpy_dtype(Parser(Context(), element).parse_type()))
    same_at_both_levels(f"%r = arith.cmpi {how}, %v0, %v1 : {element}", [a, b], [element] * 2, "i1")


ORDERINGS = "false oeq ogt oge olt ole one ord ueq ugt uge ult ule une uno true"


@pytest.mark.parametrize("how", ORDERINGS.split())
def test_float_comparisons(how: str) -> None:
    a, b = pairs(REALS, np.dtype(np.float32))
    same_at_both_levels(f"%r = arith.cmpf {how}, %v0, %v1 : f32", [a, b], ["f32"] * 2, "i1")


@pytest.mark.parametrize(
    ("op", "source", "target"),
    [
        *(("extsi", a, b) for a, b in (("i1", "i8"), ("i8", "i32"), ("i32", "i64"))),
        *(("extui", a, b) for a, b in (("i1", "i8"), ("i8", "i32"), ("i32", "i64"))),
        *(("trunci", a, b) for a, b in (("i8", "i1"), ("i64", "i8"), ("i32", "i16"))),
        *(
            (op, a, b)
            for op in ("sitofp", "uitofp")
            for a in ("i1", "i8", "i64")
            for b in ("f32", "bf16", "f64")
        ),
        *((op, a, b) for op in ("fptosi", "fptoui") for a in ("f32", "f64") for b in ("i8", "i32", "i64")),
        *(("extf", a, b) for a, b in (("f16", "f32"), ("bf16", "f32"), ("f32", "f64"))),
        *(("truncf", a, b) for a, b in (("f32", "f16"), ("f32", "bf16"), ("f64", "f32"))),
        *(("bitcast", a, b) for a, b in (("f32", "i32"), ("i64", "f64"), ("i16", "bf16"))),
    ],
)
def test_conversions(op: str, source: str, target: str) -> None:
    values = [0, 1] if source == "i1" else INTEGERS if source.startswith("i") else REALS
    dtype = numpy_dtype(Parser(Context(), source).parse_type())
    with np.errstate(all="ignore"):
        a = np.array(values).astype(dtype)
    same_at_both_levels(f"%r = arith.{op} %v0 : {source} to {target}", [a], [source], target)
