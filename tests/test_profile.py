"""A profile has every call of a model, its kernels do what the model does, and its timeline opens."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

import penstock
from penstock.artefact import HEADER_AT, save
from penstock.cli import cli
from penstock.cli.profile import rows_by_call, rows_by_kernel, short_nodes
from penstock.errors import ModelError, PenstockError
from penstock.files import load
from penstock.machine_speed import Bandwidth, MachineSpeed, machine_speed
from penstock.model import CompiledModel
from penstock.package import ENTRY, Place
from penstock.profiling import Profile, memory_of, profile, steps_of
from penstock.timeline import timeline, write_timeline
from tests.small_model import small_inputs, small_model

Array = NDArray[np.generic]
Captured = pytest.CaptureFixture[str]
ROWS, WIDTH, LAYERS = 600, 64, 3


def deep_model() -> bytes:
    """Layers that are equal but for their weights, large enough to be shared among threads."""
    generator = np.random.default_rng(5)
    weights = [generator.standard_normal((WIDTH, WIDTH)).astype(np.float32) for _ in range(LAYERS)]
    nodes = [
        helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"], name=f"layer/{i}")
        for i in range(LAYERS)
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (ROWS, WIDTH)) for name in ("x0", f"x{LAYERS}")
    ]
    kept = [numpy_helper.from_array(weight, f"w{i}") for i, weight in enumerate(weights)]
    graph = helper.make_graph(nodes, "deep", ends[:1], ends[1:], kept)
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(deterministic=True)


def deep_inputs() -> dict[str, Array]:
    """An input of the deep model."""
    return {"x0": np.random.default_rng(6).standard_normal((ROWS, WIDTH)).astype(np.float32)}


@pytest.fixture(scope="module", params=[1, 2], ids=["one thread", "two threads"])
def deep(request: pytest.FixtureRequest) -> CompiledModel:
    """Compile the deep model."""
    return penstock.compile(deep_model(), threads=request.param)


@pytest.fixture(scope="module")
def measured() -> Profile:
    """Profile the deep model."""
    return profile(penstock.compile(deep_model()), deep_inputs(), budget=0.01)


def run_command(*arguments: str) -> None:
    """Run `penstock` in this process."""
    cli.main(list(arguments), prog_name="penstock", standalone_mode=False)


def test_the_calls_do_what_the_model_does(deep: CompiledModel) -> None:
    package = deep.package
    memory = memory_of(package, deep_inputs())
    for step in steps_of(package, memory):
        step()
    np.testing.assert_array_equal(memory[1], deep(deep_inputs())[f"x{LAYERS}"])


def test_every_call_and_kernel_is_in_the_tables(deep: CompiledModel) -> None:
    package = deep.package
    called = [call.kernel for call in package.calls]
    assert {kernel.name: kernel.calls for kernel in package.kernels} == {n: called.count(n) for n in called}
    assert {kernel.name for kernel in package.kernels} <= set(package.image.symbols) - {ENTRY}
    assert [call.nodes for call in package.calls if call.nodes] == [(f"layer/{i}",) for i in range(LAYERS)]
    assert any(call.parts == 2 for call in package.calls) == (package.threads == 2)


def test_equal_layers_are_one_kernel_with_the_work_of_one() -> None:
    package = penstock.compile(deep_model(), target="host").package
    flops = {kernel.name: kernel.flops for kernel in package.kernels}
    assert sum(flops[call.kernel] for call in package.calls) == LAYERS * 2 * ROWS * WIDTH * WIDTH
    assert len(package.kernels) < LAYERS


def test_an_artefact_is_profiled_like_the_model(tmp_path: Path) -> None:
    model = penstock.compile(small_model())
    model.save(tmp_path / "small.penstock")
    loaded = load(tmp_path / "small.penstock")
    assert loaded.package.calls == model.package.calls and loaded.package.kernels == model.package.kernels
    found = profile(loaded, small_inputs(), budget=0.0, at_least=2)
    assert len(found.fastest) == len(found.run) == len(loaded.package.calls) and found.repetitions == 2


@pytest.mark.parametrize("place", [Place(9, 0), Place(-1, 0), Place(0, -1), Place(0, 1 << 40)])
def test_a_call_outside_of_memory_is_declined(tmp_path: Path, place: Place) -> None:
    package = penstock.compile(small_model()).package
    call = replace(package.calls[0], operands=(place,))
    save(replace(package, calls=(call,)), tmp_path / "bad.penstock")
    with pytest.raises(ModelError, match="damaged"):
        load(tmp_path / "bad.penstock")


def test_a_call_of_no_kernel_is_declined(tmp_path: Path) -> None:
    package = penstock.compile(small_model()).package
    call = replace(package.calls[0], kernel="absent")
    save(replace(package, calls=(call,)), tmp_path / "bad.penstock")
    with pytest.raises(ModelError, match="damaged"):
        load(tmp_path / "bad.penstock")


def test_the_header_says_what_each_call_is(tmp_path: Path) -> None:
    package = penstock.compile(small_model()).package
    save(package, tmp_path / "small.penstock")
    data = (tmp_path / "small.penstock").read_bytes()
    header = json.loads(data[HEADER_AT : HEADER_AT + int.from_bytes(data[8:16], "little")])
    assert [call[0] for call in header["calls"]] == [call.kernel for call in package.calls]


def test_a_model_that_does_more_than_call_is_not_profiled() -> None:
    model = penstock.compile(small_model())
    with pytest.raises(PenstockError, match="no kernels that can be called one by one"):
        profile(CompiledModel(replace(model.package, calls=())), small_inputs(), budget=0.0)


def test_rows_add_up(measured: Profile) -> None:
    calls, kernels = rows_by_call(measured), rows_by_kernel(measured)
    assert [row.kernel.name for row in calls] == [call.kernel for call in measured.package.calls]
    assert sorted(row.kernel.name for row in kernels) == sorted(k.name for k in measured.package.kernels)
    for total in ("time", "calls", "flops", "moved"):
        assert sum(getattr(row, total) for row in calls) == sum(getattr(row, total) for row in kernels)


def test_the_timeline_has_every_call_in_order(measured: Profile, tmp_path: Path) -> None:
    write_timeline(measured, tmp_path / "trace.json")
    read = json.loads((tmp_path / "trace.json").read_text())
    assert read == timeline(measured)
    events = [event for event in read["traceEvents"] if event["ph"] == "X"]
    assert [event["name"] for event in events] == [call.kernel for call in measured.package.calls]
    assert [event["args"]["nodes"] for event in events] == [
        list(call.nodes) for call in measured.package.calls
    ]
    assert all({"pid", "tid", "ts", "dur"} <= event.keys() for event in events)
    assert all({"flops", "bytes", "loops"} <= event["args"].keys() for event in events)
    ends = [event["ts"] + event["dur"] for event in events]
    assert all(end <= event["ts"] + 1e-3 for end, event in zip(ends, events[1:], strict=False)), (
        "calls overlap"
    )


def test_the_roofline_takes_the_nearest_place_that_holds_the_bytes() -> None:
    speed = MachineSpeed(100.0, (Bandwidth("L2", 10, 50.0), Bandwidth("memory", 1000, 5.0)))
    assert [speed.bandwidth(moved) for moved in (1, 10, 11, 9999)] == [50.0, 50.0, 5.0, 5.0]
    assert speed.least_seconds(1000, 10) == 10.0 and speed.least_seconds(1, 100) == 20.0


def test_the_machine_is_measured() -> None:
    speed = machine_speed(0.01)
    assert speed.peak > 0 and [each.where for each in speed.bandwidths] == ["L2", "L3", "memory"]
    assert all(each.rate > 0 for each in speed.bandwidths)


@pytest.mark.parametrize(
    "nodes, text",
    [((), ""), (("a",), "a"), (("/x/y/z", "b", "b"), "y/z b"), (("a", "b", "c", "d"), "a b +2")],
)
def test_nodes_are_shortened(nodes: Sequence[str], text: str) -> None:
    assert short_nodes(nodes) == text


def test_the_command_prints_kernels_calls_and_the_timeline(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "deep.penstock"
    model = penstock.compile(deep_model())
    model.save(path)
    run_command("bench", str(path), "--profile", "--seconds", "0.01")
    by_kernel = capsys.readouterr().out
    run_command("bench", str(path), "--calls", "--seconds", "0.01", "--trace", str(tmp_path / "t.json"))
    by_call = capsys.readouterr().out
    for name in (kernel.name for kernel in model.kernels):
        assert by_kernel.count(f" {name} ") == 1
        assert by_call.count(f" {name} ") == sum(call.kernel == name for call in model.package.calls)
    assert "against one call" in by_kernel and "GFLOP/s of multiply-adds" in by_kernel
    assert len(json.loads((tmp_path / "t.json").read_text())["traceEvents"]) == len(model.package.calls) + 2


def test_the_command_measures_the_machine(capsys: Captured) -> None:
    run_command("bench", "--machine", "--seconds", "0.01")
    assert "fused multiply-adds" in capsys.readouterr().out
