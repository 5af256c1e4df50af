"""The errors of every function of `expand-math`, measured on compiled code, against what it promises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import ml_dtypes
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
from xdsl.utils.exceptions import PassFailedException

from penstock.backends.llvm import NativeImage, compile_module, link
from penstock.backends.loops_interpreter import run_loops
from penstock.backends.targets import Target, host
from penstock.dialects.arith_ext import ARITH
from penstock.passes.expand_math import EXPANSIONS, ExpandMathPass
from penstock.passes.lowering.loops_to_llvm import LowerLoopsToLLVM
from penstock.passes.math_expansions.bounds import BOUNDS
from penstock.passes.math_expansions.circular import REDUCIBLE

Array = NDArray[np.generic]
Exact = NDArray[np.longdouble]

LANES = 16
BLOCK = 4096
POINTS = 1 << 15
DTYPES: dict[str, np.dtype[np.generic]] = {
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "i32": np.dtype(np.int32),
}
# Digits after the leading one, exponent of the smallest normal number, largest number.
PRECISIONS: dict[str, tuple[int, int, float]] = {
    "f16": (10, -14, 65504.0),
    "bf16": (7, -126, float.fromhex("0x1.fep127")),
    "f32": (23, -126, float.fromhex("0x1.fffffep127")),
    "f64": (52, -1022, float.fromhex("0x1.fffffffffffffp1023")),
}
CIRCULAR = ("math.sin", "math.cos", "math.tan")
KEPT = {
    "fma",
    "sqrt",
    "absf",
    "absi",
    "floor",
    "ceil",
    "trunc",
    "roundeven",
    "copysign",
    "ctpop",
    "ctlz",
    "cttz",
}
needs_extended = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="long double is too short here to judge doubles by"
)


def exact_erf(x: Exact) -> Exact:
    """The error function by its series with terms of one sign (Abramowitz and Stegun, 7.1.6)."""
    bounded = np.clip(x, -7, 7)
    term, total = bounded.copy(), bounded.copy()
    for n in range(1, 300):
        term = term * (2 * bounded * bounded) / (2 * n + 1)
        total = total + term
    return total * np.exp(-bounded * bounded) * 2 / np.sqrt(4 * np.arctan(np.longdouble(1)))


def exact_rsqrt(x: Exact) -> Exact:
    """The reciprocal square root."""
    return np.longdouble(1) / np.sqrt(x)


def exact_round(x: Exact) -> Exact:
    """The nearest integer, halves away from zero."""
    return np.copysign(np.floor(np.abs(x) + np.longdouble(0.5)), x)


REFERENCES: dict[str, Callable[..., Exact]] = {
    "math.exp": np.exp,
    "math.exp2": np.exp2,
    "math.expm1": np.expm1,
    "math.log": np.log,
    "math.log2": np.log2,
    "math.log10": np.log10,
    "math.log1p": np.log1p,
    "math.tanh": np.tanh,
    "math.sinh": np.sinh,
    "math.cosh": np.cosh,
    "math.asinh": np.arcsinh,
    "math.acosh": np.arccosh,
    "math.atanh": np.arctanh,
    "math.sin": np.sin,
    "math.cos": np.cos,
    "math.tan": np.tan,
    "math.asin": np.arcsin,
    "math.acos": np.arccos,
    "math.atan": np.arctan,
    "math.atan2": np.arctan2,
    "math.erf": exact_erf,
    "math.cbrt": np.cbrt,
    "math.rsqrt": exact_rsqrt,
    "math.round": exact_round,
    "math.powf": np.power,
    "math.fpowi": np.power,
}
ONE_OPERAND = [name for name in REFERENCES if name not in ("math.powf", "math.fpowi", "math.atan2")]


@dataclass(frozen=True)
class Kernel:
    """A loop that applies one math op to blocks of arrays, as text."""

    op: str
    sources: tuple[str, ...]
    lanes: int | None = LANES

    @property
    def text(self) -> str:
        """The function at the loops level."""
        types = [*self.sources, self.sources[0]]
        shaped = [f"vector<{self.lanes}x{t}>" if self.lanes else t for t in types]
        prefix = "vector" if self.lanes else "memref"
        suffix = [f", {t}" if self.lanes else "" for t in shaped]
        arguments = ", ".join(f"%m{i}: memref<{BLOCK}x{t}>" for i, t in enumerate(types))
        loads = "\n".join(
            f"%x{i} = {prefix}.load %m{i}[%i] : memref<{BLOCK}x{t}>{suffix[i]}"
            for i, t in enumerate(self.sources)
        )
        operands = ", ".join(f"%x{i}" for i in range(len(self.sources)))
        named = ", ".join(shaped[:-1]) if self.op == "math.fpowi" else shaped[0]
        return f"""func.func @kernel({arguments}) {{
            %zero = arith.constant 0 : index
            %size = arith.constant {BLOCK} : index
            %step = arith.constant {self.lanes or 1} : index
            scf.for %i = %zero to %size step %step {{
              {loads}
              %y = {self.op} {operands} : {named}
              {prefix}.store %y, %m{len(self.sources)}[%i] : memref<{BLOCK}x{types[-1]}>{suffix[-1]}
            }}
            func.return
        }}"""

    def expanded(self) -> ModuleOp:
        """The module after the pass, verified."""
        module = parsed(self.text)
        ExpandMathPass().apply(Context(), module)
        module.verify()
        return module


def parsed(text: str) -> ModuleOp:
    """A loops-level module from its text."""
    context = Context()
    for dialect in (Builtin, Func, Math, MemRef, Scf, Vector, ARITH):
        context.load_dialect(dialect)
    return Parser(context, text).parse_module()


@cache
def compiled(kernel: Kernel) -> Callable[..., Array]:
    """The kernel as a function of arrays, run by this machine."""
    return function_of(kernel.expanded(), host())


def function_of(module: ModuleOp, machine: Target) -> Callable[..., Array]:
    """The kernel of a module as a function of arrays in whole blocks, compiled for a machine."""
    LowerLoopsToLLVM().apply(Context(), module)
    native = NativeImage(link([compile_module(module, machine).object])).function("kernel")

    def run(*inputs: Array) -> Array:
        result = np.empty_like(inputs[0])
        for start in range(0, result.size, BLOCK):
            native(*(a[start : start + BLOCK].ctypes.data for a in (*inputs, result)))
        return result

    return run


def whole_blocks(values: Array) -> Array:
    """The values, the first ones repeated up to full blocks."""
    return np.resize(values, -(-values.size // BLOCK) * BLOCK)


@cache
def samples(element: str) -> Array:
    """Numbers of every kind: all bit patterns alike, unit size, near one, powers of two, limits, others."""
    dtype, random = DTYPES[element], np.random.default_rng(1)
    info = np.finfo(np.float32 if element == "f32" else np.float64)
    patterns = np.frombuffer(random.bytes(POINTS * dtype.itemsize), dtype)
    special = [0.0, 1.0, 0.5, 1.5, 2.5, np.inf, np.nan, float(info.max), float(info.tiny), float(info.eps)]
    special += [float(info.smallest_subnormal), float(info.tiny) / 2, 1 - float(info.epsneg)]
    special += [0.5 - float(info.epsneg) / 2]
    special += [10.0**k for k in range(-5, 30)] + [2.0**23 + 1, 2.0**22 - 0.5, 2.0**52 + 1, 2.0**51 - 0.5]
    groups = [
        random.uniform(-1, 1, POINTS),
        random.normal(0, 1, POINTS) * random.choice([3, 30, 300], POINTS),
        1 + random.normal(0, 1, POINTS) * np.exp2(-random.integers(0, 40, POINTS)),
        np.arange(-1000, 1000) * (np.pi / 2),
        np.ldexp(1.0, np.arange(info.minexp - info.nmant, info.maxexp)),
        np.array(special),
        -np.array(special),
    ]
    return whole_blocks(np.concatenate([patterns, *(group.astype(dtype) for group in groups)]))


def pairs(element: str, exponents: bool) -> tuple[Array, Array]:
    """Pairs of numbers: all special ones with each other, random ones, and powers that stay in range."""
    dtype, random = DTYPES[element], np.random.default_rng(2)
    short = samples(element)[-220:]
    crossed = [grid.ravel() for grid in np.meshgrid(short, short)]
    x = np.exp(random.normal(0, 3, POINTS))
    limit = float(np.log(float(np.finfo(np.float32 if element == "f32" else np.float64).max)))
    y = (
        random.uniform(-1.05, 1.05, POINTS) * limit / np.abs(np.log(x))
        if exponents
        else random.normal(0, 3, POINTS)
    )
    whole = random.integers(-20, 21, POINTS)
    return (
        whole_blocks(
            np.concatenate([crossed[0], x.astype(dtype), random.normal(0, 2, POINTS).astype(dtype)])
        ),
        whole_blocks(np.concatenate([crossed[1], y.astype(dtype), whole.astype(dtype)])),
    )


def largest_error(got: Array, exact: Exact, element: str) -> float:
    """The largest distance in units of the last place; infinite for a wrong limit, NaN or sign of zero."""
    digits, smallest, maximum = PRECISIONS[element]
    rounded, value = exact.astype(DTYPES[element]).astype(np.longdouble), got.astype(np.longdouble)
    exponent = np.maximum(np.frexp(np.abs(exact))[1] - 1, smallest)
    error = np.abs(value - exact) / np.ldexp(np.longdouble(1), exponent - digits)
    # A result next to the largest number may round to infinity, and the other way round.
    limit = maximum * (1 - np.longdouble(2.0) ** -(digits - 2))
    both_huge = (np.abs(value) > limit) & (np.abs(rounded) > limit) & (value * rounded > 0)
    both_nan = np.isnan(value) & np.isnan(rounded)
    same_zero = (value == 0) & (rounded == 0) & (np.signbit(value) == np.signbit(rounded))
    error = np.where(both_huge | both_nan, 0, error)
    wrong_zero = (value == 0) & (rounded == 0) & ~same_zero
    return float(np.max(np.where(np.isnan(error) | wrong_zero, np.inf, error)))


def measure(op: str, sources: Sequence[str], inputs: Sequence[Array], lanes: int | None = LANES) -> float:
    """The largest error of an op on some inputs."""
    got = compiled(Kernel(op, tuple(sources), lanes))(*inputs)
    with np.errstate(all="ignore"):
        exact = REFERENCES[op](*(a.astype(np.longdouble) for a in inputs))
        return largest_error(got, exact, sources[0])


def reducible(op: str, x: Array) -> Array:
    """The arguments that an op promises something for."""
    if op not in CIRCULAR:
        return x
    with np.errstate(invalid="ignore"):
        return whole_blocks(x[~(np.abs(x.astype(np.float64)) > REDUCIBLE)])


def test_every_expansion_states_its_bound() -> None:
    assert {op.name for op in EXPANSIONS} == set(BOUNDS)


@pytest.mark.parametrize("op", ONE_OPERAND)
def test_single_error(op: str) -> None:
    assert measure(op, ["f32"], [reducible(op, samples("f32"))]) <= BOUNDS[op].single


@needs_extended
@pytest.mark.parametrize("op", ONE_OPERAND)
def test_double_error(op: str) -> None:
    assert measure(op, ["f64"], [reducible(op, samples("f64"))]) <= BOUNDS[op].double


@pytest.mark.parametrize("element", ["f16", "bf16"])
@pytest.mark.parametrize("op", ONE_OPERAND)
def test_all_short_numbers(op: str, element: str) -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(DTYPES[element])
    assert measure(op, [element], [reducible(op, every)]) <= 0.51


@pytest.mark.parametrize("op", ["math.powf", "math.atan2"])
def test_single_error_of_two(op: str) -> None:
    assert measure(op, ["f32", "f32"], pairs("f32", op == "math.powf")) <= BOUNDS[op].single


@needs_extended
@pytest.mark.parametrize("op", ["math.powf", "math.atan2"])
def test_double_error_of_two(op: str) -> None:
    assert measure(op, ["f64", "f64"], pairs("f64", op == "math.powf")) <= BOUNDS[op].double


@pytest.mark.parametrize("element", ["f32", pytest.param("f64", marks=needs_extended)])
def test_whole_powers(element: str) -> None:
    x, _ = pairs(element, True)
    n = np.random.default_rng(3).integers(-40, 41, x.size).astype(np.int32)
    n[:64] = [-(2**31), 2**31 - 1] * 32
    bound = BOUNDS["math.fpowi"]
    assert measure("math.fpowi", [element, "i32"], [x, n], lanes=None) <= (
        bound.single if element == "f32" else bound.double
    )


def integer_power(base: int, exponent: int) -> int:
    """`base^exponent` in 32 bits."""
    if exponent < 0:
        return int(base**-exponent) if abs(base) == 1 else 0
    return (pow(base, exponent, 2**32) + 2**31) % 2**32 - 2**31


@pytest.mark.parametrize("lanes", [None, LANES])
def test_integer_powers(lanes: int | None) -> None:
    random = np.random.default_rng(4)
    base = random.integers(-(2**31), 2**31, BLOCK).astype(np.int32)
    exponent = random.integers(0, 2**31, BLOCK).astype(np.int32)
    base[:1000], exponent[:2000] = random.integers(-3, 4, 1000), random.integers(-6, 40, 2000)
    got = compiled(Kernel("math.ipowi", ("i32", "i32"), lanes))(base, exponent)
    wanted = [integer_power(int(b), int(e)) for b, e in zip(base, exponent, strict=True)]
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("op", CIRCULAR)
@pytest.mark.parametrize("element", ["f32", "f64"])
def test_irreducible_arguments_give_no_number(op: str, element: str) -> None:
    x = np.full(BLOCK, 2.0 * REDUCIBLE, DTYPES[element])
    assert np.isnan(compiled(Kernel(op, (element,)))(x).astype(np.float64)).all()


@pytest.mark.parametrize(
    "op", ["math.exp", "math.log", "math.tanh", "math.erf", "math.sin", "math.cbrt", "math.round"]
)
@pytest.mark.parametrize("element", ["f32", "f64"])
def test_scalars_vectors_and_the_interpreter_agree(op: str, element: str) -> None:
    x = samples(element)[:BLOCK]
    by_vector = compiled(Kernel(op, (element,)))(x)
    np.testing.assert_array_equal(compiled(Kernel(op, (element,), None))(x), by_vector)
    interpreted = np.empty_like(x)
    run_loops(Kernel(op, (element,)).expanded(), "kernel", [x, interpreted])
    np.testing.assert_array_equal(interpreted, by_vector)


# xDSL 0.74 has `arith.sitofp` for scalars only, so `math.fpowi` is not verified on vectors.
@pytest.mark.parametrize(
    "op, lanes",
    [
        (op.name, lanes)
        for op in EXPANSIONS
        for lanes in (None, LANES)
        if not (lanes and op.name == "math.fpowi")
    ],
)
def test_leaves_machine_ops_that_print_and_parse_back(op: str, lanes: int | None) -> None:
    element = "i32" if op == "math.ipowi" else "f32"
    sources = {"math.fpowi": (element, "i32")}.get(
        op, (element,) if op in ONE_OPERAND else (element, element)
    )
    module = Kernel(op, sources, lanes).expanded()
    left = {inner.name.removeprefix("math.") for inner in module.walk() if inner.name.startswith("math.")}
    assert left <= KEPT
    assert parsed(str(module)).is_structurally_equivalent(module)


def constants_after(body: str) -> int:
    """How many constants the pass leaves in a function of one block."""
    module = parsed(f"func.func @f(%x: f32) {{ {body} func.return }}")
    ExpandMathPass().apply(Context(), module)
    return sum(op.name == "arith.constant" for op in module.walk())


def test_ops_of_a_block_share_constants() -> None:
    one = constants_after("%y = math.exp %x : f32")
    assert constants_after("%y = math.exp %x : f32 %z = math.exp %y : f32") == one > 0


def kinds_after(body: str) -> list[str]:
    """The ops of a function of one block besides its constants, after the pass."""
    module = parsed(f"func.func @f(%x: f32, %y: f32, %z: f32) {{ {body} func.return }}")
    ExpandMathPass().apply(Context(), module)
    module.verify()
    ops = (op for op in module.walk() if op.name.startswith("arith.") or op.name.startswith("math."))
    return [op.name for op in ops if op.name != "arith.constant"]


def test_independent_neighbours_are_interleaved() -> None:
    one = kinds_after("%a = math.exp %x : f32")
    three = kinds_after("%a = math.exp %x : f32 %b = math.exp %y : f32 %c = math.exp %z : f32")
    assert three == [name for name in one for _ in range(3)]


def test_a_function_of_a_function_comes_behind_it() -> None:
    one = kinds_after("%a = math.exp %x : f32")
    assert kinds_after("%a = math.exp %x : f32 %b = math.exp %a : f32") == one + one


@pytest.mark.parametrize("op, kind", [("exp", "f128"), ("tanh", "f80"), ("ipowi", "index")])
def test_unknown_formats_are_refused(op: str, kind: str) -> None:
    operands = "%x, %x" if op == "ipowi" else "%x"
    module = parsed(f"func.func @f(%x: {kind}) {{ %y = math.{op} {operands} : {kind} func.return }}")
    with pytest.raises(PassFailedException, match=f"expand-math: no formulas for .* of type {kind}"):
        ExpandMathPass().apply(Context(), module)
