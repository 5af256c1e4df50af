"""An executable meaning for the loops level, which shares nothing with its lowering and so can judge it.

Each function is translated once into Python source, by tables with one entry per op, and compiled by Python,
so that an op costs little more than NumPy's own call.  Every access to memory is checked against its
memref's shape.
"""

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from penstock.backends.loops import memory, runtime, views
from penstock.backends.loops.control import CONTROL, write_function
from penstock.backends.loops.floats import FLOATS
from penstock.backends.loops.integers import INTEGERS
from penstock.backends.loops.kinds import buffer_of, kind_of
from penstock.backends.loops.memory import MEMORY
from penstock.backends.loops.vectors import VECTORS
from penstock.backends.loops.views import VIEWS
from penstock.backends.loops.writer import Emit, Writer
from penstock.dialects.element_types import stored

Array = NDArray[np.generic]

# One entry per op, by its name: subclasses of upstream's ops that widen their types keep name and meaning.
MEANINGS: dict[str, Emit] = INTEGERS | FLOATS | VECTORS | MEMORY | VIEWS | CONTROL

_UFUNCS = (
    "arccos arccosh arcsin arcsinh arctan arctan2 arctanh array bitwise_count cbrt ceil concatenate copysign "
    "cos cosh empty exp exp2 expm1 floor fmax fmin log log10 log1p log2 maximum minimum power rint sin "
    "sinh sqrt tan tanh trunc where"
)
_HELPERS = (
    "add_with_carry divide_toward_zero divide_up each equal_maximum equal_minimum erf fma fma_exact "
    "fma_scalar integer_power lane maximum_of minimum_of multiply_extended pair pairs remainder_toward_zero "
    "round_half_away smear to_integer to_integers trailing_zeros vector_maximum vector_minimum"
)
_NAMES: dict[str, object] = {
    **{name: getattr(np, name) for name in _UFUNCS.split()},
    **{name: getattr(runtime, name) for name in _HELPERS.split()},
    **{f"i{bits}": getattr(np, f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"u{bits}": getattr(np, f"uint{bits}") for bits in (8, 16, 32, 64)},
    **{f"f{bits}": getattr(np, f"float{bits}") for bits in (16, 32, 64)},
    **{name: getattr(operator, name) for name in ("add", "mul", "and_", "or_", "xor", "floordiv", "mod")},
    "i1": np.bool_,
    "bf16": ml_dtypes.bfloat16,
    "reduce": functools.reduce,
    "masked_load": memory.masked_load,
    "masked_store": memory.masked_store,
    "fresh_buffer": views.fresh_buffer,
}


class BudgetExceeded(RuntimeError):
    """The module executes more steps than the caller allowed."""


@dataclass
class _Budget:
    allowed: float
    spent: int = 0

    def spend(self, steps: int) -> None:
        self.spent += steps
        if self.spent > self.allowed:
            raise BudgetExceeded(f"the run needs {self.spent} steps or more; {self.allowed} were allowed")


def _require_positive(step: int) -> None:
    if step <= 0:
        raise ValueError(f"'scf.for' has a step of {step}")


def _flat(array: Array, type_: Attribute, position: int) -> Array:
    """The memory of an argument as the flat array that stands for a memref."""
    buffer = buffer_of(type_)
    wanted = buffer.storage
    array = stored(array)
    # Integers of one width differ by their ops only; bf16 may be held as its bits.
    is_held = array.dtype == wanted or array.dtype.kind in "iub" and wanted.kind in "iubV"
    if not is_held or array.dtype.itemsize != wanted.itemsize or array.size != buffer.span:
        raise ValueError(
            f"argument {position} is {type_}, not an array of {array.size} elements of {array.dtype}"
        )
    if not array.flags.c_contiguous:
        raise ValueError(f"argument {position} is not contiguous, so it cannot be written in place")
    return array.reshape(-1).view(wanted)


def _argument(array: Array, type_: Attribute, position: int) -> object:
    if isa(type_, MemRefType):
        return _flat(array, type_, position)
    kind = kind_of(type_)
    value = array.astype(kind.dtype).reshape(())
    return value[()] if kind.is_float else value.item()


@dataclass(frozen=True)
class LoopsProgram:
    """A loops-level module translated to Python: `source` can be read, `run` executes a function."""

    source: str
    signatures: Mapping[str, Sequence[Attribute]]
    _functions: dict[str, Callable[..., object]]
    _budget: _Budget

    def run(self, function: str, arrays: Sequence[Array], max_steps: int | None = None) -> int:
        """Run a function on one array per argument, writing memrefs in place; return the steps it took."""
        if function not in self.signatures:
            raise KeyError(f"the module defines no function @{function}")
        types = self.signatures[function]
        if len(types) != len(arrays):
            raise ValueError(f"@{function} takes {len(types)} arguments, not {len(arrays)}")
        arguments = [
            _argument(array, type_, i) for i, (array, type_) in enumerate(zip(arrays, types, strict=True))
        ]
        self._budget.allowed, self._budget.spent = math.inf if max_steps is None else max_steps, 0
        with np.errstate(all="ignore"):
            self._functions[function](*arguments)
        return self._budget.spent


def translate_loops(module: ModuleOp) -> LoopsProgram:
    """Translate all functions of a module; an op without a meaning raises `NotImplementedError`."""
    functions = [op for op in module.body.block.ops if isinstance(op, FuncOp) and op.body.blocks]
    names = {op.sym_name.data: f"f{i}" for i, op in enumerate(functions)}
    writer = Writer(MEANINGS, names)
    for op in functions:
        write_function(writer, op)
    budget = _Budget(math.inf)
    namespace = _NAMES | {f"c{i}": value for i, value in enumerate(writer.constants)}
    namespace |= {"spend": budget.spend, "require_positive": _require_positive}
    source = "\n".join(writer.lines)
    exec(compile(source, "<loops>", "exec"), namespace)
    translated = {name: namespace[python_name] for name, python_name in names.items()}
    signatures = {op.sym_name.data: tuple(op.function_type.inputs) for op in functions}
    return LoopsProgram(source, signatures, {k: f for k, f in translated.items() if callable(f)}, budget)


def run_loops(
    module: ModuleOp, function: str, arrays: Sequence[Array], *, max_steps: int | None = None
) -> None:
    """Run a function of a loops-level module on arrays, one per argument; memrefs are written in place."""
    translate_loops(module).run(function, arrays, max_steps)
