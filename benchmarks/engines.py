"""The engines, a class each: load a model, run it, tell what it is.  Each runs in a process of its own."""

import resource
import subprocess
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
LEVELS = ("avx512f", "avx2", "avx", "sse4_1", "sse2")


@dataclass(frozen=True)
class Job:
    """What an engine is to run: a model, its inputs in order, the sizes of its symbolic dims, the threads."""

    model: Path
    inputs: Mapping[str, Array]
    dims: Mapping[str, int]
    threads: int


class Engine(ABC):
    """An engine in this process: `load` once, then `run` as often as wanted."""

    name: ClassVar[str]
    module: ClassVar[str]

    @classmethod
    def lacks(cls) -> str:
        """What must be installed before it can take part; empty when it can."""
        return "" if find_spec(cls.module) else f"{cls.module} is not installed"

    @classmethod
    def version(cls) -> str:
        """Its version."""
        return version(cls.module)

    @abstractmethod
    def load(self, job: Job) -> None:
        """Make the model ready to run on these inputs."""

    @abstractmethod
    def run(self) -> None:
        """Call the model once."""

    @abstractmethod
    def outputs(self) -> Sequence[Array]:
        """The outputs of the last call, in the model's order."""

    @abstractmethod
    def instructions(self) -> str:
        """The instruction set it chose, as far as it can be found out."""

    def facts(self) -> Mapping[str, int]:
        """What else it tells: fields of `EngineResult`."""
        return {}


class Penstock(Engine):
    """Ours: compiled ahead of time by the command in a process of its own, without the cache, then loaded."""

    name = module = "penstock"

    def load(self, job: Job) -> None:
        from penstock.files import load

        shapes = [
            f"--shape={name}={'x'.join(map(str, array.shape)) or 'scalar'}"
            for name, array in job.inputs.items()
        ]
        command = [sys.executable, "-c", "from penstock.cli import main; main()", "compile", str(job.model)]
        self._folder = TemporaryDirectory(prefix="penstock-bench-")
        artefact = Path(self._folder.name) / "model.penstock"
        done = subprocess.run(
            [*command, "-o", str(artefact), f"--threads={job.threads}", *shapes],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(" ".join(done.stderr.split()) or f"exit code {done.returncode}")
        self._model, self._inputs = load(artefact), dict(job.inputs)

    def run(self) -> None:
        self._outputs = self._model(self._inputs)

    def outputs(self) -> Sequence[Array]:
        return list(self._outputs.values())

    def instructions(self) -> str:
        target = self._model.package.target
        return f"{target.cpu}: {target.vector_bits}-bit vectors{', FMA' if target.fma else ''}"

    def facts(self) -> Mapping[str, int]:
        flops = sum(kernel.calls * kernel.flops for kernel in self._model.kernels)
        compiler = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
        return {"flops": flops, "load_peak_bytes": compiler}


class OnnxRuntime(Engine):
    """ONNX Runtime with its default optimisations."""

    name = module = "onnxruntime"

    def load(self, job: Job) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
        options.log_severity_level = 3
        for name, size in job.dims.items():
            options.add_free_dimension_override_by_name(name, size)
        self._session = onnxruntime.InferenceSession(
            str(job.model), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = dict(job.inputs)

    def run(self) -> None:
        self._outputs = self._session.run(None, self._inputs)

    def outputs(self) -> Sequence[Array]:
        return [np.asarray(output) for output in self._outputs]

    def instructions(self) -> str:
        return f"by CPU, at most {best_level()}"


class OpenVino(Engine):
    """OpenVINO for latency, in single precision, with the shapes fixed."""

    name = module = "openvino"

    def load(self, job: Job) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(job.model)
        model.reshape({name: list(array.shape) for name, array in job.inputs.items()})
        settings = {
            "INFERENCE_NUM_THREADS": job.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self._compiled = core.compile_model(model, "CPU", settings)
        self._request = self._compiled.create_infer_request()
        for name, array in job.inputs.items():
            self._request.get_tensor(name).data[...] = array

    def run(self) -> None:
        self._request.infer()

    def outputs(self) -> Sequence[Array]:
        count = len(self._compiled.outputs)
        return [np.array(self._request.get_output_tensor(i).data) for i in range(count)]

    def instructions(self) -> str:
        """The instruction set that most of its primitives name."""
        infos = (op.get_rt_info() for op in self._compiled.get_runtime_model().get_ordered_ops())
        kinds = [info["primitiveType"].astype(str) for info in infos if "primitiveType" in info]
        named = Counter(part for kind in kinds for part in kind.split("_") if part in (*LEVELS, "avx512"))
        return ", ".join(f"{name} ({count} primitives)" for name, count in named.most_common()) or "unknown"


def best_level() -> str:
    """The best vector instructions of this CPU."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2].partition("\n")[0].split()
    return next((level for level in LEVELS if level in flags), "unknown")
