"""Models that run on several threads: the same bits as on one, from Python and C, interrupted or not."""

import gc
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from types import FrameType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from xdsl.dialects.builtin import ModuleOp

import penstock
from penstock.backends.llvm import NativeImage
from penstock.backends.llvm.threads import Threads
from penstock.backends.targets import target
from penstock.compiler import Compiler
from penstock.driver import inspected
from penstock.errors import PenstockError, TargetError
from penstock.extensions import extended
from penstock.model import CompiledModel
from penstock.passes.parallelize import ParallelizePass
from penstock.testing import graph_modules, inputs_for
from penstock.testing.families import FAMILIES
from penstock.weights import aligned_bytes

Array = NDArray[np.generic]
Floats = NDArray[np.float32]

SHAPE = (1, 16, 40, 40)
C99 = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic")
PROGRAM = Path(__file__).parent / "threads" / "main.c"


def wide_model() -> bytes:
    """A padded convolution, a pooled copy of it and a matrix product: work for several threads."""
    generator = np.random.default_rng(3)
    weights = {
        "w": generator.standard_normal((37, 16, 3, 3)) / 12,
        "b": generator.standard_normal(37),
        "m": generator.standard_normal((20, 400)) / 5,
    }
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("MaxPool", ["r"], ["p"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("MatMul", ["p", "m"], ["y"], name="product"),
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)]
    results = [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 37, 20, 400)),
        helper.make_tensor_value_info("p", TensorProto.FLOAT, (1, 37, 20, 20)),
    ]
    initializers = [numpy_helper.from_array(a.astype(np.float32), n) for n, a in weights.items()]
    graph = helper.make_graph(nodes, "wide", ends, results, initializers)
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(deterministic=True)


def inputs(seed: int) -> Floats:
    """An input of the model."""
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


@pytest.fixture(scope="module")
def serial() -> CompiledModel:
    """Compile the model for one thread."""
    return penstock.compile(wide_model())


@pytest.fixture(scope="module")
def threaded() -> CompiledModel:
    """Compile the model for three threads."""
    return penstock.compile(wide_model(), threads=3)


def assert_same(left: Mapping[str, Array], right: Mapping[str, Array]) -> None:
    """The same bits under the same names."""
    assert left.keys() == right.keys()
    assert all(left[name].tobytes() == right[name].tobytes() for name in left)


def test_kernels_are_shared_out() -> None:
    # How many parts are worth it depends on the machine.
    text = inspected(wide_model(), threads=3, target="x86-64-v3").text("schedule")
    assert "nest.threads = 3" in text
    parts = [int(number) for number in re.findall(r"nest.parallel = (\d+)", text)]
    assert len(parts) >= 2 and min(parts) >= 3
    # Long kernels have parts to spare, so that a thread that is done early takes more.
    assert max(parts) > 3
    assert " thread, " in text


def test_one_thread_changes_nothing(serial: CompiledModel) -> None:
    assert serial.threads == 1
    assert "thread" not in inspected(wide_model(), threads=1).text("schedule")


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_results_are_those_of_one_thread(serial: CompiledModel, threads: int) -> None:
    model = penstock.compile(wide_model(), threads=threads)
    assert model.threads == threads
    for seed in range(3):
        assert_same(model(x=inputs(seed)), serial(x=inputs(seed)))


def test_three_heads_are_two_even_parts() -> None:
    """The nests of the product walk the heads together; what is shared lies inside."""
    sizes = {"a": (3, 97, 64), "b": (3, 64, 96), "c": (3, 97, 96)}
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in sizes.items()]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "heads", ends[:2], ends[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    text = inspected(model, threads=2).text("schedule")
    assert "together" in text and "nest.parallel = 2" in text and "b0 = 3 thread" not in text
    generator = np.random.default_rng(5)
    given = {name: generator.standard_normal(sizes[name]).astype(np.float32) for name in "ab"}
    assert_same(penstock.compile(model, threads=2)(given), penstock.compile(model)(given))


@given(module=graph_modules(ops=tuple(FAMILIES)))
@settings(max_examples=8 if settings().derandomize else 200, suppress_health_check=[HealthCheck.too_slow])
def test_small_kernels_may_be_shared_out_too(module: ModuleOp) -> None:
    """Every kernel that can be is shared out, however little there is to do."""
    everything = extended(passes={"schedule": [ParallelizePass(threads=3, grain=1)]})
    inputs, outputs = inputs_for(module), list[dict[str, Array]]()
    for known in (extended(), everything):
        model = CompiledModel(Compiler(target("host"), known).package(module.clone(), "model"))
        named = {port.name: array for port, array in zip(model.inputs, inputs, strict=True)}
        outputs.append(model(named))
    assert_same(*outputs)


def test_calls_do_not_disturb_each_other(serial: CompiledModel, threaded: CompiledModel) -> None:
    def call(seed: int) -> dict[str, Array]:
        return threaded(x=inputs(seed))

    seeds = [*range(8)] * 6
    expected = [serial(x=inputs(seed)) for seed in range(8)]
    with ThreadPoolExecutor(5) as pool:
        for seed, got in zip(seeds, pool.map(call, seeds), strict=True):
            assert_same(got, expected[seed])


def test_an_artefact_keeps_its_threads(
    serial: CompiledModel, threaded: CompiledModel, tmp_path: Path
) -> None:
    threaded.save(tmp_path / "wide.penstock")
    loaded = penstock.load(tmp_path / "wide.penstock")
    assert loaded.threads == 3
    assert_same(loaded(x=inputs(0)), serial(x=inputs(0)))
    serial.save(tmp_path / "serial.penstock")
    assert penstock.load(tmp_path / "serial.penstock").threads == 1


def test_no_threads_are_declined() -> None:
    with pytest.raises(PenstockError, match="cannot run on 0 threads"):
        penstock.compile(wide_model(), threads=0)


class Alarm(Exception):
    """What the handler of a signal raises."""


def raise_alarm(number: int, frame: FrameType | None) -> None:
    """Interrupt whatever runs."""
    raise Alarm


def test_interrupted_calls_leave_the_model_sound(serial: CompiledModel, threaded: CompiledModel) -> None:
    before = signal.signal(signal.SIGALRM, raise_alarm)
    expected = serial(x=inputs(0))
    caught = 0
    try:
        for delay in np.linspace(0.0005, 0.01, 20):
            try:
                signal.setitimer(signal.ITIMER_REAL, float(delay))
                while True:
                    threaded(x=inputs(1))
            except Alarm:
                caught += 1
            assert_same(threaded(x=inputs(0)), expected)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert caught == 20


def test_a_child_process_has_threads_of_its_own(serial: CompiledModel, threaded: CompiledModel) -> None:
    expected, given = serial(x=inputs(0)), inputs(0)
    threaded(x=given)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        same = all(array.tobytes() == expected[name].tobytes() for name, array in threaded(x=given).items())
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def pool_threads() -> set[threading.Thread]:
    """The threads of all pools of this process."""
    return {each for each in threading.enumerate() if each.name == "penstock"}


def test_a_child_process_does_not_end_the_threads_of_its_parent(threaded: CompiledModel) -> None:
    """A thread that never sleeps would see it at once if the child told it to stop."""
    image, package = NativeImage(threaded.package.image), threaded.package
    before = pool_threads()
    pool, main = Threads(image, 2, spins=1 << 40), image.function("main")
    arrays: list[Array] = [np.zeros(t.fixed, np.float32) for t in (*package.inputs, *package.outputs)]
    arrays += [aligned_bytes(package.memory.arena), package.weights]
    addresses = [array.ctypes.data for array in arrays]
    pool.call(main, addresses)
    (worker,) = pool_threads() - before
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        pool.call(main, addresses)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    sleep(0.05)
    assert worker.is_alive()
    del pool
    worker.join(30)
    assert not worker.is_alive()


def test_code_without_a_pool_is_declined(threaded: CompiledModel) -> None:
    image = threaded.package.image
    symbols = {name: place for name, place in image.symbols.items() if "pool" not in name}
    package = replace(threaded.package, image=replace(image, symbols=symbols))
    with pytest.raises(TargetError, match="for 3 threads and has no pool of threads"):
        CompiledModel(package)


def test_threads_end_with_their_model(threaded: CompiledModel, tmp_path: Path) -> None:
    threaded.save(tmp_path / "wide.penstock")
    before = {each.ident for each in threading.enumerate()}
    model = penstock.load(tmp_path / "wide.penstock")
    model(x=inputs(0))
    made = {each.ident for each in threading.enumerate()} - before
    assert len(made) == 2
    del model
    gc.collect()
    deadline = monotonic() + 30
    while made & {each.ident for each in threading.enumerate()} and monotonic() < deadline:
        sleep(0.01)
    assert not made & {each.ident for each in threading.enumerate()}


needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


def built(model: CompiledModel, folder: Path, *flags: str) -> Path:
    """The C program with a model in it."""
    model.write(folder / "wide.o")
    program = folder / "program"
    command = ["gcc", *C99, *flags, "-I", folder, "-o", program, PROGRAM, folder / "wide.o", "-pthread"]
    subprocess.run(command, check=True)
    return program


@needs_gcc
@pytest.mark.parametrize("how", ["threads", "backwards", "alone", "pool", "empty", "callers", "crowd"])
def test_a_c_program_brings_its_own_threads(threaded: CompiledModel, tmp_path: Path, how: str) -> None:
    inputs(0).tofile(tmp_path / "input")
    command = [built(threaded, tmp_path), how, tmp_path / "input"]
    done = subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert done.stderr.decode() == ("1\n" if how == "alone" else "3\n")
    assert done.stdout == b"".join(array.tobytes() for array in threaded(x=inputs(0)).values())


@needs_gcc
def test_a_c_program_has_no_races(threaded: CompiledModel, tmp_path: Path) -> None:
    """The thread sanitizer sees what the program does around the code, which it does not see into."""
    try:
        program = built(threaded, tmp_path, "-fsanitize=thread")
    except subprocess.CalledProcessError:
        pytest.skip("this gcc has no thread sanitizer")
    inputs(0).tofile(tmp_path / "input")
    done = subprocess.run([program, "crowd", tmp_path / "input"], capture_output=True, timeout=300)
    if b"unexpected memory mapping" in done.stderr:
        pytest.skip("the thread sanitizer cannot place its memory here")
    assert (done.returncode, done.stderr) == (0, b"3\n")


@needs_gcc
def test_an_object_brings_a_pool_and_needs_nothing(threaded: CompiledModel, tmp_path: Path) -> None:
    threaded.write(tmp_path / "wide.o")
    listed = subprocess.run(["nm", tmp_path / "wide.o"], check=True, capture_output=True, text=True).stdout
    names = {line.split()[-1]: line.split()[-2] for line in listed.splitlines()}
    assert "U" not in names.values()
    assert {"model_pool_work", "model_pool_stop", "model_pool_parallel_for"} < names.keys()
    assert "#define MODEL_POOL_INIT" in (tmp_path / "wide.h").read_text()


@needs_gcc
def test_the_example_runs_on_its_pool(tmp_path: Path) -> None:
    """Four callers print one sum each of ten probabilities over the same pictures."""
    examples = Path(__file__).parent.parent / "examples"
    model = penstock.compile(examples / "digits" / "digits.onnx", threads=2)
    model.write(tmp_path / "digits.o")
    source, program = examples / "c_threads" / "main.c", tmp_path / "program"
    command = ["gcc", *C99, "-I", tmp_path, "-o", program, source, tmp_path / "digits.o", "-pthread"]
    subprocess.run(command, check=True)
    done = subprocess.run([program], check=True, capture_output=True, text=True, timeout=60)
    pictures = np.zeros((32, 1, 1, 32, 32), np.float32)
    for number, picture in enumerate(pictures):
        picture[0, 0, 4:28, number : number + 4] = 0.75
    total = np.zeros(10, np.float32)
    for picture in pictures:
        total += model(image=picture)["probabilities"][0]
    assert done.stdout == "".join(f"{digit} {float(p):.9g}\n" * 4 for digit, p in enumerate(total))


def seconds_of_processor() -> float:
    """What all threads of this process have taken so far."""
    taken = os.times()
    return taken.user + taken.system


def test_an_idle_model_takes_no_time(threaded: CompiledModel) -> None:
    threaded(x=inputs(0))
    sleep(0.1)
    before = seconds_of_processor()
    sleep(1)
    assert seconds_of_processor() - before < 0.05
