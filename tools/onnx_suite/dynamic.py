"""The suite's dynamic mode: a case is compiled with every size of every input a symbol of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from onnx import ModelProto, numpy_helper

from penstock.driver import build
from penstock.errors import PenstockError, ShapeError, UnsupportedError
from penstock.model import CompiledModel
from penstock.onnx_backend import inputs_to_fix
from penstock.onnx_values import Given, Result, arrays_of, gathered, lengths_of
from penstock.staged_model import runnable

Names = tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """The inputs of which a compiler is told more: the sizes, or the values too."""

    sizes: Names = ()
    values: Names = ()


class DynamicRuns:
    """The artefacts of a case: one serves all of its data sets, unless values or lengths are in it."""

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._compiled: dict[tuple[str, bytes], CompiledModel] = {}

    def run(self, given: Given) -> tuple[list[Result], Names]:
        """The outputs of a call, and the inputs whose sizes or values the artefact was made for."""
        reasons: list[PenstockError] = []
        for known in self._ways(given):
            try:
                compiled = self._compiled_for(given, known)
            except (UnsupportedError, ShapeError) as error:
                reasons.append(error)
                continue
            arrays = arrays_of(given)
            results = compiled({info.name: arrays[info.name] for info in compiled.inputs})
            fixed = known.sizes or known.values
            return [gathered(output, results) for output in self._model.graph.output], fixed
        raise reasons[0]

    def _ways(self, given: Given) -> Iterator[Known]:
        """What to tell of the inputs: nothing, the sizes of those whose values matter, or these values."""
        yield Known()
        matter = inputs_to_fix(self._model, given)
        if matter:
            yield Known(sizes=matter)
            yield Known(values=matter)

    def _compiled_for(self, given: Given, known: Known) -> CompiledModel:
        arrays, lengths = arrays_of(given), lengths_of(self._model, given)
        sizes = [arrays[name].shape for name in known.sizes]
        key = (f"{lengths} {known} {sizes}", b"".join(arrays[name].tobytes() for name in known.values))
        if key not in self._compiled:
            self._compiled[key] = compiled_for_any_sizes(self._model, given, known)
        return self._compiled[key]


def compiled_for_any_sizes(model: ModelProto, given: Given, known: Known) -> CompiledModel:
    """Compile a model with a symbol for every dim of the inputs of which no more is told."""
    arrays, symbols = arrays_of(given), (f"d{i}" for i in count())
    stored = ModelProto()
    stored.CopyFrom(model)
    stored.graph.initializer.extend(numpy_helper.from_array(arrays[name], name) for name in known.values)
    shapes = {
        name: [size if name in known.sizes else next(symbols) for size in array.shape]
        for name, array in arrays.items()
        if name not in known.values
    }
    return runnable(build(stored, shapes=shapes, lengths=lengths_of(stored, given)))
