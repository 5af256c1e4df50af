"""A plugin as its author meets us: both packages built, installed in a fresh environment, used from a shell.

Nothing is downloaded: the environment sees the dependencies of this one behind its own packages.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "examples" / "custom_pass"
LEFT_OUT = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "dist", "*.egg-info", "tests", "docs", "benchmarks", "digits"
)
WRITTEN_OUT = """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %b = graph.constant {value = dense<4.0> : tensor<f32>} -> tensor<f32>
  %h = graph.constant {value = dense<0.5> : tensor<f32>} -> tensor<f32>
  %s = graph.mul %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %a = graph.add %s, %b : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %r = graph.sqrt %a : tensor<4xf32> -> tensor<4xf32>
  %t = graph.add %x, %r : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %y = graph.mul %t, %h : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
"""
FOUND = "squareplus.squareplus %x {b = 4.000000e+00 : f64}"


def run(*command: str | Path, folder: Path) -> str:
    """The output of a command that succeeds, run in a folder where nothing of ours lies."""
    result = subprocess.run([str(c) for c in command], cwd=folder, capture_output=True, text=True, env={})
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def wheel(source: Path, folder: Path) -> Path:
    """A wheel built from a copy of a source tree."""
    copy = folder / source.name
    shutil.copytree(source, copy, ignore=LEFT_OUT)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder]
    run(sys.executable, "-m", "pip", "wheel", *options, copy, folder=folder)
    (built,) = folder.glob("*.whl")
    return built.rename(folder.parent / built.name)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of a new environment with both wheels installed."""
    folder = tmp_path_factory.mktemp("fresh")
    wheels = [wheel(source, tmp_path_factory.mktemp("wheel")) for source in (ROOT, PLUGIN)]
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", folder=folder)
    python = folder / "venv" / "bin" / "python"
    target = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder)
    # A line of a .pth file adds a folder and reads none of its .pth files: an editable install stays hidden.
    Path(target.strip(), "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ["--quiet", "--no-deps", "--no-index"]
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, *wheels, folder=folder)
    return python.parent


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a graph, two models and an input."""
    (tmp_path / "graph.mlir").write_text(WRITTEN_OUT)
    (tmp_path / "written.onnx").write_bytes(written_out_model().SerializeToString())
    (tmp_path / "custom.onnx").write_bytes(custom_model().SerializeToString())
    np.save(tmp_path / "x.npy", np.array([-2, -0.5, 0, 3], np.float32))
    return tmp_path


def model(nodes: list[onnx.NodeProto], constants: dict[str, float]) -> onnx.ModelProto:
    """A model of one input `x` and one output `y`."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    weights = [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in constants.items()]
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("example.activations", 1)]
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y], weights), opset_imports=versions)


def written_out_model() -> onnx.ModelProto:
    """The function in standard operators."""
    steps = [
        ("Mul", "xx", "s"),
        ("Add", "sb", "a"),
        ("Sqrt", "a", "r"),
        ("Add", "rx", "t"),
        ("Div", "tc", "y"),
    ]
    return model([helper.make_node(op, [*given], [out]) for op, given, out in steps], {"b": 4.0, "c": 2.0})


def custom_model() -> onnx.ModelProto:
    """The function as an operator of a domain of its own."""
    node = helper.make_node("Squareplus", ["x"], ["y"], domain="example.activations", b=4.0)
    return model([node], {})


def test_packages_are_the_installed_ones(fresh: Path, desk: Path) -> None:
    script = "import penstock, squareplus; print(penstock.__file__, squareplus.__file__, sep='\\n')"
    for line in run(fresh / "python", "-c", script, folder=desk).splitlines():
        assert Path(line).is_relative_to(fresh.parent)


@pytest.mark.parametrize("command", [["penstock", "opt"], ["python", "-m", "xdsl.tools.xdsl_opt"]])
def test_pass_runs_by_name(fresh: Path, desk: Path, command: list[str]) -> None:
    tool = [fresh / command[0], *command[1:]]
    text = run(*tool, "graph.mlir", "-p", "recognize-squareplus", folder=desk)
    assert FOUND in text and "graph.sqrt" not in text
    assert "math.sqrt" in run(
        *tool, "graph.mlir", "-p", "recognize-squareplus,lower-graph-to-nest", folder=desk
    )


def test_pass_runs_while_compiling(fresh: Path, desk: Path) -> None:
    added = ["--pass", "graph:recognize-squareplus"]
    text = run(fresh / "penstock", "inspect", "written.onnx", *added, "--level", "graph", folder=desk)
    assert "squareplus.squareplus" in text and "graph.sqrt" not in text


@pytest.mark.parametrize("name", ["written.onnx", "custom.onnx"])
def test_models_run(fresh: Path, desk: Path, name: str) -> None:
    tool, added = fresh / "penstock", ["--pass", "import:recognize-squareplus"]
    run(tool, "compile", name, "-o", "model.penstock", *added, folder=desk)
    run(tool, "run", "model.penstock", "--input", "x=x.npy", "-o", "y.npz", folder=desk)
    x = np.load(desk / "x.npy")
    np.testing.assert_allclose(np.load(desk / "y.npz")["y"], (x + np.sqrt(x * x + 4)) / 2, rtol=1e-6)


def test_plugin_file_is_loaded_where_it_is_not_installed(desk: Path) -> None:
    tool, load = Path(sys.executable).with_name("penstock"), ["--load", PLUGIN / "squareplus.py"]
    added = [*load, "--pass", "graph:recognize-squareplus"]
    assert FOUND in run(tool, "opt", "graph.mlir", *load, "-p", "recognize-squareplus", folder=desk)
    run(tool, "compile", "custom.onnx", "-o", "model.penstock", *added, folder=desk)


def test_plugin_passes_its_own_tests(fresh: Path, desk: Path) -> None:
    shutil.copy(PLUGIN / "test_squareplus.py", desk)
    assert "passed" in run(fresh / "python", "-m", "pytest", "-q", "test_squareplus.py", folder=desk)
