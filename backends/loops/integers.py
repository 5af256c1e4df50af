"""What the integer ops of `arith` and `math` mean to the loops interpreter, one Python expression each.

In a template {s0} {s1} are the operands read as signed numbers, {u0} {u1} as unsigned ones; a result that
leaves the type's range is wrapped afterwards.  What MLIR calls poison (a shift by the width or more) has a
fixed value here, so that runs repeat; what it calls undefined behaviour (division by zero) raises.
"""

from functools import partial

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation

from penstock.backends.loops.kinds import Kind
from penstock.backends.loops.writer import Emit, Writer, attribute, operand_kind, result_kind
from penstock.dialects import arith_ext

# On Python ints; the results of the first group stay in range by themselves.
_SCALAR_CLOSED = {
    arith.AndIOp.name: "{0} & {1}",
    arith.OrIOp.name: "{0} | {1}",
    arith.XOrIOp.name: "{0} ^ {1}",
    arith.MinSIOp.name: "{0} if {s0} < {s1} else {1}",
    arith.MaxSIOp.name: "{0} if {s0} > {s1} else {1}",
    arith.MinUIOp.name: "{0} if {u0} < {u1} else {1}",
    arith.MaxUIOp.name: "{0} if {u0} > {u1} else {1}",
}
_SCALAR = {
    arith.AddiOp.name: "{s0} + {s1}",
    arith.SubiOp.name: "{s0} - {s1}",
    arith.MuliOp.name: "{s0} * {s1}",
    arith.DivSIOp.name: "{s0} // {s1} if {s0} >= 0 and {s1} > 0 else divide_toward_zero({s0}, {s1})",
    arith.RemSIOp.name: "{s0} % {s1} if {s0} >= 0 and {s1} > 0 else remainder_toward_zero({s0}, {s1})",
    arith.FloorDivSIOp.name: "{s0} // {s1}",
    arith.CeilDivSIOp.name: "-(-{s0} // {s1})",
    arith.DivUIOp.name: "{u0} // {u1}",
    arith.CeilDivUIOp.name: "-(-{u0} // {u1})",
    arith.RemUIOp.name: "{u0} % {u1}",
    arith.ShLIOp.name: "{u0} << {u1} if {u1} < {bits} else 0",
    arith.ShRUIOp.name: "{u0} >> {u1} if {u1} < {bits} else 0",
    arith.ShRSIOp.name: "{s0} >> min({u1}, {bits})",
    math.AbsIOp.name: "abs({s0})",
    math.CtPopOp.name: "int({u0}).bit_count()",
    math.CountLeadingZerosOp.name: "{bits} - int({u0}).bit_length()",
    math.CountTrailingZerosOp.name: "trailing_zeros({u0}, {bits})",
    math.IPowIOp.name: "integer_power({s0}, {s1})",
}
# On arrays: results of the operands' own type, unsigned ones to be read as signed, and those of any type.
_VECTOR_BITWISE = {
    arith.AndIOp.name: "{0} & {1}",
    arith.OrIOp.name: "{0} | {1}",
    arith.XOrIOp.name: "{0} ^ {1}",
}
_VECTOR_SIGNED = {
    arith.MinSIOp.name: "minimum({s0}, {s1})",
    arith.MaxSIOp.name: "maximum({s0}, {s1})",
    arith.AddiOp.name: "{s0} + {s1}",
    arith.SubiOp.name: "{s0} - {s1}",
    arith.MuliOp.name: "{s0} * {s1}",
    arith.ShRSIOp.name: "{s0} >> {s1}",
    math.AbsIOp.name: "abs({s0})",
}
_VECTOR_UNSIGNED = {
    arith.MinUIOp.name: "minimum({u0}, {u1})",
    arith.MaxUIOp.name: "maximum({u0}, {u1})",
    arith.ShLIOp.name: "({u0} << {u1})",
    arith.ShRUIOp.name: "({u0} >> {u1})",
}
_VECTOR_ANY = {
    arith.DivSIOp.name: "each(divide_toward_zero, {s0}, {s1})",
    arith.RemSIOp.name: "each(remainder_toward_zero, {s0}, {s1})",
    arith.FloorDivSIOp.name: "each(floordiv, {s0}, {s1})",
    arith.CeilDivSIOp.name: "each(divide_up, {s0}, {s1})",
    arith.DivUIOp.name: "each(floordiv, {u0}, {u1})",
    arith.CeilDivUIOp.name: "each(divide_up, {u0}, {u1})",
    arith.RemUIOp.name: "each(mod, {u0}, {u1})",
    math.CtPopOp.name: "bitwise_count({u0})",
    math.CountLeadingZerosOp.name: "({bits} - bitwise_count(smear({u0})))",
    math.CountTrailingZerosOp.name: "minimum(bitwise_count(~{u0} & ({u0} - 1)), {bits})",
    math.IPowIOp.name: "each(integer_power, {s0}, {s1})",
}
_PREDICATES = (
    "{s0} == {s1}",
    "{s0} != {s1}",
    "{s0} < {s1}",
    "{s0} <= {s1}",
    "{s0} > {s1}",
    "{s0} >= {s1}",
    "{u0} < {u1}",
    "{u0} <= {u1}",
    "{u0} > {u1}",
    "{u0} >= {u1}",
)


def signed(name: str, kind: Kind) -> str:
    """The expression that reads a value as signed: a set `i1` is -1."""
    if not kind.is_mask:
        return name
    return f"(-int({name}))" if kind.lanes is None else f"(-{name}.view(i8))"


def unsigned(name: str, kind: Kind) -> str:
    """The expression that reads a value as unsigned."""
    if kind.lanes is not None:
        return f"{name}.view(u{max(kind.bits, 8)})"
    return f"int({name})" if kind.is_mask else f"({name} & {2**kind.bits - 1})"


def wrap(writer: Writer, name: str, kind: Kind) -> None:
    """Bring the Python int `name` back into the range of its type."""
    if kind.is_mask:
        writer.line(f"{name} &= 1")
        return
    half = 2 ** (kind.bits - 1)
    writer.line(f"if not {-half} <= {name} < {half}: {name} = ({name} + {half} & {2 * half - 1}) - {half}")


def held(expression: str, kind: Kind) -> str:
    """The expression that brings an integer array of any type to the type of `kind`, modulo its width."""
    return f"(({expression}) & 1) != 0" if kind.is_mask else f"({expression}).astype({kind.code})"


def _fill(writer: Writer, op: Operation, template: str) -> str:
    kind = operand_kind(op)
    names = writer.names(op)
    readings = {f"s{i}": signed(name, kind) for i, name in enumerate(names)}
    readings |= {f"u{i}": unsigned(name, kind) for i, name in enumerate(names)}
    return template.format(*names, **readings, bits=kind.bits)


def _scalar(writer: Writer, op: Operation) -> None:
    if op.name in _SCALAR_CLOSED:
        writer.assign(op.results[0], _fill(writer, op, _SCALAR_CLOSED[op.name]))
        return
    name = writer.assign(op.results[0], _fill(writer, op, _SCALAR[op.name]))
    wrap(writer, name, result_kind(op))


def _vector_expression(writer: Writer, op: Operation, kind: Kind) -> str:
    if op.name in _VECTOR_BITWISE:
        return _fill(writer, op, _VECTOR_BITWISE[op.name])
    template = (_VECTOR_SIGNED | _VECTOR_UNSIGNED | _VECTOR_ANY)[op.name]
    expression = _fill(writer, op, template)
    if kind.is_mask or op.name in _VECTOR_ANY:
        return held(expression, kind)
    return expression if op.name in _VECTOR_SIGNED else f"{expression}.view({kind.code})"


def _integer_op(writer: Writer, op: Operation) -> None:
    kind = result_kind(op)
    if kind.lanes is None:
        _scalar(writer, op)
    else:
        writer.assign(op.results[0], _vector_expression(writer, op, kind))


def _compare(writer: Writer, op: Operation) -> None:
    predicate = attribute(op, "predicate")
    assert isinstance(predicate, IntegerAttr)
    writer.assign(op.results[0], _fill(writer, op, _PREDICATES[predicate.value.data]))


def _extended(function: str, readings: str, writer: Writer, op: Operation) -> None:
    """Ops with two results, computed on Python ints: `function` gives the pair for one lane."""
    kind = operand_kind(op)
    lane = f"{function}, {kind.bits}, {_fill(writer, op, readings)}"
    first, second = writer.fresh(), writer.fresh()
    writer.line(f"{first}, {second} = {'pair' if kind.lanes is None else 'pairs'}({lane})")
    for result, name in zip(op.results, (first, second), strict=True):
        if kind.lanes is not None:
            writer.assign(result, held(name, result_kind(op, result.index)))
            continue
        writer.alias(result, name)
        wrap(writer, name, result_kind(op, result.index))


def _resize(reading: str, writer: Writer, op: Operation) -> None:
    """Extension, truncation and index casts: read as signed or unsigned, keep the bits that fit."""
    source, target = operand_kind(op), result_kind(op)
    expression = _fill(writer, op, reading)
    if target.lanes is not None:
        writer.assign(op.results[0], held(expression, target))
        return
    name = writer.assign(op.results[0], expression)
    if target.bits <= source.bits:
        wrap(writer, name, target)


INTEGERS: dict[str, Emit] = {
    **dict.fromkeys(_SCALAR_CLOSED | _SCALAR, _integer_op),
    arith.CmpiOp.name: _compare,
    arith.AddUIExtendedOp.name: partial(_extended, "add_with_carry", "{u0}, {u1}"),
    arith.MulUIExtendedOp.name: partial(_extended, "multiply_extended", "{u0}, {u1}"),
    arith.MulSIExtendedOp.name: partial(_extended, "multiply_extended", "{s0}, {s1}"),
    arith.ExtSIOp.name: partial(_resize, "{s0}"),
    arith.ExtUIOp.name: partial(_resize, "{u0}"),
    arith.TruncIOp.name: partial(_resize, "{s0}"),
    arith.IndexCastOp.name: partial(_resize, "{s0}"),
    arith_ext.IndexCastUIOp.name: partial(_resize, "{u0}"),
}
