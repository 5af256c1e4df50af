"""Each arithmetic op of the loops level compiled, scalar and vector, for two targets, against NumPy."""

import operator
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from penstock.backends.llvm import NativeImage, compile_module, link
from penstock.backends.targets import missing_features, target
from penstock.passes.lowering.llvm_arith import ARITH_EMITTERS
from penstock.passes.lowering.llvm_float import FLOAT_EMITTERS
from tests.backends.codegen_cases import (
    FLOATS,
    HALVES,
    INTEGERS,
    REALS,
    Case,
    Reference,
    bits_of,
    by_integers,
    cast,
    chosen,
    comparisons,
    convert,
    fma,
    integer,
    maximum,
    minimum,
    nonzero_divisors,
    retyped,
    same_type,
    small_shifts,
    toward_zero,
    towards_zero,
    unsigned,
    viewed,
    within,
)
from tests.backends.codegen_kit import COUNT, DTYPES, Array, call, load_loops, lowered, numbers, same

TARGETS = ("x86-64-v3", "x86-64-v4")


def float_cases() -> Iterator[Case]:
    yield from same_type("arith.addf", 2, np.add, REALS)
    yield from same_type("arith.subf", 2, np.subtract, REALS)
    yield from same_type("arith.mulf", 2, np.multiply, REALS)
    yield from same_type("arith.divf", 2, np.divide, REALS)
    yield from same_type("arith.negf", 1, np.negative, REALS)
    yield from same_type("arith.maximumf", 2, maximum, REALS)
    yield from same_type("arith.minimumf", 2, minimum, REALS)
    yield from same_type("arith.maxnumf", 2, np.fmax, REALS, zeros=True)
    yield from same_type("arith.minnumf", 2, np.fmin, REALS, zeros=True)
    yield from same_type("math.absf", 1, np.abs, REALS)
    yield from same_type("math.ceil", 1, np.ceil, REALS)
    yield from same_type("math.floor", 1, np.floor, REALS)
    yield from same_type("math.trunc", 1, np.trunc, REALS)
    yield from same_type("math.roundeven", 1, np.rint, REALS)
    yield from same_type("math.sqrt", 1, np.sqrt, REALS)
    yield from same_type("math.copysign", 2, np.copysign, REALS)
    yield from same_type("math.fma", 3, fma, REALS)


def integer_cases() -> Iterator[Case]:
    yield from integer("arith.addi", np.add)
    yield from integer("arith.subi", np.subtract)
    yield from integer("arith.muli", np.multiply)
    for op, meaning in (("andi", np.bitwise_and), ("ori", np.bitwise_or), ("xori", np.bitwise_xor)):
        yield from integer(f"arith.{op}", meaning)
        yield Case(f"arith.{op}", f"%r = arith.{op} %0, %1 : R", ("i1", "i1"), "i1", meaning)
    yield from integer("arith.maxsi", np.maximum)
    yield from integer("arith.minsi", np.minimum)
    yield from integer("arith.maxui", by_integers(max, is_signed=False))
    yield from integer("arith.minui", by_integers(min, is_signed=False))
    yield from integer("arith.shli", np.left_shift, small_shifts)
    yield from integer("arith.shrsi", np.right_shift, small_shifts)
    yield from integer("arith.shrui", by_integers(lambda a, b: a >> b, is_signed=False), small_shifts)
    yield from division_cases()
    yield from bit_cases()


def division_cases() -> Iterator[Case]:
    remainder = by_integers(lambda a, b: a - b * towards_zero(a, b))
    yield from integer("arith.divsi", by_integers(towards_zero), nonzero_divisors)
    yield from integer("arith.remsi", remainder, nonzero_divisors)
    yield from integer("arith.floordivsi", by_integers(lambda a, b: a // b), nonzero_divisors)
    yield from integer("arith.ceildivsi", by_integers(lambda a, b: -(-a // b)), nonzero_divisors)
    yield from integer("arith.divui", by_integers(lambda a, b: a // b, is_signed=False), nonzero_divisors)
    yield from integer("arith.remui", by_integers(lambda a, b: a % b, is_signed=False), nonzero_divisors)
    yield from integer(
        "arith.ceildivui", by_integers(lambda a, b: -(-a // b), is_signed=False), nonzero_divisors
    )


def bit_cases() -> Iterator[Case]:
    counts: dict[str, Callable[[int, int], int]] = {
        "math.ctpop": lambda x, width: x.bit_count(),
        "math.ctlz": lambda x, width: width - x.bit_length(),
        "math.cttz": lambda x, width: (x & -x).bit_length() - 1 if x else width,
    }
    for kind in INTEGERS:
        width = 8 * DTYPES[kind].itemsize
        for op, count in counts.items():
            yield Case(op, f"%r = {op} %0 : R", (kind,), kind, bits_of(count))
        yield Case("math.absi", "%r = math.absi %0 : R", (kind,), kind, np.abs)
        yield _extended("arith.addui_extended", "%r, %x", ", M", kind, kind, np.add, "sum")
        carry = by_integers(upper(operator.add, width), is_signed=False)
        yield _extended("arith.addui_extended", "%x, %r", ", M", kind, "i1", carry, "carry")
        for op, is_signed in (("arith.mulsi_extended", True), ("arith.mului_extended", False)):
            high = by_integers(upper(operator.mul, width), is_signed=is_signed)
            yield _extended(op, "%r, %x", "", kind, kind, np.multiply, "low")
            yield _extended(op, "%x, %r", "", kind, kind, high, "high")


def upper(combine: Callable[[int, int], int], width: int) -> Callable[[int, int], int]:
    """What of a result does not fit."""
    return lambda a, b: combine(a, b) >> width


def _extended(op: str, left: str, tail: str, kind: str, result: str, reference: Reference, tag: str) -> Case:
    return Case(op, f"{left} = {op} %0, %1 : T0{tail}", (kind, kind), result, reference, tag=tag)


def cast_cases() -> Iterator[Case]:
    for source, result in (("f16", "f32"), ("bf16", "f32"), ("f16", "f64"), ("bf16", "f64"), ("f32", "f64")):
        yield cast("arith.extf", source, result, convert(result))
        yield cast("arith.truncf", result, source, convert(source))
    for kind in INTEGERS:
        for real in REALS:
            yield cast("arith.sitofp", kind, real, convert(real))
            yield cast("arith.uitofp", kind, real, unsigned(convert(real)))
            for op, is_signed in (("arith.fptosi", True), ("arith.fptoui", False)):
                meaning = toward_zero(kind, is_signed=is_signed)
                yield cast(op, real, kind, meaning, within(kind, is_signed=is_signed))
    for real in REALS:
        yield cast("arith.uitofp", "i1", real, convert(real))
    for small, large in (("i8", "i16"), ("i8", "i32"), ("i16", "i64"), ("i32", "i64")):
        yield cast("arith.extsi", small, large, retyped(large))
        yield cast("arith.extui", small, large, unsigned(retyped(large)))
        yield cast("arith.trunci", large, small, retyped(small))
    for real, bits in zip(REALS, ("i16", "i16", "i32", "i64"), strict=True):
        yield cast("arith.bitcast", real, bits, viewed(bits))
        yield cast("arith.bitcast", bits, real, viewed(real))
    yield cast("arith.extui", "i1", "i32", retyped("i32"))
    for op, meaning in (("index_cast", retyped("i64")), ("index_castui", unsigned(retyped("i64")))):
        text = f"%x = arith.{op} %0 : T0 to INDEX\n %r = arith.index_cast %x : INDEX to R"
        yield Case(f"arith.{op}", text, ("i32",), "i64", meaning)


def always(answer: Array) -> Reference:
    """A function of nothing."""
    return lambda: answer


def choice_cases() -> Iterator[Case]:
    for kind in (*REALS, *INTEGERS):
        text = "%r = arith.select %0, %1, %2 : SELECT"
        yield Case("arith.select", text, ("i1", kind, kind), kind, chosen)
    for kind in (*FLOATS, *HALVES, *INTEGERS):
        number = "7" if kind.startswith("i") else "1.7"
        filled = np.full(COUNT, float(number)).astype(DTYPES[kind])
        yield Case("arith.constant", f"%r = arith.constant CONSTANT{number}", (), kind, always(filled))


CASES = [*float_cases(), *integer_cases(), *cast_cases(), *choice_cases(), *comparisons()]
# Without F16C there is no fused multiply-add either.
OF_F16 = [case for case in CASES if "f16" in (*case.sources, case.result) and case.op != "math.fma"]


def shaped(element: str, lanes: int) -> str:
    """The type of a value: a scalar for one lane."""
    return element if lanes == 1 else f"vector<{lanes}x{element}>"


def function(case: Case, lanes: int) -> str:
    """A function that applies the op to buffers of COUNT elements."""
    kinds = [*case.sources, case.result]
    arguments = ", ".join(f"%m{i}: memref<{COUNT}x{kind}>" for i, kind in enumerate(kinds))
    selected = shaped(case.result, lanes)
    body = case.text.replace("SELECT", selected if lanes == 1 else f"{shaped('i1', lanes)}, {selected}")
    body = body.replace("CONSTANT7", f"7 : {selected}" if lanes == 1 else f"dense<7> : {selected}")
    body = body.replace("CONSTANT1.7", f"1.7 : {selected}" if lanes == 1 else f"dense<1.7> : {selected}")
    body = (
        body.replace("INDEX", shaped("index", lanes)).replace("R", selected).replace("M", shaped("i1", lanes))
    )
    for i, kind in enumerate(case.sources):
        body = body.replace(f"T{i}", shaped(kind, lanes))
    loads = "\n".join(
        access("load", f"%{i} = ", f"%m{i}", kind, lanes) for i, kind in enumerate(case.sources)
    )
    store = access("store", "", f"%m{len(case.sources)}", case.result, lanes)
    return f"""
func.func @{case.name}_{lanes}({arguments}) {{
  %lb = arith.constant 0 : index
  %ub = arith.constant {COUNT} : index
  %step = arith.constant {lanes} : index
  scf.for %i = %lb to %ub step %step {{
    {loads}
    {body}
    {store}
  }}
  func.return
}}"""


def typed_text(case: Case, lanes: int) -> str:
    """The text of a case with its types put in."""
    result, mask = shaped(case.result, lanes), shaped("i1", lanes)
    body = case.text.replace("SELECT", result if lanes == 1 else f"{mask}, {result}")
    for number in ("7", "1.7"):
        value = number if lanes == 1 else f"dense<{number}>"
        body = body.replace(f"CONSTANT{number}", f"{value} : {result}")
    body = body.replace("INDEX", shaped("index", lanes)).replace("R", result).replace("M", mask)
    for i, kind in enumerate(case.sources):
        body = body.replace(f"T{i}", shaped(kind, lanes))
    return body


def access(what: str, left: str, buffer: str, kind: str, lanes: int) -> str:
    """A load or store of one value."""
    dialect, tail = ("memref", "") if lanes == 1 else ("vector", f", {shaped(kind, lanes)}")
    value = "%r, " if what == "store" else ""
    return f"{left}{dialect}.{what} {value}{buffer}[%i] : memref<{COUNT}x{kind}>{tail}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_op(case: Case) -> None:
    lanes = (1, 5, 16) if case.result in ("f32", "i32", "i1") else (1, 16)
    module = lowered("\n".join(function(case, n) for n in lanes))
    arrays = case.prepare([numbers(kind, seed) for seed, kind in enumerate(case.sources)])
    with np.errstate(all="ignore"):
        expected = np.asarray(case.reference(*arrays)).astype(DTYPES[case.result])
    for target_name in TARGETS:
        # Linking proves that no library is called.
        image = link([compile_module(module, target(target_name)).object])
        if not missing_features(target(target_name)):
            check(case, NativeImage(image), arrays, expected, lanes)


@pytest.mark.parametrize("case", OF_F16, ids=lambda case: case.name)
def test_halves_of_a_machine_that_does_not_convert_them(case: Case) -> None:
    assert not target("x86-64-v2").has_f16_conversion
    image = load_loops("\n".join(function(case, n) for n in (1, 5, 16)), "x86-64-v2")
    arrays = case.prepare([numbers(kind, seed) for seed, kind in enumerate(case.sources)])
    with np.errstate(all="ignore"):
        expected = np.asarray(case.reference(*arrays)).astype(DTYPES[case.result])
    check(case, image, arrays, expected, (1, 5, 16))


def check(
    case: Case, image: NativeImage, arrays: Sequence[Array], expected: Array, lanes: Sequence[int]
) -> None:
    for n in lanes:
        actual: Array = np.zeros(COUNT, DTYPES[case.result])
        call(image, f"{case.name}_{n}", [*arrays, actual])
        if case.zeros_are_equal:
            actual[(actual == 0) & (expected == 0)] = expected[(actual == 0) & (expected == 0)]
        assert same(actual, expected), (n, [a[actual != expected] for a in (*arrays, actual, expected)])


def test_every_op_has_a_case() -> None:
    elsewhere = {"vector.fma", "vector.bitcast"}
    assert {case.op for case in CASES} == {*ARITH_EMITTERS, *FLOAT_EMITTERS} - elsewhere
