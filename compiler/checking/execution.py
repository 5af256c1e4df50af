"""Runs whole modules of the graph and nest levels on arrays: the back ends' executors behind one call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.utils.hints import isa

from penstock.backends.nest_interpreter import Calls, run_nests
from penstock.backends.nests.buffers import fresh_buffer
from penstock.backends.reference import evaluate_function
from penstock.build import weights_of
from penstock.checking.comparison import differing_bits
from penstock.checking.results import Results
from penstock.checking.sizes import Sizes, at_sizes
from penstock.checking.widening import widened, widened_arrays
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.evaluation import by_definition
from penstock.dialects.memory_certificate import MEMORY_PLAN, read_certificate
from penstock.dialects.nest.ops import element_of, shape_of
from penstock.dialects.resources import Array
from penstock.package import ENTRY
from penstock.weights import aligned_bytes

WEIGHTS = "nest.weights"
GARBAGE = 0xFF
"""Bytes of memory that was never written: NaN in floats, -1 in integers."""

Remember = Callable[[ModuleOp], Calls]
"""Gives what runs the kernels of a module, or knows what they make."""
Watcher = Callable[[Operation, Mapping[SSAValue, Array]], None]


class ExecutionError(Exception):
    """A module does what no module may: leaves its buffers, writes to its inputs."""


@dataclass(frozen=True)
class Case:
    """A module with arrays for the leading arguments of `main`, its inputs."""

    module: ModuleOp
    inputs: Sequence[Array]
    sizes: Sizes = field(default_factory=dict[str, int])
    """The numbers that its symbols stand for."""
    remember: Remember | None = None
    results: Results | None = None
    """What operations of the graph level made when they were last run."""

    def on(self, module: ModuleOp) -> "Case":
        """Another module on the same inputs."""
        return replace(self, module=module)

    @property
    def known(self) -> ModuleOp:
        """The module in numbers; at the graph level the inputs tell them."""
        return self.module if not self.sizes or is_graph(self.module) else at_sizes(self.module, self.sizes)


def entry(module: ModuleOp) -> FuncOp:
    """The function that is the model."""
    return next(op for op in module.ops if isinstance(op, FuncOp) and op.sym_name.data == ENTRY)


def is_graph(module: ModuleOp) -> bool:
    """Whether the module is of the graph level: values, not buffers."""
    main = entry(module)
    return bool(main.function_type.outputs) or any(isinstance(op, GraphOp) for op in main.body.block.ops)


def output_names(module: ModuleOp) -> list[str]:
    """The names that the results of a graph-level module have in the model."""
    main = entry(module)
    count = len(main.function_type.outputs)
    given = main.res_attrs.data if main.res_attrs is not None else (DictionaryAttr({}),) * count
    names = [attributes.data.get("graph.name") for attributes in given]
    return [n.data if isinstance(n, StringAttr) else f"output{i}" for i, n in enumerate(names)]


def nodes_of(op: Operation) -> list[str]:
    """The model nodes that an op and all in it serve."""
    served = [each.attributes.get("nodes") for each in op.walk()]
    listed = [n for nodes in served if isa(nodes, ArrayAttr[StringAttr]) for n in nodes]
    return list(dict.fromkeys(n.data for n in listed))


def execute(case: Case, *, in_order: bool = False, watch: Watcher | None = None) -> list[Array]:
    """The outputs of a module on its inputs; `ExecutionError` when it leaves its memory."""
    try:
        if is_graph(case.module):
            evaluate = by_definition if case.results is None else case.results.next_run()
            return evaluate_function(entry(case.module), case.inputs, evaluate)
        return _execute_nests(case, in_order, watch)
    except (IndexError, ValueError, KeyError, ZeroDivisionError) as error:
        raise ExecutionError(f"{type(error).__name__}: {error}") from error


def execute_wide(case: Case) -> list[Array] | None:
    """The outputs in double precision; `None` where the module cannot be run so."""
    main = entry(case.module)
    # The plan's offsets are for the sizes that values have as they are.
    if MEMORY_PLAN in main.attributes or WEIGHTS in main.attributes:
        return None
    wide = widened(case.module)
    if wide is None:
        return None
    try:
        return execute(
            replace(case, module=wide, inputs=widened_arrays(case.inputs), remember=None, results=None)
        )
    except (ExecutionError, NotImplementedError, TypeError):
        return None


def _execute_nests(case: Case, in_order: bool, watch: Watcher | None) -> list[Array]:
    module = case.known
    main = entry(module)
    inputs = [np.array(a, order="C") for a in case.inputs]
    outputs = list[Array]()
    arguments: list[Array] = list(inputs)
    for argument in main.body.block.args[len(inputs) :]:
        service = service_memory(main, argument.index)
        array = fresh_buffer(shape_of(argument), element_of(argument)) if service is None else service
        outputs += [array] if service is None else []
        arguments.append(array)
    calls = None if case.remember is None or in_order else case.remember(module)
    run_nests(module, ENTRY, arguments, in_order=in_order, watch=watch, calls=calls)
    for number, (given, left) in enumerate(zip(case.inputs, inputs, strict=True)):
        if differing_bits(np.asarray(given, order="C"), left).any():
            raise ExecutionError(f"the module writes to its input {number}")
    return outputs


def service_memory(main: FuncOp, index: int) -> Array | None:
    """The arena, full of garbage, or the weights, if an argument of `main` is one of them."""
    if MEMORY_PLAN in main.attributes and read_certificate(main.attributes[MEMORY_PLAN]).argument == index:
        (size,) = shape_of(main.args[index])
        arena = aligned_bytes(size)
        arena[...] = GARBAGE
        return arena.view(np.int8)
    if main.arg_attrs is None or WEIGHTS not in main.arg_attrs.data[index].data:
        return None
    block = weights_of(main).block.view(np.int8)
    return np.pad(block, (0, shape_of(main.args[index])[0] - block.size))


def calls_of(module: ModuleOp) -> list[CallOp]:
    """The calls of `main`, in order."""
    return [op for op in entry(module).body.block.ops if isinstance(op, CallOp)]
