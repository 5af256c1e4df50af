"""Results of models with reals held against their definitions in double precision.

Where two engines differ, neither need be wrong: what a model makes of its numbers may depend on their last
digits.  So the graph level is run twice: with every real a double, which is what all results are measured by,
and in the types of the model with the result of each operation rounded once, which shows how near any results
of these types can be expected to come.
"""

from dataclasses import dataclass

import numpy as np
from onnx import ModelProto
from xdsl.dialects.builtin import ModuleOp, TensorType, f32, f64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, element_of, shape_of, tensor
from penstock.dialects.graph.constant import ConstantOp, constant_value
from penstock.onnx_import import import_model
from penstock.onnx_values import Given, arrays_of, lengths_of
from tools.agreement.comparing import TOLERANCES, difference
from tools.agreement.onnxruntime_values import Values
from tools.agreement.subjects import shapes_of

FAR = 1e-2
"""A difference that is wrong whatever another engine gives, unless the definition is as unsteady."""
ROUNDINGS = 8
"""How often an engine may round where the definition does once: the terms of sums are added one by one."""


@dataclass(frozen=True)
class Errors:
    """How far the results for an output are from its definition."""

    output: str
    ours: float
    theirs: float | None
    """`None` where ONNX Runtime gives none."""
    rounded: float
    """How far the definition itself moves when each result is rounded to its type."""
    tolerance: float

    @property
    def is_right(self) -> bool:
        """Whether ours agrees with the definition, or is at least as near to it as ONNX Runtime's."""
        return self.ours <= self.tolerance or (self.theirs is not None and self.ours <= min(self.theirs, FAR))

    @property
    def is_unsteady(self) -> bool:
        """Whether results of these types cannot be relied on to agree, and ours is as near as they can be."""
        return self.tolerance / ROUNDINGS < self.rounded < np.inf and self.ours <= self.rounded * ROUNDINGS

    def __str__(self) -> str:
        theirs = "" if self.theirs is None else f", ONNX Runtime's {self.theirs:.1e}"
        moved = f"; rounding each result once moves it by {self.rounded:.1e}" if not self.is_right else ""
        return f"'{self.output}' is {self.ours:.1e} from the definition{theirs}{moved}"


def errors_by_definition(
    model: ModelProto, inputs: Given, ours: Values, theirs: Values | None
) -> list[Errors]:
    """How far some outputs are from what the model says."""
    arrays, module = (
        arrays_of(inputs),
        import_model(model, shapes=shapes_of(inputs), lengths=lengths_of(model, inputs)),
    )
    rounded = run_graph(module, arrays)
    exact = run_graph(in_doubles(module), {name: _doubled(array) for name, array in arrays.items()})
    return [
        _errors(name, array, None if theirs is None else theirs[name], rounded[name], exact[name])
        for name, array in ours.items()
    ]


def _errors(name: str, ours: Array, theirs: Array | None, rounded: Array, exact: Array) -> Errors:
    """The errors where there is a right result: beyond the range of a type there is none."""
    with np.errstate(over="ignore"):
        wanted = exact.astype(ours.dtype)
    if wanted.dtype.kind == "f" and rounded.shape == wanted.shape:
        known = np.isfinite(wanted.astype(np.float64)) & np.isfinite(rounded.astype(np.float64))
    else:
        known = np.ones(wanted.shape, np.bool_)

    def error(array: Array) -> float:
        return difference(array[known], wanted[known]) if array.shape == wanted.shape else np.inf

    distance = None if theirs is None else error(theirs)
    return Errors(name, error(ours), distance, error(rounded), TOLERANCES.get(ours.dtype.name, 0.0))


def _doubled(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype == np.float32 else array


def in_doubles(module: ModuleOp) -> ModuleOp:
    """A module with doubles for all numbers in single precision."""
    copy = module.clone()
    for op in copy.walk():
        _double(op)
    return copy


def _double(op: Operation) -> None:
    for value in (*op.results, *(a for region in op.regions for block in region.blocks for a in block.args)):
        _double_type(value)
    for name, attribute in op.properties.items():
        op.properties[name] = f64 if attribute == f32 else attribute
    if isinstance(op, ConstantOp) and op.array.dtype == np.float32:
        op.properties["value"] = constant_value(_doubled(op.array), "doubled")
    if isinstance(op, FuncOp):
        op.update_function_type()


def _double_type(value: SSAValue) -> None:
    if isinstance(value.type, TensorType) and element_of(value) == f32:
        Rewriter.replace_value_with_new_type(value, tensor(shape_of(value), f64))
