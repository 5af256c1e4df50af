"""The cases of ONNX's official suite: where each comes from, and what it feeds and expects."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from onnx import (
    ModelProto,
    NodeProto,
    OptionalProto,
    SequenceProto,
    TensorProto,
    ValueInfoProto,
    numpy_helper,
)
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import DATA_DIR, load_model_tests
from onnx.backend.test.runner import Runner

from penstock.onnx_import.drawing import DRAWING

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "real")
LIGHT = "onnx/backend/test/data/light/"
"""Where the models of the kind `real` lie inside the package: small, with made-up weights."""

DataSet = tuple[Sequence[object], Sequence[object]]


@dataclass(frozen=True)
class Case:
    """A model with inputs and the outputs they must give."""

    test: TestCase

    @property
    def name(self) -> str:
        """The name, which is unique within a kind."""
        return self.test.name

    @property
    def key(self) -> str:
        """The name among all cases."""
        return self.name if self.test.kind == "node" else f"{self.test.kind}/{self.name}"

    @property
    def path(self) -> Path | None:
        """The file of the model; `None` for one that is built in memory."""
        if self.test.url is not None and self.test.url.startswith(LIGHT):
            return Path(DATA_DIR) / "light" / self.test.url.removeprefix(LIGHT)
        return None if self.test.model_dir is None else Path(self.test.model_dir) / "model.onnx"

    @property
    def is_on_disk(self) -> bool:
        """Whether the model needs no download."""
        return self.test.model is not None or (self.path is not None and self.path.exists())

    @cached_property
    def model(self) -> ModelProto:
        """The model."""
        if self.test.model is not None:
            return self.test.model
        assert self.path is not None, "a case without a model is not run"
        return ModelProto.FromString(self.path.read_bytes())

    @property
    def operators(self) -> list[str]:
        """The operators of the model, each once, in the order of their first use."""
        named = (f"{n.domain}.{n.op_type}" if n.domain else n.op_type for n in self.model.graph.node)
        return list(dict.fromkeys(named))

    @property
    def draws(self) -> bool:
        """Whether random numbers are drawn: only the types and shapes of outputs can be expected."""
        return any(map(_draws, self.model.graph.node))

    def data_sets(self) -> Iterator[DataSet]:
        """Inputs and expected outputs."""
        if self.test.data_sets is not None:
            for given, wanted in self.test.data_sets:
                yield [_array(x) for x in given], [_array(x) for x in wanted]
        elif self.test.model_dir is not None:
            for folder in sorted(Path(self.test.model_dir).glob("test_data_set*")):
                yield (
                    _read(folder, "input", self.model.graph.input),
                    _read(folder, "output", self.model.graph.output),
                )
        else:
            yield self._made_up()

    def _made_up(self) -> DataSet:
        """The rule of the suite for light models: inputs that count up, outputs stored beside the model."""
        assert self.path is not None
        known = {tensor.name for tensor in self.model.graph.initializer}
        inputs = [value for value in self.model.graph.input if value.name not in known]
        given = [Runner.generate_dummy_data(value, name=self.name) for value in inputs]
        stored = [
            self.path.with_name(f"{self.path.stem}_output_{i}.pb")
            for i in range(len(self.model.graph.output))
        ]
        return given, [numpy_helper.to_array(TensorProto.FromString(path.read_bytes())) for path in stored]


def load_cases() -> list[Case]:
    """All cases, by kind and name."""
    with warnings.catch_warnings():
        # Making the expected outputs overflows on purpose here and there.
        warnings.simplefilter("ignore")
        tests = [test for kind in KINDS for test in sorted(load_model_tests(kind=kind), key=lambda t: t.name)]
    return [Case(test) for test in tests]


def _draws(node: NodeProto) -> bool:
    return node.op_type in DRAWING or node.op_type == "Dropout" and len(node.input) > 2


def _array(value: object) -> object:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _read(folder: Path, what: str, declared: Sequence[ValueInfoProto]) -> list[object]:
    """The inputs or outputs in a folder; there may be fewer than declared."""
    paths = [folder / f"{what}_{i}.pb" for i in range(len(declared))]
    return [
        _value(path.read_bytes(), value) for path, value in zip(paths, declared, strict=True) if path.exists()
    ]


def _value(data: bytes, declared: ValueInfoProto) -> object:
    kind = declared.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.to_list(SequenceProto.FromString(data))
    if kind == "optional_type":
        return numpy_helper.to_optional(OptionalProto.FromString(data))
    return numpy_helper.to_array(TensorProto.FromString(data))
