"""The reference executor: runs a module of the `graph` level by the NumPy meaning of its operations."""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from penstock.dialects.element_types import element_type, numpy_dtype
from penstock.dialects.graph.base import Array, compatible, element_of, tensor, tensor_of
from penstock.dialects.graph.evaluation import Evaluate, by_definition, evaluate_block
from penstock.errors import CallError


def main_function(module: ModuleOp) -> FuncOp:
    """The function `@main` of a module."""
    for op in module.ops:
        if isinstance(op, FuncOp) and op.sym_name.data == "main":
            return op
    raise LookupError("the module has no function @main")


def argument_names(function: FuncOp) -> list[str]:
    """The names of a function's inputs in the model."""
    return _names(function.arg_attrs, "input", len(function.function_type.inputs))


def result_names(function: FuncOp) -> list[str]:
    """The names of a function's results in the model."""
    return _names(function.res_attrs, "output", len(function.function_type.outputs))


def _names(attributes: ArrayAttr[DictionaryAttr] | None, kind: str, count: int) -> list[str]:
    given = [a.data.get("graph.name") for a in attributes] if attributes is not None else [None] * count
    return [n.data if isinstance(n, StringAttr) else f"{kind}{i}" for i, n in enumerate(given)]


def run_graph(module: ModuleOp, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Run `@main` on arrays by name; `CallError` when an input is missing, unknown or of another type."""
    function = main_function(module)
    names = argument_names(function)
    for name in (*names, *inputs):
        if (name in names) != (name in inputs):
            state = "missing" if name in names else "not one of the model's"
            raise CallError(f"input {name!r} is {state}", remedy=f"The inputs are {names}.")
    results = evaluate_function(function, [inputs[name] for name in names])
    return dict(zip(result_names(function), results, strict=True))


def evaluate_function(
    function: FuncOp, arrays: Sequence[Array], evaluate: Evaluate = by_definition
) -> list[Array]:
    """The results of a function of `graph` operations on arrays in the order of its arguments."""
    for argument, array in zip(function.args, arrays, strict=True):
        _check(argument, array)
    return evaluate_block(function.body.block, dict(zip(function.args, arrays, strict=True)), evaluate)


def _check(argument: SSAValue, array: Array) -> None:
    if array.dtype != numpy_dtype(element_of(argument)) or not compatible(
        tensor_of(argument), tensor(array.shape, element_type(array.dtype))
    ):
        raise CallError(f"got {array.dtype} {list(array.shape)}, the model takes {argument.type}")
