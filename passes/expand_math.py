"""The pass `expand-math`: functions without a machine instruction become arithmetic, late at loops level."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects import arith, builtin, math, vector
from xdsl.dialects.builtin import BFloat16Type, DenseIntOrFPElementsAttr, Float16Type, FloatAttr, f32
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException
from xdsl.utils.type import get_element_type_or_self

from penstock.passes.math_expansions.bounds import BOUNDS, Bound
from penstock.passes.math_expansions.circular import cos, sin, tan
from penstock.passes.math_expansions.error_function import erf
from penstock.passes.math_expansions.exponential import exp, exp2, expm1
from penstock.passes.math_expansions.formats import FORMATS, with_element
from penstock.passes.math_expansions.hyperbolic import acosh, asinh, atanh, cosh, sinh, tanh
from penstock.passes.math_expansions.inverse_circular import acos, asin, atan, atan2
from penstock.passes.math_expansions.logarithm import log, log1p, log2, log10
from penstock.passes.math_expansions.power import fpowi, ipowi, powf, powf_of_constant
from penstock.passes.math_expansions.roots import cbrt, round_half_away, rsqrt
from penstock.passes.math_expansions.terms import Real, Site, Whole
from penstock.passes.op_walk import every_op

Expansion = Callable[[Site, Operation], SSAValue]
CONSTANTS = (arith.ConstantOp, vector.BroadcastOp)
"""What formulas make their numbers with; they broadcast nothing else."""


def _real(site: Site, operand: SSAValue) -> Real:
    """An operand as a single or double; a half or bfloat16 is widened."""
    element = get_element_type_or_self(operand.type)
    if isinstance(element, Float16Type | BFloat16Type):
        operand = site.build(arith.ExtFOp(operand, with_element(operand.type, f32)))
    elif type(element) not in FORMATS:
        raise PassFailedException(f"expand-math: no formulas for numbers of type {element}")
    return Real(site, operand)


def _whole(site: Site, operand: SSAValue) -> Whole:
    """An operand as an integer of known width."""
    element = get_element_type_or_self(operand.type)
    if not isinstance(element, builtin.IntegerType):
        raise PassFailedException(f"expand-math: no formulas for integers of type {element}")
    return Whole(site, operand)


def _result(term: Real, op: Operation) -> SSAValue:
    """The value of an expansion in the type of the op it stands for."""
    target = op.results[0].type
    return term.value if term.value.type == target else term.site.build(arith.TruncFOp(term.value, target))


def of_one(formula: Callable[[Real], Real]) -> Expansion:
    """The expansion of an op of one number."""
    return lambda site, op: _result(formula(_real(site, op.operands[0])), op)


def _of_two(formula: Callable[[Real, Real], Real]) -> Expansion:
    """The expansion of an op of two numbers."""
    return lambda site, op: _result(formula(*(_real(site, operand) for operand in op.operands)), op)


def _literal(value: SSAValue) -> float | None:
    """The number that a constant holds, in all elements if it is a vector."""
    if not isinstance(value.owner, arith.ConstantOp):
        return None
    match value.owner.value:
        case FloatAttr() as number:
            return number.value.data
        case DenseIntOrFPElementsAttr() as dense:
            numbers = {number for number in dense.iter_values() if isinstance(number, float)}
            return numbers.pop() if len(numbers) == 1 else None
        case _:
            return None


def _powf(site: Site, op: Operation) -> SSAValue:
    """A power, without logarithm and exponential where a constant exponent allows it."""
    base = _real(site, op.operands[0])
    exponent = _literal(op.operands[1])
    simple = None if exponent is None else powf_of_constant(base, exponent)
    return _result(simple or powf(base, _real(site, op.operands[1])), op)


def _fpowi(site: Site, op: Operation) -> SSAValue:
    """A number to an integer power."""
    return _result(fpowi(_real(site, op.operands[0]), _whole(site, op.operands[1])), op)


def _ipowi(site: Site, op: Operation) -> SSAValue:
    """An integer to an integer power."""
    return ipowi(_whole(site, op.operands[0]), _whole(site, op.operands[1])).value


EXPANSIONS: Mapping[type[Operation], Expansion] = {
    math.ExpOp: of_one(exp),
    math.Exp2Op: of_one(exp2),
    math.ExpM1Op: of_one(expm1),
    math.LogOp: of_one(log),
    math.Log2Op: of_one(log2),
    math.Log10Op: of_one(log10),
    math.Log1pOp: of_one(log1p),
    math.TanhOp: of_one(tanh),
    math.SinhOp: of_one(sinh),
    math.CoshOp: of_one(cosh),
    math.AsinhOp: of_one(asinh),
    math.AcoshOp: of_one(acosh),
    math.AtanhOp: of_one(atanh),
    math.SinOp: of_one(sin),
    math.CosOp: of_one(cos),
    math.TanOp: of_one(tan),
    math.AsinOp: of_one(asin),
    math.AcosOp: of_one(acos),
    math.AtanOp: of_one(atan),
    math.Atan2Op: _of_two(atan2),
    math.ErfOp: of_one(erf),
    math.CbrtOp: of_one(cbrt),
    math.RsqrtOp: of_one(rsqrt),
    math.RoundOp: of_one(round_half_away),
    math.PowFOp: _powf,
    math.FPowIOp: _fpowi,
    math.IPowIOp: _ipowi,
}


def runs(found: Sequence[Operation]) -> list[list[Operation]]:
    """Neighbouring ops of one kind, none of which needs another's result."""
    grouped: list[list[Operation]] = []
    for op in found:
        last = grouped[-1] if grouped else []
        follows = bool(last) and op.prev_op is last[-1] and type(op) is type(last[0])
        if follows and not any(operand.owner in last for operand in op.operands):
            last.append(op)
        else:
            grouped.append([op])
    return grouped


def expand(op: Operation, expansion: Expansion, site: Site) -> list[Operation]:
    """Replace one op by its formula, built before it; the ops of the formula."""
    site.builder.insertion_point = InsertPoint.before(op)
    before = op.prev_op
    name = op.results[0].name_hint
    value = expansion(site, op)
    op.results[0].replace_all_uses_with(value)
    value.name_hint = value.name_hint or name
    made: list[Operation] = []
    step = op.prev_op
    while step is not before and step is not None:
        made.append(step)
        step = step.prev_op
    Rewriter.erase_op(op)
    return made[::-1]


def interleave(formulas: Sequence[list[Operation]]) -> None:
    """Put equal formulas that stand one behind another side by side, operation by operation.

    Each is one chain of dependent operations: a machine looks too few operations ahead to find the next one.
    """
    # The first one also made the constants that all share, each before its first use.
    first, *others = [[op for op in each if not isinstance(op, CONSTANTS)] for each in formulas]
    for place, *same in zip(first, *others, strict=True):
        for op in same:
            op.detach()
            Rewriter.insert_op(op, InsertPoint.after(place))
            place = op


def expand_all(module: builtin.ModuleOp, table: Mapping[type[Operation], Expansion]) -> None:
    """Expand every op of a table; the ops of one block share their constants."""
    sites: dict[Block, Site] = {}
    for run in runs([nested for nested in every_op(module) if type(nested) in table]):
        block = run[0].parent_block()
        assert block is not None, f"{run[0].name} stands in no block"
        if block not in sites:
            sites[block] = Site(Builder(InsertPoint.before(run[0])))
        interleave([expand(nested, table[type(nested)], sites[block]) for nested in run])


@dataclass(frozen=True)
class ExpandMathPass(ModulePass):
    """Rewrite each `math` op that has no machine instruction into arithmetic on scalars or 1-D vectors.

    It needs f16, bf16, f32 or f64 operands and the rounding to nearest that all code here runs under.  It
    leaves fma, sqrt, absf, absi, copysign and the bit counts of the math dialect, and leaves floor, ceil,
    trunc and roundeven to `expand-rounding`.  It adds no branch, table or call, and knows no `index` and no
    longer format.
    """

    name = "expand-math"
    numerics: ClassVar[str] = "approximates(4 ulp)"
    bounds: ClassVar[Mapping[str, Bound]] = BOUNDS

    def apply(self, ctx: Context, op: builtin.ModuleOp) -> None:
        expand_all(op, EXPANSIONS)
