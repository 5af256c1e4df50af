"""What the register-only ops of `vector` and the constants of `arith` mean to the loops interpreter.

A vector is an array that nothing writes to once it is made, so that equal names may share it.
"""

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
)
from xdsl.dialects.vector import CombiningKindAttr, CombiningKindFlag
from xdsl.ir import Operation
from xdsl.utils.hints import isa

from penstock.backends.loops.integers import signed, unsigned, wrap
from penstock.backends.loops.kinds import Kind
from penstock.backends.loops.writer import Emit, Writer, attribute, integers, operand_kind, result_kind

# What folds two elements into one, and whether integers are read as unsigned for it.
_FOLDS = {
    CombiningKindFlag.ADD: ("add", False),
    CombiningKindFlag.MUL: ("mul", False),
    CombiningKindFlag.AND: ("and_", False),
    CombiningKindFlag.OR: ("or_", False),
    CombiningKindFlag.XOR: ("xor", False),
    CombiningKindFlag.MINSI: ("min", False),
    CombiningKindFlag.MAXSI: ("max", False),
    CombiningKindFlag.MINUI: ("min", True),
    CombiningKindFlag.MAXUI: ("max", True),
    CombiningKindFlag.MINIMUMF: ("minimum_of", False),
    CombiningKindFlag.MAXIMUMF: ("maximum_of", False),
    CombiningKindFlag.MINNUMF: ("fmin", False),
    CombiningKindFlag.MAXNUMF: ("fmax", False),
}


def _held_integer(value: int, kind: Kind) -> int:
    """A number written signed or unsigned, as the interpreter holds it."""
    if kind.is_mask:
        return value & 1
    half = 2 ** (kind.bits - 1)
    return (value + half) % (2 * half) - half


def _constant(writer: Writer, op: Operation) -> None:
    kind = result_kind(op)
    value = attribute(op, "value")
    result = op.results[0]
    if isinstance(value, IntegerAttr):
        held = writer.known[result] = _held_integer(value.value.data, kind)
        writer.assign(result, str(held))
    elif isinstance(value, FloatAttr):
        writer.assign(result, writer.constant(kind.dtype.type(value.value.data)))
    elif isa(value, DenseIntOrFPElementsAttr) and kind.lanes is not None:
        writer.assign(result, writer.constant(_dense(value, kind)))
    else:
        raise NotImplementedError(f"the loops interpreter has no constant of this form: {op}")


def _dense(value: DenseIntOrFPElementsAttr, kind: Kind) -> NDArray[np.generic]:
    numbers = [
        _held_integer(number.value.data, kind) if isinstance(number, IntegerAttr) else number.value.data
        for number in value.iter_attrs()
    ]
    array = np.array(numbers, kind.dtype)
    array.flags.writeable = False
    return array


def _broadcast(writer: Writer, op: Operation) -> None:
    source, target = operand_kind(op), result_kind(op)
    name = writer.names(op)[0]
    if source.lanes == target.lanes:
        writer.alias(op.results[0], name)
        return
    if source.lanes not in (None, 1):
        raise NotImplementedError(f"the loops interpreter broadcasts scalars: {op}")
    scalar = name if source.lanes is None else f"{name}[0]"
    result = writer.assign(op.results[0], f"empty({target.lanes}, {target.code})")
    writer.line(f"{result}.fill({scalar})")


def _position(writer: Writer, op: Operation) -> str:
    """The lane that extract and insert name; a dynamic one is checked."""
    (position,) = integers(op, "static_position")
    if position != DYNAMIC_INDEX:
        return str(position)
    lanes = operand_kind(op, len(op.operands) - 2).lanes
    return f"lane({writer.names(op)[-1]}, {lanes})"


def _extract(writer: Writer, op: Operation) -> None:
    kind = result_kind(op)
    name = writer.names(op)[0]
    if kind.lanes is not None:
        writer.alias(op.results[0], name)
        return
    position = _position(writer, op)
    writer.assign(op.results[0], f"{name}[{position}]" if kind.is_float else f"{name}.item({position})")


def _insert(writer: Writer, op: Operation) -> None:
    source, target = writer.names(op)[:2]
    if operand_kind(op).lanes is not None:
        writer.alias(op.results[0], source)
        return
    result = writer.assign(op.results[0], f"{target}.copy()")
    writer.line(f"{result}[{_position(writer, op)}] = {source}")


def _shuffle(writer: Writer, op: Operation) -> None:
    # Lane -1 is poison: any value will do.
    lanes = writer.constant(np.array([max(0, lane) for lane in integers(op, "mask")], np.intp))
    writer.assign(op.results[0], f"concatenate(({', '.join(writer.names(op))}))[{lanes}]")


def _create_mask(writer: Writer, op: Operation) -> None:
    lanes = writer.constant(np.arange(result_kind(op).lanes or 1))
    writer.assign(op.results[0], f"{lanes} < {writer.names(op)[0]}")


def _reduction(writer: Writer, op: Operation) -> None:
    """Fold the lanes in order, after the accumulator if there is one."""
    combining = attribute(op, "kind")
    assert isinstance(combining, CombiningKindAttr), "the op's own verifier asks for a kind"
    function, is_unsigned = _FOLDS[combining.data]
    kind = operand_kind(op)
    names = writer.names(op)
    if kind.is_float:
        writer.assign(op.results[0], f"reduce({', '.join([function, *names])})")
        return
    read = unsigned if is_unsigned else signed
    lanes, *start = [read(name, operand_kind(op, index)) for index, name in enumerate(names)]
    name = writer.assign(op.results[0], f"reduce({', '.join([function, f'{lanes}.tolist()', *start])})")
    wrap(writer, name, result_kind(op))


VECTORS: dict[str, Emit] = {
    arith.ConstantOp.name: _constant,
    vector.BroadcastOp.name: _broadcast,
    vector.ExtractOp.name: _extract,
    vector.InsertOp.name: _insert,
    vector.ShuffleOp.name: _shuffle,
    vector.CreateMaskOp.name: _create_mask,
    vector.ReductionOp.name: _reduction,
}
