"""What the tests of `lower-graph-to-nest` share: one graph op lowered, executed at each level and compared.

The op's own `evaluate` says what is right.  The nests run in the nest interpreter, the loops they become in
the loops interpreter, which both check every access, and as machine code.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.ir import Attribute, Block, Region, SSAValue

from penstock.backends.llvm import NativeImage, compile_module, link
from penstock.backends.loops_interpreter import run_loops
from penstock.backends.nest_interpreter import run_nests
from penstock.backends.nests.buffers import fresh_buffer
from penstock.backends.targets import target
from penstock.dialects.element_types import element_type, numpy_dtype
from penstock.dialects.graph.base import GraphOp, Tensor, static_shape_of, tensor, tensor_of
from penstock.dialects.nest.ops import ConstantOp, element_of, shape_of
from penstock.passes.expand_math import ExpandMathPass
from penstock.passes.lowering.graph_to_nest import LowerGraphToNest
from penstock.passes.lowering.loops_to_llvm import LowerLoopsToLLVM
from penstock.passes.lowering.nest_to_loops import LowerNestToLoops
from tests.guard_pages import SIDES, call_fenced

Array = NDArray[np.generic]
Operand = Array | Sequence[Array] | None
"""The array of an operand, those of a variadic one, or nothing for an optional one."""
Properties = Mapping[str, Attribute | None]


def check_op(
    cls: type[GraphOp],
    operands: Sequence[Operand],
    properties: Properties | None = None,
    *,
    ulps: float = 4,
    results: int = 1,
    levels: Sequence[str] = ("nest", "loops", "code"),
) -> None:
    """The op means the same after its lowering: integers exactly, floats within `ulps` of the largest result.

    Floats of ops that only move them are compared with `ulps=0`: bit by bit, so NaN equals itself.
    """
    module = graph_module(cls, operands, properties or {}, results)
    arrays = flat(operands)
    op = next(o for o in module.walk() if isinstance(o, cls))
    wanted = op.evaluate(*arrays)
    for level in levels:
        for got, want in zip(LEVELS[level](module.clone(), arrays), wanted, strict=True):
            compare(got, want, ulps, f"{cls.name} {dict(properties or {})} at the {level} level")


def flat(operands: Sequence[Operand]) -> list[Array]:
    """The arrays of all operands in order."""
    arrays: list[Array] = []
    for operand in operands:
        if operand is not None:
            arrays += [operand] if isinstance(operand, np.ndarray) else list(operand)
    return arrays


def graph_module(
    cls: type[GraphOp], operands: Sequence[Operand], properties: Properties, results: int = 1
) -> ModuleOp:
    """A verified module whose @main is one op over the given operands."""
    types = [tensor(a.shape, element_type(a.dtype)) for a in flat(operands)]
    block = Block(arg_types=types)
    arguments = iter(block.args)
    taken = [_take(o, arguments) for o in operands]
    op = cls.make(taken, properties, results)
    block.add_ops([op, func.ReturnOp(*op.results)])
    kind = FunctionType.from_lists(types, list(op.result_types))
    module = ModuleOp([func.FuncOp("main", kind, Region(block))])
    module.verify()
    return module


def _take(operand: Operand, arguments: Iterator[SSAValue]) -> SSAValue | Sequence[SSAValue] | None:
    if operand is None:
        return None
    return next(arguments) if isinstance(operand, np.ndarray) else [next(arguments) for _ in operand]


def run_as_nests(module: ModuleOp, arrays: Sequence[Array]) -> list[Array]:
    """Lower a module in place to nests and run it on its inputs; the results."""
    outputs = results_of(module)
    LowerGraphToNest().apply(Context(), module)
    module.verify()
    run_nests(module, "main", [*map(contiguous, arrays), *outputs])
    return outputs


def run_as_loops(module: ModuleOp, arrays: Sequence[Array]) -> list[Array]:
    """Lower a module in place to loops and run it on its inputs; the results."""
    outputs = results_of(module)
    buffers = lower_to_loops(module)
    run_loops(module, "main", [*map(contiguous, arrays), *outputs, *buffers])
    return outputs


def run_as_code(module: ModuleOp, arrays: Sequence[Array]) -> list[Array]:
    """Compile a module in place for this machine, without any schedule, and run it; the results.

    It runs twice, on memory that ends at either side of its arrays.
    """
    outputs = results_of(module)
    buffers = lower_to_loops(module)
    for lowering in (ExpandMathPass(), LowerLoopsToLLVM()):
        lowering.apply(Context(), module)
    code = NativeImage(link([compile_module(module, target("host")).object]))
    held = [*map(contiguous, arrays), *outputs, *buffers]
    low, high = (call_fenced(code.function("main"), held, side) for side in SIDES)
    first = len(arrays)
    for array, a, b in zip(outputs, low[first:], high[first:], strict=False):
        np.testing.assert_array_equal(bits(a), bits(b))
        array[...] = a
    return outputs


def lower_to_loops(module: ModuleOp) -> list[Array]:
    """Lower a module in place to loops over arguments only; arrays for the arguments that this adds."""
    LowerGraphToNest().apply(Context(), module)
    buffers = pass_buffers(module)
    LowerNestToLoops().apply(Context(), module)
    module.verify()
    return buffers


def pass_buffers(module: ModuleOp) -> list[Array]:
    """Turn the constants and allocations of @main into trailing arguments; arrays for them."""
    main = next(o for o in module.ops if isinstance(o, func.FuncOp))
    block = main.body.block
    arrays: list[Array] = []
    for op in [o for o in block.ops if isinstance(o, ConstantOp | memref.AllocOp)]:
        (buffer,) = op.results
        argument = block.insert_arg(buffer.type, len(block.args))
        buffer.replace_all_uses_with(argument)
        arrays.append(
            contiguous(op.value.array)
            if isinstance(op, ConstantOp)
            else fresh_buffer(shape_of(buffer), element_of(buffer))
        )
        op.detach()
        op.erase()
    main.update_function_type()
    return arrays


def results_of(module: ModuleOp) -> list[Array]:
    """An array for each result of @main."""
    main = next(o for o in module.ops if isinstance(o, func.FuncOp))
    types: list[Tensor] = [tensor_of(t) for t in main.function_type.outputs]
    return [np.empty(static_shape_of(t), numpy_dtype(t.get_element_type())) for t in types]


def contiguous(array: Array) -> Array:
    """The array in row-major order; unlike `ascontiguousarray` this keeps an array without dims."""
    return np.asarray(array, order="C")


LEVELS: Mapping[str, Callable[[ModuleOp, Sequence[Array]], list[Array]]] = {
    "nest": run_as_nests,
    "loops": run_as_loops,
    "code": run_as_code,
}
"""How a module with one graph op is executed at each level."""


def compare(got: Array, wanted: Array, ulps: float, what: str) -> None:
    """Equal up to `ulps` units of the last place of the largest finite number wanted."""
    assert got.dtype == wanted.dtype and got.shape == wanted.shape, what
    if ulps == 0 or got.dtype.kind in "iub":
        np.testing.assert_array_equal(bits(got), bits(wanted), what)
        return
    real, exact = got.astype(np.float64), wanted.astype(np.float64)
    finite = np.abs(exact[np.isfinite(exact)])
    unit = epsilon(wanted) * float(finite.max(initial=0))
    np.testing.assert_allclose(real, exact, rtol=0, atol=ulps * unit, err_msg=what)


def bits(array: Array) -> Array:
    """The bytes of an array, element by element."""
    held = contiguous(array)
    return held if held.dtype == np.bool_ else held.view(np.dtype(f"u{held.dtype.itemsize}"))


def epsilon(array: Array) -> float:
    """The relative distance of two neighbouring numbers of a float type."""
    digits = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}[array.dtype.name]
    return float(2.0 ** (1 - digits))
