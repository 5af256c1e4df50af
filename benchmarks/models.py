"""The models of a comparison: files, graphs of a zoo, exports; and the inputs that all engines get."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[np.generic]

NAMED = (
    "mobilenetv2_100",
    "mobilenetv3_large_100",
    "efficientnet_b0",
    "squeezenet1_1",
    "shufflenet_v2_x1_0",
    "resnet18",
    "resnet50",
    "densenet121",
    "vit_tiny_patch16_224",
    "deit_small_patch16_224",
    "convnext_tiny",
    "swin_tiny_patch4_window7_224",
    "minilm_l6",
    "bert_base",
)
"""What `benchmarks/export.py` can make; `all` stands for them."""
GRAPH = ".textproto.xz"
MANIFEST = "manifest.json"
EXPORT = Path(__file__).parent / "export.py"


class SourceError(Exception):
    """A model that cannot be had."""


@dataclass(frozen=True)
class Subject:
    """A model, its inputs, and the sizes that its symbolic dims have in them."""

    name: str
    path: Path
    inputs: Mapping[str, Array]
    dims: Mapping[str, int]


@dataclass(frozen=True)
class Places:
    """Where models come from: a folder of models, a folder of graphs without weights, a Python with torch."""

    folder: Path
    zoo: Path | None
    torch: str

    def find(self, wanted: str) -> Path:
        """The file of a model, made if need be; `SourceError` says where it was looked for."""
        if Path(wanted).is_file():
            return Path(wanted)
        made = self.folder / f"{wanted}.onnx"
        if made.is_file():
            return made
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.zoo is not None and (self.zoo / f"{wanted}{GRAPH}").is_file():
            return self._filled(self.zoo / f"{wanted}{GRAPH}", made)
        if wanted in NAMED:
            return self._exported(wanted, made)
        graphs = "" if self.zoo is None else f", a graph in {self.zoo}"
        raise SourceError(f"'{wanted}' is no file, no {made}{graphs}, and no model that can be exported")

    def _filled(self, graph: Path, made: Path) -> Path:
        """A graph without weights, with random ones put in by the program beside it."""
        return _made([sys.executable, str(graph.parent / "materialize.py"), str(graph), str(made)], made)

    def _exported(self, name: str, made: Path) -> Path:
        return _made([self.torch, str(EXPORT), str(self.folder), name], made)


def _made(command: Sequence[str], made: Path) -> Path:
    """Run what writes a model; `SourceError` with its last words if it does not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise SourceError(f"{made.name} cannot be made by {command[0]}: {error.strerror}") from error
    if done.returncode != 0 or not made.is_file():
        reason = (done.stderr.strip() or "nothing was written").splitlines()[-1]
        raise SourceError(f"{made.name} cannot be made by {' '.join(command[:2])}: {reason}")
    return made


def subject(
    path: Path, sizes: Mapping[str, int], shapes: Mapping[str, Sequence[int]], seed: int = 0
) -> Subject:
    """A model with inputs: floats from 0 to 1, integers 0 and 1, or as a manifest near the model says.

    An open dim has the size given for its name, else 1; `shapes` gives whole shapes by name.
    """
    graph = read_graph(path)
    weights = {each.name for each in graph.initializer}
    told = manifest_inputs(path)
    generator = np.random.default_rng(seed)
    inputs, dims = dict[str, Array](), dict[str, int]()
    for each in (each for each in graph.input if each.name not in weights):
        open_shape = each.type.tensor_type.shape.dim
        entry = told.get(each.name, {})
        shape = shapes.get(each.name) or entry.get("shape") or [_size(dim, sizes) for dim in open_shape]
        dims.update({d.dim_param: n for d, n in zip(open_shape, shape, strict=True) if d.dim_param})
        dtype = helper.tensor_dtype_to_np_dtype(each.type.tensor_type.elem_type)
        inputs[each.name] = filled(generator, dtype, shape, entry)
    return Subject(path.stem, path, inputs, dims)


def read_graph(path: Path) -> onnx.GraphProto:
    """The graph of a model without its external weights; `SourceError` if the file is none."""
    try:
        return onnx.load(path, load_external_data=False).graph
    except DecodeError as error:
        raise SourceError(f"{path} is not an ONNX model") from error


def _size(dim: onnx.TensorShapeProto.Dimension, sizes: Mapping[str, int]) -> int:
    return dim.dim_value if dim.dim_value > 0 else sizes.get(dim.dim_param, 1)


def filled(
    generator: np.random.Generator,
    dtype: np.dtype[np.generic],
    shape: Sequence[int],
    entry: Mapping[str, Any],
) -> Array:
    """An input as its manifest entry says; without one, random."""
    if "value" in entry:
        return np.full(shape, entry["value"], dtype)
    if "fill" in entry:
        return np.full(shape, {"ones": 1, "zeros": 0}[entry["fill"]], dtype)
    if dtype.kind in "iub":
        return generator.integers(0, min(entry.get("below", 2), 2), shape).astype(dtype)
    return generator.random(shape, np.float32).astype(dtype)


def manifest_inputs(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """What a manifest above a model says of its inputs; nothing when it is in none."""
    for folder in path.resolve().parents:
        if (folder / MANIFEST).is_file():
            told: object = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            entries = cast(list[dict[str, Any]], told) if isinstance(told, list) else []
            name = path.resolve().relative_to(folder).as_posix()
            found = [entry["inputs"] for entry in entries if entry.get("file") == name]
            return found[0] if found else {}
    return {}
