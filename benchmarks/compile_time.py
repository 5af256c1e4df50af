"""How long compiling takes, and how much memory: cold, from the cache of kernels, and compiled before.

    python -m benchmarks.compile_time build/models/resnet50.onnx
    python -m benchmarks.compile_time --layers 24 48

Each compilation runs in a process of its own, from the start of Python to the written artefact, with a cache
that is empty at first.  Peak memory is that of the largest process.  `--layers` compiles generated graphs of
so many distinct layers: twice the layers should take about twice the time.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

from benchmarks.models import subject

WIDTHS = (16, 24, 32, 40)
COMMAND = "from penstock.cli import main; main()"


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


def compiled(path: Path, output: Path, cache: Path) -> float:
    """Seconds that the command line takes for a model."""
    shapes = [
        f"--shape={name}={'x'.join(map(str, array.shape))}"
        for name, array in subject(path, {}, {}).inputs.items()
    ]
    command = [sys.executable, "-c", COMMAND, "compile", str(path), "-o", str(output), *shapes]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PENSTOCK_CACHE": str(cache)})
    return time.perf_counter() - start


def row(path: Path, repetitions: int) -> list[str]:
    """A model: seconds cold, warm and again (minima), memory against the size of the model."""
    cold, warm, again, written = list[float](), list[float](), list[float](), set[bytes]()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "model.penstock"
        for number in range(repetitions):
            cache = Path(folder) / f"cache{number}"
            cold.append(compiled(path, output, cache))
            again.append(compiled(path, output, cache))
            for entry in (cache / "models").glob("*"):
                entry.unlink()
            warm.append(compiled(path, output, cache))
            written.add(output.read_bytes())
    assert len(written) == 1, "the same model gave other bytes"
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = path.stat().st_size / 2**20
    times = (f"{min(each):.2f}" for each in (cold, warm, again))
    return [path.stem, f"{size:.1f}", *times, f"{peak:.0f}", f"{peak / size:.1f}"]


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
    table = Table("model", "MB", "cold s", "kernels cached s", "compiled before s", "peak MB", "peak / size")
    with tempfile.TemporaryDirectory() as folder:
        generated = [Path(folder) / f"layers_{count}.onnx" for count in arguments.layers]
        for path, count in zip(generated, arguments.layers, strict=True):
            onnx.save(layered(count), path)
        for path in (*arguments.models, *generated):
            table.add_row(*row(path, arguments.repetitions))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
