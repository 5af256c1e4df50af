"""Each op of the loops interpreter against exact arithmetic on Python's own ints and fractions."""

import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.dialects.math import Math
from xdsl.dialects.memref import MemRef
from xdsl.dialects.scf import Scf
from xdsl.dialects.vector import Vector
from xdsl.parser import Parser

from penstock.backends.loops_interpreter import run_loops
from penstock.dialects.arith_ext import ARITH
from penstock.dialects.element_types import numpy_dtype

Array = NDArray[np.generic]


def parse(text: str) -> ModuleOp:
    context = Context()
    for dialect in (Builtin, Func, ARITH, Math, MemRef, Scf, Vector):
        context.load_dialect(dialect)
    return Parser(context, text).parse_module()


def dtype_of(name: str) -> np.dtype[np.generic]:
    element = Parser(Context(), name).parse_type()
    return numpy_dtype(element)


def kernel(body: str, sources: Sequence[str], target: str, lanes: int, vector: bool) -> str:
    """A function that applies `body`, which makes %r of type R from %0.. of types T0.., to whole buffers."""
    names = ", ".join(f"%m{i}: memref<{lanes}x{source}>" for i, source in enumerate(sources))
    lines = [f"func.func @k({names}, %y: memref<{lanes}x{target}>) {{", "%lb = arith.constant 0 : index"]
    shape = f"vector<{lanes}x%s>" if vector else "%s"
    if not vector:
        lines += ["%ub = arith.constant " + str(lanes) + " : index", "%st = arith.constant 1 : index"]
        lines += ["scf.for %i = %lb to %ub step %st {"]
    index = "%lb" if vector else "%i"
    for i, source in enumerate(sources):
        tail = f", {shape % source}" if vector else ""
        load = "vector.load" if vector else "memref.load"
        lines.append(f"%{i} = {load} %m{i}[{index}] : memref<{lanes}x{source}>{tail}")
    for i, source in enumerate(sources):
        body = body.replace(f"T{i}", shape % source)
    lines.append(body.replace("R", shape % target))
    tail = f", {shape % target}" if vector else "\n}"
    store = "vector.store" if vector else "memref.store"
    lines.append(f"{store} %r, %y[{index}] : memref<{lanes}x{target}>{tail}")
    return "\n".join([*lines, "func.return", "}"])


def evaluate(body: str, sources: Sequence[tuple[str, Sequence[float]]], target: str) -> list[float]:
    """Run an op on scalars and on a vector; both must give the same bytes."""
    arrays = [np.array(values, np.float64 if "f" in name else object) for name, values in sources]
    held = [array.astype(dtype_of(name)) for array, (name, _) in zip(arrays, sources, strict=True)]
    results: list[Array] = []
    for vector in (False, True):
        text = kernel(body, [name for name, _ in sources], target, len(sources[0][1]), vector)
        result = np.zeros(len(sources[0][1]), dtype_of(target))
        run_loops(parse(text), "k", [*held, result])
        results.append(result)
    assert results[0].tobytes() == results[1].tobytes()
    return results[0].tolist()


def signed(value: int, width: int) -> int:
    """`value` modulo 2**width as the type holds it: signed, but booleans are booleans."""
    if width == 1:
        return value & 1
    half = 2 ** (width - 1)
    return (value + half) % (2 * half) - half


def integer_samples(width: int) -> tuple[list[int], list[int]]:
    """Pairs of numbers of a width, all with the extremes."""
    if width == 1:
        return [0, 0, 1, 1], [0, 1, 0, 1]
    edges = [0, 1, -1, 2, -2, 7, -8, 2 ** (width - 1) - 1, -(2 ** (width - 1)), 100, -3]
    return [a for a in edges for _ in edges], edges * len(edges)


def truncated(a: int, b: int) -> int:
    return int(Fraction(a, b))


def leading_zeros(value: int, width: int) -> int:
    return f"{value:0{width}b}1".index("1")


def trailing_zeros(value: int, width: int) -> int:
    return f"{value:0{width}b}"[::-1].find("1") % (width + 1)


# name -> meaning on (signed a, signed b, unsigned a, unsigned b, width)
INTEGER_OPS: dict[str, Callable[[int, int, int, int, int], int]] = {
    "arith.addi": lambda a, b, ua, ub, w: a + b,
    "arith.subi": lambda a, b, ua, ub, w: a - b,
    "arith.muli": lambda a, b, ua, ub, w: a * b,
    "arith.divsi": lambda a, b, ua, ub, w: truncated(a, b),
    "arith.remsi": lambda a, b, ua, ub, w: a - b * truncated(a, b),
    "arith.floordivsi": lambda a, b, ua, ub, w: math.floor(Fraction(a, b)),
    "arith.ceildivsi": lambda a, b, ua, ub, w: math.ceil(Fraction(a, b)),
    "arith.divui": lambda a, b, ua, ub, w: truncated(ua, ub),
    "arith.ceildivui": lambda a, b, ua, ub, w: math.ceil(Fraction(ua, ub)),
    "arith.remui": lambda a, b, ua, ub, w: ua - ub * truncated(ua, ub),
    "arith.minsi": lambda a, b, ua, ub, w: min(a, b),
    "arith.maxsi": lambda a, b, ua, ub, w: max(a, b),
    "arith.minui": lambda a, b, ua, ub, w: min(ua, ub),
    "arith.maxui": lambda a, b, ua, ub, w: max(ua, ub),
    "arith.andi": lambda a, b, ua, ub, w: ua & ub,
    "arith.ori": lambda a, b, ua, ub, w: ua | ub,
    "arith.xori": lambda a, b, ua, ub, w: ua ^ ub,
    "arith.shli": lambda a, b, ua, ub, w: ua * 2**ub,
    "arith.shrui": lambda a, b, ua, ub, w: ua // 2**ub,
    "arith.shrsi": lambda a, b, ua, ub, w: a // 2**ub,
    "math.ipowi": lambda a, b, ua, ub, w: truncated(1, a**-b) if b < 0 else a**b,
}
INTEGER_PREDICATES: dict[str, Callable[[int, int, int, int], bool]] = {
    "eq": lambda a, b, ua, ub: a == b,
    "ne": lambda a, b, ua, ub: a != b,
    "slt": lambda a, b, ua, ub: a < b,
    "sle": lambda a, b, ua, ub: a <= b,
    "sgt": lambda a, b, ua, ub: a > b,
    "sge": lambda a, b, ua, ub: a >= b,
    "ult": lambda a, b, ua, ub: ua < ub,
    "ule": lambda a, b, ua, ub: ua <= ub,
    "ugt": lambda a, b, ua, ub: ua > ub,
    "uge": lambda a, b, ua, ub: ua >= ub,
}
WIDTHS = (1, 8, 16, 32, 64)


def is_defined(name: str, a: int, b: int, width: int) -> bool:
    """Whether MLIR gives the op a value for these operands."""
    if name in ("arith.divsi", "arith.floordivsi", "arith.ceildivsi", "arith.remsi"):
        return b != 0 and not (b == -1 and a == -(2 ** (width - 1)))
    if "div" in name or "rem" in name:
        return b != 0
    if ".sh" in name:
        return 0 <= b % 2**width < width
    return name != "math.ipowi" or (abs(b) < 64 and not (a == 0 and b < 0))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", INTEGER_OPS)
def test_integer_op(name: str, width: int) -> None:
    def as_signed(x: int) -> int:
        return -(x & 1) if width == 1 else signed(x, width)

    pairs = [
        (as_signed(a), as_signed(b))
        for a, b in zip(*integer_samples(width), strict=True)
        if is_defined(name, as_signed(a), as_signed(b), width)
    ]
    if not pairs:
        pytest.skip("no operands of one bit are defined")
    mod = 2**width
    expected = [signed(INTEGER_OPS[name](a, b, a % mod, b % mod, width), width) for a, b in pairs]
    lhs, rhs = ([signed(each[side], width) for each in pairs] for side in (0, 1))
    type_ = f"i{width}"
    assert evaluate(f"%r = {name} %0, %1 : R", [(type_, lhs), (type_, rhs)], type_) == expected


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("predicate", INTEGER_PREDICATES)
def test_integer_comparison(predicate: str, width: int) -> None:
    lhs, rhs = integer_samples(width)
    meaning = INTEGER_PREDICATES[predicate]
    sign = -1 if width == 1 else 1
    expected = [
        meaning(sign * a, sign * b, a % 2**width, b % 2**width) for a, b in zip(lhs, rhs, strict=True)
    ]
    body = f"%r = arith.cmpi {predicate}, %0, %1 : T0"
    assert evaluate(body, [(f"i{width}", lhs), (f"i{width}", rhs)], "i1") == expected


@pytest.mark.parametrize("width", WIDTHS[1:])
def test_bit_counts(width: int) -> None:
    values = sorted(set(integer_samples(width)[0]))
    bits = [value % 2**width for value in values]
    source = [(f"i{width}", values)]
    assert evaluate("%r = math.ctpop %0 : R", source, f"i{width}") == [each.bit_count() for each in bits]
    assert evaluate("%r = math.ctlz %0 : R", source, f"i{width}") == [leading_zeros(x, width) for x in bits]
    assert evaluate("%r = math.cttz %0 : R", source, f"i{width}") == [trailing_zeros(x, width) for x in bits]
    assert evaluate("%r = math.absi %0 : R", source, f"i{width}") == [signed(abs(x), width) for x in values]


@pytest.mark.parametrize("result", [0, 1])
@pytest.mark.parametrize("name", ["mului_extended", "mulsi_extended", "addui_extended"])
def test_results_in_two_parts(name: str, result: int) -> None:
    lhs, rhs = integer_samples(32)
    base = 1 if name == "mulsi_extended" else 2**32
    exact = [
        (a % base if base > 1 else a, b % base if base > 1 else b) for a, b in zip(lhs, rhs, strict=True)
    ]
    combine = operator.add if name == "addui_extended" else operator.mul
    parts = [divmod(combine(a, b), 2**32)[1 - result] for a, b in exact]
    is_carry = name == "addui_extended" and result == 1
    outputs = ["%r", "%other"] if result == 0 else ["%other", "%r"]
    types = "T0, M" if name == "addui_extended" else "T0"
    for vector in (False, True):
        shape = f"vector<{len(lhs)}x%s>" if vector else "%s"
        body = f"{', '.join(outputs)} = arith.{name} %0, %1 : {types}".replace("M", shape % "i1")
        target = "i1" if is_carry else "i32"
        y = np.zeros(len(lhs), dtype_of(target))
        text = kernel(body, ["i32", "i32"], target, len(lhs), vector)
        run_loops(parse(text), "k", [np.array(lhs, np.int32), np.array(rhs, np.int32), y])
        assert y.tolist() == [signed(part, 1 if is_carry else 32) for part in parts]


@pytest.mark.parametrize("name", ["divsi", "remui", "floordivsi", "ceildivui"])
def test_division_by_zero_raises(name: str) -> None:
    with pytest.raises(ZeroDivisionError):
        evaluate(f"%r = arith.{name} %0, %1 : R", [("i32", [1]), ("i32", [0])], "i32")


# Significant bits and least exponent of a normal number.
FORMATS = {"f16": (11, -14), "bf16": (8, -126), "f32": (24, -126), "f64": (53, -1022)}
NAN, INF = math.nan, math.inf


def rounded(exact: Fraction, name: str) -> float:
    """The nearest number of a format, ties to even; overflow is left to the caller's choice of operands."""
    if exact == 0:
        return 0.0
    bits, least = FORMATS[name]
    exponent = exact.numerator.bit_length() - exact.denominator.bit_length()
    exponent += (abs(exact) >= Fraction(2) ** (exponent + 1)) - (abs(exact) < Fraction(2) ** exponent)
    step = Fraction(2) ** (max(exponent, least) - bits + 1)
    return float(round(exact / step) * step)


def float_samples(name: str, count: int, seed: int) -> list[float]:
    """Numbers of a format, from denormals to where products stay finite."""
    rng = np.random.default_rng(seed)
    limit = 7 if name == "f16" else 60
    values = rng.standard_normal(count) * 2.0 ** rng.integers(-limit, limit, count)
    values[: count // 4] = rng.standard_normal(count // 4) * 2.0 ** (FORMATS[name][1] - 1)
    return [float(value) for value in values.astype(dtype_of(name)).astype(np.float64)]


FLOAT_OPS: dict[str, Callable[[Sequence[Fraction]], Fraction]] = {
    "arith.addf": lambda x: x[0] + x[1],
    "arith.subf": lambda x: x[0] - x[1],
    "arith.mulf": lambda x: x[0] * x[1],
    "arith.divf": lambda x: x[0] / x[1],
    "math.fma": lambda x: x[0] * x[1] + x[2],
    "math.absf": lambda x: abs(x[0]),
    "arith.negf": lambda x: -x[0],
    "math.floor": lambda x: Fraction(math.floor(x[0])),
    "math.ceil": lambda x: Fraction(math.ceil(x[0])),
    "math.trunc": lambda x: Fraction(math.trunc(x[0])),
    "math.roundeven": lambda x: Fraction(round(x[0])),
    "math.round": lambda x: math.floor(abs(x[0]) + Fraction(1, 2)) * Fraction(1 if x[0] >= 0 else -1),
}
ARITY = {"math.fma": 3, "arith.addf": 2, "arith.subf": 2, "arith.mulf": 2, "arith.divf": 2}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("op", FLOAT_OPS)
def test_float_op_is_rounded_once(op: str, name: str) -> None:
    columns = [float_samples(name, 400, seed) for seed in range(ARITY.get(op, 1))]
    if op.startswith("math.") and len(columns) == 1:
        columns[0][:8] = [0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.25, -0.75]
    rows = [row for row in zip(*columns, strict=True) if op != "arith.divf" or row[1] != 0]
    columns = [list(column) for column in zip(*rows, strict=True)]
    expected = [rounded(FLOAT_OPS[op]([Fraction(number) for number in row]), name) for row in rows]
    finite = np.abs(expected) < float(np.finfo(np.float16).max if name == "f16" else 2.0**126)
    operands = ", ".join(f"%{i}" for i in range(len(columns)))
    result = evaluate(f"%r = {op} {operands} : R", [(name, column) for column in columns], name)
    assert np.array(result)[finite].tolist() == np.array(expected)[finite].tolist()


def test_fma_of_f64_is_exact() -> None:
    tiny = 2.0**-52
    a, b, c = (
        [1 + tiny, 1e308, 1e308, INF, 0.0, 2.0],
        [1 - tiny, 10, 10, 0.0, 5.0, 3.0],
        [-1, -INF, 1, 1, -0.0, -6],
    )
    result = evaluate("%r = math.fma %0, %1, %2 : R", [("f64", a), ("f64", b), ("f64", c)], "f64")
    assert result[:3] == [-(tiny**2), -INF, INF] and math.isnan(result[3])
    assert math.copysign(1, result[4]) == 1 and result[5] == 0


@pytest.mark.parametrize("name", FORMATS)
def test_signs_of_zero_and_nan_in_minima_and_maxima(name: str) -> None:
    lhs, rhs = [0.0, -0.0, -0.0, NAN, 1.0, NAN, 3.0, -INF], [-0.0, 0.0, -0.0, 1.0, NAN, NAN, 2.0, INF]
    both = [(name, lhs), (name, rhs)]
    expected = {
        "arith.maximumf": [0.0, 0.0, -0.0, NAN, NAN, NAN, 3.0, INF],
        "arith.minimumf": [-0.0, -0.0, -0.0, NAN, NAN, NAN, 2.0, -INF],
    }
    for op, values in expected.items():
        result = evaluate(f"%r = {op} %0, %1 : R", both, name)
        assert np.array(result).tobytes() == np.array(values).tobytes() or repr(result) == repr(values)
    numbers = [(name, [NAN, 1.0, NAN, 3.0]), (name, [1.0, NAN, NAN, 2.0])]
    assert repr(evaluate("%r = arith.maxnumf %0, %1 : R", numbers, name)) == repr([1.0, 1.0, NAN, 3.0])
    assert repr(evaluate("%r = arith.minnumf %0, %1 : R", numbers, name)) == repr([1.0, 1.0, NAN, 2.0])


# predicate -> its answer for less, equal, greater, unordered
FLOAT_PREDICATES = {
    "false": (0, 0, 0, 0),
    "oeq": (0, 1, 0, 0),
    "ogt": (0, 0, 1, 0),
    "oge": (0, 1, 1, 0),
    "olt": (1, 0, 0, 0),
    "ole": (1, 1, 0, 0),
    "one": (1, 0, 1, 0),
    "ord": (1, 1, 1, 0),
    "ueq": (0, 1, 0, 1),
    "ugt": (0, 0, 1, 1),
    "uge": (0, 1, 1, 1),
    "ult": (1, 0, 0, 1),
    "ule": (1, 1, 0, 1),
    "une": (1, 0, 1, 1),
    "uno": (0, 0, 0, 1),
    "true": (1, 1, 1, 1),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("predicate", FLOAT_PREDICATES)
def test_float_comparison(predicate: str, name: str) -> None:
    operands = [(name, [1.0, 0.0, 2.0, NAN]), (name, [2.0, -0.0, -INF, 1.0])]
    result = evaluate(f"%r = arith.cmpf {predicate}, %0, %1 : T0", operands, "i1")
    assert result == list(map(bool, FLOAT_PREDICATES[predicate]))


FUNCTIONS: dict[str, Callable[[float], float]] = {
    name: getattr(math, name)
    for name in "acos asin asinh atan atanh cbrt cos cosh erf exp exp2 expm1 sin sinh tan tanh".split()
}
FUNCTIONS_OF_POSITIVE: dict[str, Callable[[float], float]] = {
    "acosh": lambda x: math.acosh(1 + x),
    "log": math.log,
    "log10": math.log10,
    "log1p": math.log1p,
    "log2": math.log2,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "sqrt": math.sqrt,
}


@pytest.mark.parametrize("name", ["bf16", "f16", "f32", "f64"])
@pytest.mark.parametrize("function", [*FUNCTIONS, *FUNCTIONS_OF_POSITIVE])
def test_function_of_math(function: str, name: str) -> None:
    positive = function in FUNCTIONS_OF_POSITIVE
    meaning = FUNCTIONS_OF_POSITIVE[function] if positive else FUNCTIONS[function]
    points = [k / 64 for k in range(1, 60)] if positive else [k / 64 for k in range(-60, 60)]
    shift = 1.0 if function == "acosh" else 0.0
    result = evaluate(f"%r = math.{function} %0 : R", [(name, [x + shift for x in points])], name)
    expected = [meaning(x) for x in points]
    # Half a unit in the last place, and a little for the two libraries' own errors in float64.
    tolerance = 2.0 ** -FORMATS[name][0] * 1.001 + 2.0**-50
    assert np.allclose(result, expected, rtol=tolerance, atol=1e-300)


def test_powers_and_angles() -> None:
    lhs, rhs = [2.0, -2.0, 0.0, 4.0, -8.0, NAN], [0.5, 3.0, -1.0, INF, 0.5, 0.0]
    power = evaluate("%r = math.powf %0, %1 : R", [("f32", lhs), ("f32", rhs)], "f32")
    assert repr(power) == repr([float(np.float32(2**0.5)), -8.0, INF, INF, NAN, 1.0])
    angle = evaluate("%r = math.atan2 %0, %1 : R", [("f64", [0.0, -1.0]), ("f64", [-1.0, 0.0])], "f64")
    assert angle == [math.pi, -math.pi / 2]
    body = "%r = math.fpowi %0, %1 : T0, T1"
    assert evaluate(body, [("f32", [2.0, -2.0, 4.0]), ("i32", [10, 3, -1])], "f32") == [1024.0, -8.0, 0.25]
    sign = evaluate("%r = math.copysign %0, %1 : R", [("f32", [3.0, NAN]), ("f32", [-0.0, 1.0])], "f32")
    assert sign[0] == -3.0


CASTS = [
    ("extsi", "i8", [-128, 127], "i32", [-128, 127]),
    ("extsi", "i1", [0, 1], "i8", [0, -1]),
    ("extui", "i8", [-128, 127], "i32", [128, 127]),
    ("extui", "i1", [0, 1], "i64", [0, 1]),
    ("trunci", "i32", [300, -129, 128], "i8", [44, 127, -128]),
    ("trunci", "i64", [2, 3], "i1", [False, True]),
    ("sitofp", "i32", [-3, 2**24 + 1], "f32", [-3.0, 2.0**24]),
    ("sitofp", "i64", [2**53 + 1, 2**24 + 1 + 2**60], "f32", [2.0**53, 2.0**60]),
    ("sitofp", "i64", [2**63 - 2**38 - 1], "f32", [2.0**63 - 2.0**39]),
    ("sitofp", "i1", [0, 1], "f32", [0.0, -1.0]),
    ("uitofp", "i8", [-1, 1], "f16", [255.0, 1.0]),
    ("uitofp", "i64", [-1], "f64", [2.0**64]),
    ("uitofp", "i1", [0, 1], "f64", [0.0, 1.0]),
    ("fptosi", "f32", [-1.9, 1.9, 300.0, NAN], "i8", [-1, 1, -128, -128]),
    ("fptosi", "f64", [-(2.0**63), 2.0**62, 2.0**63], "i64", [-(2**63), 2**62, -(2**63)]),
    ("fptoui", "f32", [0.9, 255.0, -1.0], "i8", [0, -1, -128]),
    ("fptoui", "f64", [2.0**63, 2.0**64 - 2048], "i64", [-(2**63), -2048]),
    ("extf", "bf16", [1.5, NAN], "f32", [1.5, NAN]),
    ("extf", "f16", [65504.0, 2.0**-24], "f64", [65504.0, 2.0**-24]),
    ("truncf", "f64", [1 + 2.0**-24, 1e300], "f32", [1.0, INF]),
    ("truncf", "f32", [1 + 2.0**-8, 1 + 3 * 2.0**-8], "bf16", [1.0, 1 + 2.0**-6]),
    ("truncf", "f32", [65519.0, 65520.0], "f16", [65504.0, INF]),
    ("bitcast", "f32", [1.0, -0.0], "i32", [0x3F800000, -(2**31)]),
    ("bitcast", "i16", [0x3F80, -0x4080], "bf16", [1.0, -1.0]),
    ("bitcast", "i64", [-1], "f64", [NAN]),
]


@pytest.mark.parametrize(("name", "source", "values", "target", "expected"), CASTS)
def test_cast(name: str, source: str, values: list[float], target: str, expected: list[float]) -> None:
    # Upstream declares most of these on scalars only; the generic form builds them on vectors too.
    result = evaluate(f'%r = "arith.{name}"(%0) : (T0) -> R', [(source, values)], target)
    assert repr(result) == repr(expected)
