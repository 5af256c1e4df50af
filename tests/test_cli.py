"""The command line: arguments to driver calls, exit codes, what a person reads; the driver is a double."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from penstock.backends.llvm import Image as CodeImage
from penstock.backends.targets import Target
from penstock.backends.targets import target as named
from penstock.cli import cli
from penstock.crash import guarded
from penstock.dialects.memory_plan import Plan
from penstock.errors import ModelError
from penstock.package import Package
from penstock.weights import Part, Weights

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Port:
    """An input or output."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Step:
    """A pass as `check` and `trace` tell of it."""

    name: str = "fuse"
    level: str = "graph"
    pass_name: str = "fuse"
    numerics: str = "exact"
    error: float = 0.0
    bound: float = 0.0
    passed: bool = True
    kernel: str | None = None
    seconds: float = 0.001
    text: str = ""


class Doubler:
    """A compiled model that doubles a picture."""

    inputs = (Port("image", (1, 1, 2, 4), "float32"),)
    usual_inputs = inputs
    outputs = (Port("twice", (1, 1, 2, 4), "float32"),)

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return {"twice": np.multiply(inputs["image"], np.float32(2))}


@dataclass(frozen=True)
class Written:
    """What the driver says that it wrote."""

    files: tuple[Path, ...]
    package: Package


class Driver(ModuleType):
    """Stands for the driver and keeps the arguments of its last call."""

    def __init__(self) -> None:
        super().__init__("penstock.driver")
        self.called: tuple[str, object] = ("", None)
        self.steps: list[Step] = [Step(pass_name="import", text="a\nb\n"), Step(text="a\nc\n")]
        self.failure: BaseException | None = None

    def compile(
        self,
        model: Path,
        *,
        threads: int,
        progress: object,
        watcher: object,
        dump_dir: object,
        **build: object,
    ) -> Doubler:
        """Return the double."""
        self.called = ("compile", build)
        return Doubler()

    def write(
        self,
        model: Path,
        path: Path,
        *,
        threads: int,
        tuning: Path | None,
        progress: object,
        watcher: object,
        dump_dir: object,
        **build: object,
    ) -> Written:
        """Write something, or fail as told."""
        self.called = ("write", build)
        if self.failure is not None:
            raise self.failure
        path.write_bytes(b"code")
        plan = Plan((), 64, 64)
        code = CodeImage(b"code", {})
        package = Package(
            "double", named("x86-64"), (), (), code, Weights([Part(0, memoryview(bytes(3)))]), plan, (), ()
        )
        return Written((path,), package)

    def load(self, path: Path) -> Doubler:
        """Return the double."""
        self.called = ("load", path)
        return Doubler()

    def check(self, model: Path, **build: object) -> list[Step]:
        """Return the steps set."""
        return self.steps

    def trace(self, model: Path, **build: object) -> list[Step]:
        """Return the steps set."""
        return self.steps


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Put the double in the place of the driver and of the public functions before it."""
    double = Driver()
    for name in ("penstock.driver", "penstock.api"):
        monkeypatch.setitem(sys.modules, name, double)
    monkeypatch.setattr("penstock.files.load", double.load)
    return double


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Run command lines in a folder that holds a model, an artefact, an array and a picture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("model.onnx", "model.penstock", "notes.npy"):
        (tmp_path / name).write_text("text")
    np.save(tmp_path / "x.npy", np.arange(8, dtype=np.float32).reshape(1, 1, 2, 4))
    Image.fromarray(np.full((4, 8), 51, np.uint8)).save(tmp_path / "grey.png")
    return run_line


def run_line(line: str) -> int:
    """Run one command line as `main` does and return its exit code."""
    command = partial(cli.main, args=shlex.split(line), prog_name="penstock", standalone_mode=False)
    try:
        return guarded(command)
    except SystemExit as leaving:
        assert isinstance(leaving.code, int)
        return leaving.code


Shell = Callable[[str], int]
Captured = pytest.CaptureFixture[str]


def test_build_options_reach_the_driver(driver: Driver, shell: Shell) -> None:
    line = "compile model.onnx -o m.o --shape x=1x3x8 --shape a=b=scalar --dim n=4 --target x86-64-v3"
    added = "--load notes.npy --pass graph:a --pass nest:b --pass graph:c{size=2:3}"
    assert shell(f"{line} {added}") == 0
    assert driver.called == (
        "write",
        {
            "shapes": {"x": (1, 3, 8), "a=b": ()},
            "dims": {"n": 4},
            "bounds": {},
            "hints": {},
            "target": "x86-64-v3",
            "plugins": (Path("notes.npy"),),
            "passes": {"graph": ["a", "c{size=2:3}"], "nest": ["b"]},
        },
    )
    assert Path("m.o").read_bytes() == b"code"


def test_open_sizes_reach_the_driver(driver: Driver, shell: Shell) -> None:
    line = "compile model.onnx -o m.o --shape x=batch,3,max(h,8),2*w --shape y=n --hint h=64"
    assert shell(f"{line} --bounds batch=1:64 --bounds h=32: --bounds w=:9") == 0
    called = cast(dict[str, object], driver.called[1])
    assert called["shapes"] == {"x": ("batch", 3, "max(8, h)", "2*w"), "y": ("n",)}
    assert called["bounds"] == {"batch": (1, 64), "h": (32, None), "w": (0, 9)}
    assert called["hints"] == {"h": 64}


@pytest.mark.parametrize(
    "line",
    [
        "compile model.onnx -o m.o --shape x=batch,,3",
        "compile model.onnx -o m.o --bounds batch=4",
        "compile model.onnx -o m.o --hint batch=0",
        "run model.penstock --hint n=4 --random 1",
        "compile model.onnx",
        "compile absent.onnx -o m.o",
        "compile model.onnx -o m.o --shape x=1xx3",
        "compile model.onnx -o m.o --shape 1x3",
        "compile model.onnx -o m.o --dim n=0",
        "compile model.onnx -o m.o --load absent.py",
        "compile model.onnx -o m.o --pass graph",
        "compile model.onnx -o m.exe",
        "compile model.onnx -o m.o --tune 0",
        "run model.onnx --input image=absent.npy",
        "run model.onnx --input image=x.npy --random 1",
        "bench",
        "bench model.onnx --machine",
        "run model.penstock --dim n=4 --random 1",
        "run model.penstock --pass graph:a --random 1",
        "inspect model.onnx --level nest --after fuse",
        "inspect model.onnx --kernels --diff fuse",
        "inspect model.penstock --level nest",
        "inspect model.penstock --dump-dir dump",
        "transmogrify",
    ],
)
def test_wrong_usage_is_exit_code_2(driver: Driver, shell: Shell, capsys: Captured, line: str) -> None:
    assert shell(line) == 2
    assert "Error: " in capsys.readouterr().err


def test_user_error_is_one_line(driver: Driver, shell: Shell, capsys: Captured) -> None:
    driver.failure = ModelError("no graph", file="model.onnx", node="a", remedy="Export it again.")
    assert shell("compile model.onnx -o m.o") == 1
    assert capsys.readouterr().err == "error: model.onnx: node 'a': no graph. Export it again.\n"


def test_internal_error_leaves_a_reproducer(driver: Driver, shell: Shell, capsys: Captured) -> None:
    driver.failure = ZeroDivisionError("by nought")
    assert shell("compile model.onnx -o m.o") == 70
    error = capsys.readouterr().err
    assert error.startswith("internal error: ZeroDivisionError: by nought\n")
    assert "Traceback" not in error
    report = Path(error.split()[-1]).read_text()
    assert "Traceback" in report and "xdsl: 0.74" in report and "command: " in report


def test_interruption_is_quiet(driver: Driver, shell: Shell, capsys: Captured) -> None:
    driver.failure = KeyboardInterrupt()
    assert shell("compile model.onnx -o m.o") == 130
    assert capsys.readouterr().err.strip() == ""


def test_file_that_cannot_be_written(driver: Driver, shell: Shell, capsys: Captured) -> None:
    driver.failure = PermissionError(13, "Permission denied", "m.o")
    assert shell("compile model.onnx -o m.o") == 1
    assert capsys.readouterr().err == "error: m.o: Permission denied\n"


@pytest.mark.parametrize("module, arguments, code", [("cli", ["--help"], 1), ("opt", [], 141)])
def test_closed_pipe_is_quiet(module: str, arguments: list[str], code: int) -> None:
    read, write = os.pipe()
    os.close(read)
    script = f"from penstock.{module} import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        input='"test.op"() : () -> ()',
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert (result.returncode, result.stderr) == (code, "")


def test_run_reads_arrays_and_writes_outputs(driver: Driver, shell: Shell, capsys: Captured) -> None:
    assert shell("run model.penstock --input image=x.npy -o out.npz --top 2") == 0
    assert driver.called == ("load", Path("model.penstock"))
    assert "1,3: 14   1,2: 12" in capsys.readouterr().out
    np.testing.assert_array_equal(np.load("out.npz")["twice"].ravel(), np.arange(8) * 2)


def test_run_scales_pictures_to_the_input(driver: Driver, shell: Shell) -> None:
    assert shell("run model.onnx --input image=grey.png -o out.npz") == 0
    np.testing.assert_allclose(np.load("out.npz")["twice"], np.full((1, 1, 2, 4), 0.4), rtol=1e-6)


@pytest.mark.parametrize(
    "given, message",
    [
        ("--input picture=x.npy", "the model's inputs are image; missing or not among them: image, picture"),
        ("", "missing or not among them: image"),
        ("--input image=notes.npy", "notes.npy: not a NumPy array. Save it with numpy.save."),
    ],
)
def test_wrong_inputs_are_named(
    driver: Driver, shell: Shell, capsys: Captured, given: str, message: str
) -> None:
    assert shell(f"run model.onnx {given}") == 1
    assert message in capsys.readouterr().err


def test_random_inputs_repeat(driver: Driver, shell: Shell, capsys: Captured) -> None:
    texts: list[str] = []
    for seed in (1, 1, 2):
        assert shell(f"run model.onnx --random {seed}") == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]


def test_bench_counts_calls(driver: Driver, shell: Shell, capsys: Captured) -> None:
    assert shell("bench model.onnx --seconds 0.01") == 0
    row = capsys.readouterr().out.splitlines()[-2].split()
    assert row[0] == "model.onnx" and int(row[1]) >= 5 and row.count("ms") == 5


@pytest.mark.parametrize("passed, code, verdict", [(True, 0, "ok"), (False, 1, "CHANGED")])
def test_check_tells_which_pass(
    driver: Driver, shell: Shell, capsys: Captured, passed: bool, code: int, verdict: str
) -> None:
    driver.steps = [Step(), Step(name="lower", passed=passed, error=0.5)]
    assert shell("check model.onnx") == code
    row = capsys.readouterr().out.splitlines()[-2].split()
    assert row == ["lower", "exact", "0.5", "0", verdict]


@pytest.mark.parametrize(
    "options, expected",
    [
        ("--after import", "a\nb\n"),
        ("--diff fuse", "--- before fuse\n+++ after fuse\n@@ -1,2 +1,2 @@\n a\n-b\n+c"),
    ],
)
def test_inspect_prints_what_is_asked(
    driver: Driver, shell: Shell, capsys: Captured, options: str, expected: str
) -> None:
    assert shell(f"inspect model.onnx {options}") == 0
    assert capsys.readouterr().out == f"{expected}\n"


@pytest.mark.parametrize("options", ["--after attic", "--diff attic"])
def test_inspect_names_what_there_is(driver: Driver, shell: Shell, capsys: Captured, options: str) -> None:
    assert shell(f"inspect model.onnx {options}") == 1
    assert "'attic', only " in capsys.readouterr().err


def test_opt_takes_its_own_options(shell: Shell, capsys: Captured) -> None:
    Path("m.mlir").write_text('"test.op"() : () -> ()')
    assert shell("opt m.mlir --print-op-generic -p canonicalize") == 0
    assert '"builtin.module"()' in capsys.readouterr().out
    assert shell("opt m.mlir -p absent") == 1
    assert capsys.readouterr().err.startswith("error: Unrecognized passes: ['absent']")
    assert shell("opt --help") == 0
    assert "--load" in capsys.readouterr().out


def test_targets_tells_what_this_machine_runs(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(described: Target) -> list[str]:
        return ["avx9"] if described.name == "x86-64-v4" else []

    monkeypatch.setattr("penstock.cli.tables.missing_features", lacking)
    assert run_line("targets") == 0
    lines = {line.split()[0]: line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert lines.keys() >= {"x86-64", "x86-64-v3", "host"}
    assert lines["x86-64-v3"].endswith("runs") and lines["x86-64-v4"].endswith("lacks avx9")


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_help_with_an_example(name: str) -> None:
    text = cli.commands[name].help
    assert text is not None and (f"penstock {name}" in text or not cli.commands[name].params)


def test_help_is_quick() -> None:
    """Nothing that takes long to import is there before a command runs."""
    heavy = ("numpy", "xdsl", "onnx", "llvmlite", "rich", "penstock.driver", "penstock.package")
    code = f"import sys, penstock.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("line", ["--help", "compile --help", "targets --help", "-h"])
def test_help_needs_no_driver(line: str, capsys: Captured) -> None:
    assert run_line(line) == 0
    assert "Usage: penstock" in capsys.readouterr().out
