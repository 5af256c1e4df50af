"""The suite's dynamic mode: a case is compiled with every size of every input a symbol of its own."""

from itertools import count

from onnx import ModelProto, numpy_helper

from penstock.driver import build
from penstock.errors import PenstockError, ShapeError, UnsupportedError
from penstock.model import CompiledModel
from penstock.onnx_backend import inputs_to_fix
from penstock.onnx_values import Given, Result, arrays_of, gathered, lengths_of
from penstock.staged_model import StagedModel, runnable

Names = tuple[str, ...]
Model = CompiledModel | StagedModel


class DynamicRuns:
    """The artefacts of a case: one serves all of its data sets, unless values or lengths are in it."""

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._compiled: dict[tuple[str, bytes], Model] = {}

    def run(self, given: Given) -> tuple[list[Result], Names]:
        """The outputs of a call, and the inputs whose values the artefact was made for."""
        fixed: Names = ()
        try:
            compiled = self._compiled_for(given, ())
        except (UnsupportedError, ShapeError) as error:
            fixed = inputs_to_fix(self._model, given)
            compiled = self._with_values(given, fixed, error)
        arrays = arrays_of(given)
        results = compiled({info.name: arrays[info.name] for info in compiled.inputs})
        return [gathered(output, results) for output in self._model.graph.output], fixed

    def _with_values(self, given: Given, fixed: Names, error: PenstockError) -> Model:
        if not fixed:
            raise error
        return self._compiled_for(given, fixed)

    def _compiled_for(self, given: Given, fixed: Names) -> Model:
        arrays, lengths = arrays_of(given), lengths_of(self._model, given)
        key = (f"{lengths} {fixed}", b"".join(arrays[name].tobytes() for name in fixed))
        if key not in self._compiled:
            stored = ModelProto()
            stored.CopyFrom(self._model)
            stored.graph.initializer.extend(numpy_helper.from_array(arrays[name], name) for name in fixed)
            self._compiled[key] = compiled_for_any_sizes(stored, given, fixed)
        return self._compiled[key]


def compiled_for_any_sizes(model: ModelProto, given: Given, fixed: Names) -> Model:
    """Compile a model with a symbol for every dim of the inputs that have no value in it."""
    symbols = (f"d{i}" for i in count())
    shapes = {
        name: [next(symbols) for _ in array.shape]
        for name, array in arrays_of(given).items()
        if name not in fixed
    }
    return runnable(build(model, shapes=shapes, lengths=lengths_of(model, given)))
