"""ncnn, which reads a format of its own: `pnnx` (pip install --no-deps pnnx) converts the model first.

The program in that package needs no torch, which the Python around it does.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.engines import Array, Engine, Job, best_level

CONVERTER = "pnnx"
PATIENCE = 600
TYPES = {"float32": "f32", "float16": "f16", "int64": "i64", "int32": "i32", "int8": "i8", "uint8": "u8"}
FED = re.compile(r'ex\.input\("(\w+)", .*batch_index=(\d+)')
"""How the script that pnnx writes feeds an input: its blob and which dim is the batch."""


def converter() -> str | None:
    """The program `pnnx`: in its package, or on the path."""
    package = find_spec(CONVERTER)
    inside = None if package is None or package.origin is None else Path(package.origin).parent
    return (inside and shutil.which(CONVERTER, path=inside)) or shutil.which(CONVERTER)


class Ncnn(Engine):
    """ncnn in single precision."""

    name = module = "ncnn"

    @classmethod
    def lacks(cls) -> str:
        return super().lacks() or ("" if converter() else f"its converter {CONVERTER} is not installed")

    def load(self, job: Job) -> None:
        import ncnn

        self._folder = TemporaryDirectory(prefix="ncnn-bench-")
        stem = convert(job, Path(self._folder.name))
        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads, options.use_vulkan_compute = job.threads, False
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_packed = options.use_bf16_storage = False
        if self._net.load_param(f"{stem}.ncnn.param") or self._net.load_model(f"{stem}.ncnn.bin"):
            raise RuntimeError("ncnn cannot load what pnnx made of the model")
        batches = dict(FED.findall(Path(f"{stem}_ncnn.py").read_text(encoding="utf-8")))
        self._inputs = {
            blob: ncnn.Mat(_narrow(array), batch_index=int(batches.get(blob, 0))).clone()
            for blob, array in zip(self._net.input_names(), job.inputs.values(), strict=True)
        }

    def run(self) -> None:
        with self._net.create_extractor() as extractor:
            for blob, mat in self._inputs.items():
                extractor.input(blob, mat)
            found = [extractor.extract(blob) for blob in self._net.output_names()]
        if any(code for code, _ in found):
            raise RuntimeError("ncnn failed to run the model")
        self._outputs = [mat for _, mat in found]

    def outputs(self) -> Sequence[Array]:
        return [np.array(mat) for mat in self._outputs]

    def instructions(self) -> str:
        return f"by CPU, at most {best_level()}"


def convert(job: Job, folder: Path) -> Path:
    """Convert a model; the stem of the files written."""
    copy = folder / "model.onnx"
    copy.symlink_to(job.model.resolve())
    shapes = ",".join(
        f"[{','.join(map(str, array.shape))}]{TYPES[array.dtype.name]}" for array in job.inputs.values()
    )
    command = [converter() or CONVERTER, copy.name, f"inputshape={shapes}", "fp16=0"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0 or not (folder / "model.ncnn.param").exists():
        raise RuntimeError(f"pnnx cannot convert the model (exit code {done.returncode})")
    return folder / "model"


def _narrow(array: Array) -> Array:
    """ncnn has no 64-bit integers."""
    return array.astype(np.int32) if array.dtype == np.int64 else array
