"""The `onnx.backend` protocol over the driver: what ONNX's own suite and tools that speak the protocol call.

Code is made for fixed shapes.  A model that leaves sizes open is compiled when it is run, for the shapes it
is given; one whose shapes depend on the values of inputs is compiled for these values too, of few inputs.
Sequences and optionals are compiled for the number of tensors they hold.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import cast

import numpy as np
from onnx import ModelProto, NodeProto, TypeProto, helper, numpy_helper
from onnx.backend.base import Backend, BackendRep
from xdsl.dialects.builtin import ModuleOp

from penstock.backends.targets import target as target_named
from penstock.compiler import Compiler
from penstock.dialects.graph.base import Array, is_static
from penstock.dialects.graph.host import HostOp
from penstock.errors import CallError, ShapeError, UnsupportedError
from penstock.host.arrays import is_strings
from penstock.model import CompiledModel
from penstock.onnx_import.model_file import newest_opset
from penstock.onnx_import.signature import model_inputs
from penstock.onnx_values import Given, Result, arrays_of, gathered, is_array, lengths_of
from penstock.packing import entry
from penstock.reading import read
from penstock.staged_model import runnable

__all__ = ["PenstockBackend", "PenstockRep", "prepare", "run_model", "run_node", "supports_device"]

Key = tuple[bytes, ...]


class PenstockRep(BackendRep):
    """A model, with the code made for it so far: a piece for each combination of shapes and fixed values."""

    def __init__(self, model: ModelProto, target: str = "host") -> None:
        self._model = model
        self._target = target_named(target)
        self._fixed: dict[Key, tuple[str, ...]] = {}
        self._compiled: dict[Key, CompiledModel] = {}

    def run(self, inputs: Sequence[object] | Mapping[str, object], **kwargs: object) -> tuple[Result, ...]:
        """The outputs in the model's order; `UnsupportedError` lists the nodes that cannot be compiled."""
        given = self.by_name(inputs)
        compiled = self.compiled_for(given)
        arrays = arrays_of(given)
        results = compiled({info.name: arrays[info.name] for info in compiled.inputs})
        return tuple(gathered(output, results) for output in self._model.graph.output)

    def compiled_for(self, given: Given) -> CompiledModel:
        """The code for these inputs; it takes those of them whose values are not fixed in it."""
        arrays = arrays_of(given)
        lengths = (f"{name} {length}".encode() for name, length in lengths_of(self._model, given).items())
        shapes = (*lengths, *(f"{name} {x.shape}".encode() for name, x in arrays.items()))
        if shapes not in self._fixed:
            self._fixed[shapes] = inputs_to_fix(self._model, given)
        fixed = self._fixed[shapes]
        key = (*shapes, *(_value_key(arrays[name]) for name in fixed))
        if key not in self._compiled:
            module = read_for(self._model, given, fixed)
            package = Compiler(self._target).package(module, self._model.graph.name)
            self._compiled[key] = runnable(package)
        return self._compiled[key]

    def by_name(self, inputs: Sequence[object] | Mapping[str, object]) -> Given:
        """Inputs in the model's order, by name; `CallError` when there are too few or too many."""
        if isinstance(inputs, Mapping):
            return inputs
        names = [value.name for value in model_inputs(self._model.graph)]
        if len(inputs) != len(names):
            raise CallError(f"{len(inputs)} inputs for {len(names)}", remedy=f"Pass {', '.join(names)}.")
        return dict(zip(names, inputs, strict=True))


def inputs_to_fix(model: ModelProto, given: Given) -> tuple[str, ...]:
    """The inputs whose values must be known to compile a model: as few as possible, and small ones."""
    if is_compilable(model, given, ()):
        return ()
    arrays = arrays_of(given)
    fixed = [name for name in arrays if is_array(given.get(name))]
    if not is_compilable(model, given, fixed):
        return tuple(fixed)
    for name in sorted(fixed, key=lambda name: arrays[name].nbytes, reverse=True):
        fewer = [other for other in fixed if other != name]
        if is_compilable(model, given, fewer):
            fixed = fewer
    return tuple(fixed)


def is_compilable(model: ModelProto, given: Given, fixed: Collection[str]) -> bool:
    """Whether all operations and all sizes are known with the values of these inputs."""
    try:
        module = read_for(model, given, fixed)
    except (UnsupportedError, ShapeError):
        return False
    ops = (op for op in entry(module).body.block.ops if not isinstance(op, HostOp))
    return all(is_static(result) for op in ops for result in op.results)


def _value_key(array: Array) -> bytes:
    """What arrays of one shape have in common only when they are equal."""
    return repr(array.tolist()).encode() if is_strings(array) else array.tobytes()


def read_for(model: ModelProto, given: Given, fixed: Collection[str]) -> ModuleOp:
    """Import a model for the shapes of its inputs, with the values of some of them stored in it."""
    arrays = arrays_of(given)
    stored = ModelProto()
    stored.CopyFrom(model)
    stored.graph.initializer.extend(numpy_helper.from_array(arrays[name], name) for name in fixed)
    shapes = {name: x.shape for name, x in arrays.items() if name not in fixed}
    return read(stored, shapes, lengths=lengths_of(stored, given))


class PenstockBackend(Backend):
    """Penstock behind the interface that ONNX defines for engines; every device but the CPU is refused."""

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: object) -> PenstockRep:
        """A checked model that is ready to run; the first run compiles it, when its shapes are known."""
        cls._check_device(device)
        super().prepare(model, device, **kwargs)
        return PenstockRep(model, str(kwargs.get("target", "host")))

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Sequence[object],
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype[np.generic], tuple[int, ...]]] | None = None,
        **kwargs: object,
    ) -> tuple[Result, ...]:
        """Compile a model of one node and run it; `opset_version` is the newest unless it is given."""
        cls._check_device(device)
        opset = cast(int, kwargs.get("opset_version", newest_opset()))
        return PenstockRep(model_of_node(node, inputs, opset)).run(inputs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether code for the device can be made and run: the CPU's."""
        return device.partition(":")[0] == "CPU"

    @classmethod
    def _check_device(cls, device: str) -> None:
        if not cls.supports_device(device):
            raise CallError(f"there is no code for the device '{device}'", remedy="Use the device 'CPU'.")


def model_of_node(node: NodeProto, inputs: Sequence[object], opset: int) -> ModelProto:
    """A model of a single node, its inputs typed after arrays, the types of its outputs left open."""
    names = [name for name in node.input if name]
    if len(inputs) != len(names):
        raise CallError(f"{len(inputs)} inputs for {len(names)}", remedy=f"Pass {', '.join(names)}.")
    arrays = arrays_of(dict(zip(names, inputs, strict=True)))
    declared = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in arrays.items()
    ]
    outputs = [helper.make_value_info(name, TypeProto()) for name in node.output if name]
    graph = helper.make_graph([node], node.op_type, declared, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


prepare = PenstockBackend.prepare
run_model = PenstockBackend.run_model
run_node = PenstockBackend.run_node
supports_device = PenstockBackend.supports_device
