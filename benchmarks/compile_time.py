"""How long compiling takes, and how much memory: cold, from the cache of kernels, and compiled before.

    python -m benchmarks.compile_time build/models/resnet50.onnx
    python -m benchmarks.compile_time --layers 24 48

Each compilation runs in a process of its own, from the start of Python to the written artefact, with a cache
that is empty at first and the compiler's bytecode in place, as after an installation.  What was compiled
before is compiled once more where its artefact is, which is left alone, and into a new file.  The last time
is that of `penstock.compile`, which writes nothing, of the same model again.  Peak memory is that of the
largest process; the first row, a model of one node, is what Python and the compiler take by themselves.
`--layers` compiles generated graphs of so many distinct layers: twice the layers should take about twice the
time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

from benchmarks.models import subject

WIDTHS = (16, 24, 32, 40)
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
COLUMNS = (
    "model",
    "MB",
    "cold s",
    "kernels cached s",
    "compiled before s",
    "to a new file s",
    "not written s",
    "peak MB",
    "peak / size",
)


def smallest() -> onnx.ModelProto:
    """A model of one node."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [8]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "one_node", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def layered(layers: int) -> onnx.ModelProto:
    """Convolutions with batch norm, rectifier and sums, no two next to each other of one shape."""
    rng = np.random.default_rng(0)
    nodes, constants = list[onnx.NodeProto](), list[onnx.TensorProto]()

    def constant(name: str, shape: Sequence[int]) -> str:
        constants.append(numpy_helper.from_array(rng.random(shape, np.float32), name))
        return name

    value, channels = "x", 8
    for i in range(layers):
        width, taps = WIDTHS[i % len(WIDTHS)] + i, (1, 3)[i % 2]
        weights = constant(f"w{i}", [width, channels, taps, taps])
        norm = [constant(f"{name}{i}", [width]) for name in ("scale", "shift", "mean", "var")]
        nodes += [
            helper.make_node("Conv", [value, weights], [f"c{i}"], pads=[taps // 2] * 4),
            helper.make_node("BatchNormalization", [f"c{i}", *norm], [f"n{i}"]),
            helper.make_node("Relu", [f"n{i}"], [f"r{i}"]),
        ]
        value, channels = f"r{i}", width
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 14, 14])
    y = helper.make_tensor_value_info(value, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "layers", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@dataclass(frozen=True)
class Bench:
    """Where compilations take place: a folder with bytecode, reports and caches."""

    folder: Path

    def seconds(self, cache: str, *command: str) -> tuple[float, int]:
        """Seconds and kilobytes that a command of `compile_once` takes, with a cache of a name."""
        report = self.folder / "report.json"
        environment = {
            **{name: value for name, value in os.environ.items() if name != NO_BYTECODE},
            "PENSTOCK_CACHE": str(self.folder / cache),
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
        }
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "benchmarks.compile_once", str(report), *command],
            check=True,
            capture_output=True,
            env=environment,
        )
        return time.perf_counter() - start, json.loads(report.read_text())["peak"]

    def row(self, path: Path, repetitions: int) -> list[str]:
        """A model: seconds cold, warm, again, into a new file and not written (minima), and memory."""
        shapes = {name: array.shape for name, array in subject(path, {}, {}).inputs.items()}
        output, other = self.folder / "model.penstock", self.folder / "other.penstock"
        compile_it = ("compile", str(path), *_flags(shapes), "-o", str(output))
        load_it = ("load", json.dumps({"path": str(path), "shapes": shapes}))
        times: list[tuple[float, ...]] = []
        written, peak = set[bytes](), 0
        for number in range(repetitions):
            cache = f"{path.stem}{number}"
            cold, memory = self.seconds(cache, *compile_it)
            again, _ = self.seconds(cache, *compile_it)
            copied, _ = self.seconds(cache, *compile_it[:-1], str(other))
            other.unlink()
            loaded, _ = self.seconds(cache, *load_it)
            for entry in (self.folder / cache / "models").glob("*"):
                entry.unlink()
            warm, _ = self.seconds(cache, *compile_it)
            times.append((cold, warm, again, copied, loaded))
            peak = max(peak, memory)
            written.add(output.read_bytes())
        assert len(written) == 1, "the same model gave other bytes"
        size, least = path.stat().st_size / 2**20, (f"{min(each):.2f}" for each in zip(*times, strict=True))
        return [path.stem, f"{size:.1f}", *least, f"{peak / 1024:.0f}", f"{peak / 1024 / size:.1f}"]


def _flags(shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """Shapes for the command line."""
    return [f"--shape={name}={'x'.join(map(str, shape))}" for name, shape in shapes.items()]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compile_time",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL")
    parser.add_argument(
        "--layers", nargs="+", type=int, default=[], help="generated graphs of so many layers"
    )
    parser.add_argument("--repetitions", type=int, default=2, help="of each; minima are shown (default: 2)")
    arguments = parser.parse_args()
    table = Table(*COLUMNS)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        generated = {f"layers_{count}": layered(count) for count in arguments.layers}
        for stem, model in {"one_node": smallest(), **generated}.items():
            (bench.folder / f"{stem}.onnx").write_bytes(model.SerializeToString())
        floor = bench.folder / "one_node.onnx"
        # The first compilation of all writes the bytecode.
        bench.seconds("first", "compile", str(floor), "-o", str(bench.folder / "first.penstock"))
        for path in (floor, *arguments.models, *(bench.folder / f"{stem}.onnx" for stem in generated)):
            table.add_row(*bench.row(path, arguments.repetitions))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
