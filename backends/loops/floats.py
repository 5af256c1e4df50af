"""What the floating-point ops of `arith` and `math` mean to the loops interpreter, one expression each.

Values are NumPy scalars or arrays of their own type, so each op rounds to that type.  Functions of `math`
without a machine instruction are evaluated in float64 and rounded once more.  A float to integer conversion
out of range is poison in MLIR; here it gives the least signed integer, as x86 does.

Three results may be one rounding away from exact: an fma of f16, bf16 or f32 (summed in float64, then
rounded: about one in 2**29 of those of f32), functions of f64 (NumPy's own accuracy), and f64 or wide
integers narrowed to bf16 (which pass through f32).
"""

from functools import partial

from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation

from penstock.backends.loops.integers import signed, unsigned
from penstock.backends.loops.writer import Emit, Writer, attribute, operand_kind, result_kind

_SAME_FOR_BOTH = {
    arith.AddfOp.name: "{0} + {1}",
    arith.SubfOp.name: "{0} - {1}",
    arith.MulfOp.name: "{0} * {1}",
    arith.DivfOp.name: "{0} / {1}",
    arith.NegfOp.name: "-{0}",
    math.AbsFOp.name: "abs({0})",
    math.CopySignOp.name: "copysign({0}, {1})",
    math.FloorOp.name: "floor({0})",
    math.CeilOp.name: "ceil({0})",
    math.TruncOp.name: "trunc({0})",
    math.RoundEvenOp.name: "rint({0})",
    math.RoundOp.name: "round_half_away({0})",
    math.SqrtOp.name: "sqrt({0})",
}
# The sign of zero and NaN are kept as IEEE 754-2019 says: `maximumf` propagates NaN, `maxnumf` drops it.
_SCALAR_EXTREMES = {
    arith.MaximumfOp.name: "{0} if {0} > {1} else {1} if {1} > {0} else equal_maximum({0}, {1})",
    arith.MinimumfOp.name: "{0} if {0} < {1} else {1} if {1} < {0} else equal_minimum({0}, {1})",
    arith.MaxnumfOp.name: "{0} if {0} > {1} or {1} != {1} else {1}",
    arith.MinnumfOp.name: "{0} if {0} < {1} or {1} != {1} else {1}",
}
_VECTOR_EXTREMES = {
    arith.MaximumfOp.name: "vector_maximum({0}, {1})",
    arith.MinimumfOp.name: "vector_minimum({0}, {1})",
    arith.MaxnumfOp.name: "fmax({0}, {1})",
    arith.MinnumfOp.name: "fmin({0}, {1})",
}
# Evaluated in float64: {0} and {1} are already extended.
_FUNCTIONS = {
    math.AcosOp.name: "arccos({0})",
    math.AcoshOp.name: "arccosh({0})",
    math.AsinOp.name: "arcsin({0})",
    math.AsinhOp.name: "arcsinh({0})",
    math.AtanOp.name: "arctan({0})",
    math.Atan2Op.name: "arctan2({0}, {1})",
    math.AtanhOp.name: "arctanh({0})",
    math.CbrtOp.name: "cbrt({0})",
    math.CosOp.name: "cos({0})",
    math.CoshOp.name: "cosh({0})",
    math.ErfOp.name: "erf({0})",
    math.ExpOp.name: "exp({0})",
    math.Exp2Op.name: "exp2({0})",
    math.ExpM1Op.name: "expm1({0})",
    math.LogOp.name: "log({0})",
    math.Log10Op.name: "log10({0})",
    math.Log1pOp.name: "log1p({0})",
    math.Log2Op.name: "log2({0})",
    math.PowFOp.name: "power({0}, {1})",
    math.RsqrtOp.name: "(1.0 / sqrt({0}))",
    math.SinOp.name: "sin({0})",
    math.SinhOp.name: "sinh({0})",
    math.TanOp.name: "tan({0})",
    math.TanhOp.name: "tanh({0})",
}
# Indexed by arith's numbering of predicates; the unordered ones are negations of their ordered opposites.
_PREDICATES = (
    ("{0} != {0}) & ({0} == {0}", False),
    ("{0} == {1}", False),
    ("{0} > {1}", False),
    ("{0} >= {1}", False),
    ("{0} < {1}", False),
    ("{0} <= {1}", False),
    ("{0} < {1}) | ({0} > {1}", False),
    ("{0} == {0}) & ({1} == {1}", False),
    ("{0} < {1}) | ({0} > {1}", True),
    ("{0} <= {1}", True),
    ("{0} < {1}", True),
    ("{0} >= {1}", True),
    ("{0} > {1}", True),
    ("{0} == {1}", True),
    ("{0} == {0}) & ({1} == {1}", True),
    ("{0} != {0}) & ({0} == {0}", True),
)


def _same_for_both(writer: Writer, op: Operation) -> None:
    writer.assign(op.results[0], _SAME_FOR_BOTH[op.name].format(*writer.names(op)))


def _extreme(writer: Writer, op: Operation) -> None:
    table = _SCALAR_EXTREMES if result_kind(op).lanes is None else _VECTOR_EXTREMES
    writer.assign(op.results[0], table[op.name].format(*writer.names(op)))


def _function(writer: Writer, op: Operation) -> None:
    extended = [f"{name}.astype(f64)" for name in writer.names(op)]
    writer.assign(op.results[0], f"{_FUNCTIONS[op.name].format(*extended)}.astype({result_kind(op).code})")


def _fma(writer: Writer, op: Operation) -> None:
    kind = result_kind(op)
    function = "fma_exact" if kind.bits == 64 else "fma" if kind.lanes is not None else "fma_scalar"
    writer.assign(op.results[0], f"{function}({', '.join(writer.names(op))}, {kind.code})")


def _compare(writer: Writer, op: Operation) -> None:
    predicate = attribute(op, "predicate")
    assert isinstance(predicate, IntegerAttr)
    template, negated = _PREDICATES[predicate.value.data]
    not_ = "" if not negated else "not " if operand_kind(op).lanes is None else "~"
    writer.assign(op.results[0], f"{not_}(({template.format(*writer.names(op))}))")


def _select(writer: Writer, op: Operation) -> None:
    condition, lhs, rhs = writer.names(op)
    is_vector = operand_kind(op).lanes is not None
    writer.assign(
        op.results[0],
        f"where({condition}, {lhs}, {rhs})" if is_vector else f"{lhs} if {condition} else {rhs}",
    )


def _convert_float(writer: Writer, op: Operation) -> None:
    writer.assign(op.results[0], f"{writer.names(op)[0]}.astype({result_kind(op).code})")


def _from_integer(is_signed: bool, writer: Writer, op: Operation) -> None:
    source, target = operand_kind(op), result_kind(op)
    reading = (signed if is_signed else unsigned)(writer.names(op)[0], source)
    if source.lanes is None:
        # Through a 64-bit integer: a Python int would pass through float64 and be rounded twice.
        reading = f"{'i64' if is_signed else 'u64'}({reading})"
    writer.assign(op.results[0], f"{reading}.astype({target.code})")


def _to_integer(is_signed: bool, writer: Writer, op: Operation) -> None:
    target = result_kind(op)
    function = "to_integer" if target.lanes is None else "to_integers"
    expression = f"{function}({writer.names(op)[0]}, {target.bits}, {is_signed})"
    if target.lanes is not None:
        expression += f".astype({target.code})"
    writer.assign(op.results[0], expression)


def _integer_power(writer: Writer, op: Operation) -> None:
    base, exponent = writer.names(op)
    kind = result_kind(op)
    exponent = f"f64({exponent})" if kind.lanes is None else f"{exponent}.astype(f64)"
    writer.assign(op.results[0], f"power({base}.astype(f64), {exponent}).astype({kind.code})")


def _bitcast(writer: Writer, op: Operation) -> None:
    source, target = operand_kind(op), result_kind(op)
    name = writer.names(op)[0]
    if source.is_mask or target.is_mask:
        raise NotImplementedError(f"the loops interpreter does not bitcast i1: {op}")
    if target.lanes is not None:
        writer.assign(op.results[0], f"{name}.view({target.code})")
        return
    bits = f"array({name}, {source.code}).view({target.code})"
    writer.assign(op.results[0], f"{bits}[()]" if target.is_float else f"{bits}.item()")


FLOATS: dict[str, Emit] = {
    **dict.fromkeys(_SAME_FOR_BOTH, _same_for_both),
    **dict.fromkeys(_SCALAR_EXTREMES, _extreme),
    **dict.fromkeys(_FUNCTIONS, _function),
    math.FmaOp.name: _fma,
    vector.FMAOp.name: _fma,
    math.FPowIOp.name: _integer_power,
    arith.CmpfOp.name: _compare,
    arith.SelectOp.name: _select,
    arith.ExtFOp.name: _convert_float,
    arith.TruncFOp.name: _convert_float,
    arith.SIToFPOp.name: partial(_from_integer, True),
    arith.UIToFPOp.name: partial(_from_integer, False),
    arith.FPToSIOp.name: partial(_to_integer, True),
    arith.FPToUIOp.name: partial(_to_integer, False),
    arith.BitcastOp.name: _bitcast,
    vector.BitcastOp.name: _bitcast,
}
