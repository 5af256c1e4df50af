"""From a scheduled module and its linked code to a package: inputs and outputs, weights, kernels."""

from collections import Counter
from collections.abc import Iterator, Sequence

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute

from penstock.backends.llvm import Image
from penstock.backends.targets import Target
from penstock.build import weights_of
from penstock.call_table import calls_of
from penstock.dialects.element_types import STRING, numpy_dtype
from penstock.dialects.graph.base import element_of, shape_of
from penstock.dialects.graph.status import messages_of
from penstock.dialects.hints import bounds_of, hints_of
from penstock.dialects.memory_certificate import MEMORY_PLAN, read_certificate, read_growing
from penstock.dialects.module_requirements import requirements_of
from penstock.dialects.narrowing import strings
from penstock.dialects.nest.parallel import threads_of
from penstock.dialects.nest.sizes import symbols as symbols_of
from penstock.kernel_work import bytes_of, flops_of, loops_of, total
from penstock.package import ENTRY, STRINGS, KernelInfo, Package, Symbol, TensorInfo
from penstock.passes.specialize_sizes import at_hints


def entry(module: ModuleOp) -> func.FuncOp:
    """The function that is the model."""
    return next(op for op in module.ops if isinstance(op, func.FuncOp) and op.sym_name.data == ENTRY)


def signature(module: ModuleOp) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """What a graph-level module takes and gives."""
    function = entry(module)
    kinds = function.function_type
    return _infos(function.arg_attrs, kinds.inputs.data), _infos(function.res_attrs, kinds.outputs.data)


def _infos(
    attributes: ArrayAttr[DictionaryAttr] | None, kinds: Sequence[Attribute]
) -> tuple[TensorInfo, ...]:
    return tuple(tensor_info(name.data, kind) for name, kind in zip(names_of(attributes), kinds, strict=True))


def tensor_info(name: str, kind: Attribute) -> TensorInfo:
    """A tensor as one who calls the model sees it."""
    element = element_of(kind)
    return TensorInfo(name, STRINGS if element == STRING else numpy_dtype(element).name, shape_of(kind))


def names_of(attributes: ArrayAttr[DictionaryAttr] | None) -> list[StringAttr]:
    """The names that the model gives to its inputs or outputs."""
    found = [each.data["graph.name"] for each in attributes.data] if attributes is not None else []
    return [name for name in found if isinstance(name, StringAttr)]


def pack(
    name: str,
    target: Target,
    ends: tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]],
    module: ModuleOp,
    image: Image,
    stated: tuple[str, ...],
) -> Package:
    """All of a compiled model: `ends` is what it took and gave at the graph level."""
    main = entry(module)
    symbols = described_symbols(module, [*symbols_of(main)])
    required = requirements_of(module)
    growing = read_growing(main.attributes[MEMORY_PLAN]) if symbols else None
    hints = {symbol.name: symbol.hint for symbol in symbols}
    plan = growing.at(hints) if growing else read_certificate(main.attributes[MEMORY_PLAN]).plan
    kernels, threads = tuple(_kernels(module, image)), threads_of(main) or 1
    weights, calls = weights_of(main), calls_of(main, hints)
    dynamic = symbols, growing, required
    failures = messages_of(main.arg_attrs)
    return Package(
        name, target, *ends, image, weights, plan, kernels, stated, threads, calls, failures, *dynamic
    )


def described_symbols(module: ModuleOp, names: Sequence[str]) -> tuple[Symbol, ...]:
    """Symbols in their order, with bounds and hints."""
    hints, bounds = hints_of(module), bounds_of(module)
    return tuple(Symbol(name, *bounds.get(name, (0, None)), hints[name]) for name in names)


def _kernels(module: ModuleOp, image: Image) -> Iterator[KernelInfo]:
    """The kernels, and the functions that run loops and branches with all that they call."""
    served: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    hints = hints_of(module)
    bodies = {op.sym_name.data: at_hints(op, hints) for op in module.ops if isinstance(op, func.FuncOp)}
    callers = [f for f in bodies.values() if "nest.kernel" not in f.attributes]
    for call in (op for caller in callers for op in caller.walk() if isinstance(op, func.CallOp)):
        name = call.callee.string_value()
        served.setdefault(name, []).extend(strings(call.attributes.get("nodes")))
        counts[name] += 1
    for name, nodes in served.items():
        body, size = bodies[name], image.symbols[name].size
        work = (total(flops_of, body, bodies), total(bytes_of, body, bodies), loops_of(body))
        yield KernelInfo(name, tuple(nodes), counts[name], size, *work)
