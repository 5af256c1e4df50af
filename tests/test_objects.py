"""Object files, libraries and the C header: a C program prints what Python computes, to the last digit."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import penstock
from penstock.errors import PenstockError
from penstock.files import write_package
from penstock.model import CompiledModel
from penstock.objects import c_header, parameter_names
from penstock.package import TensorInfo
from tests.small_model import small_model

EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAM = EXAMPLES / "c_program" / "main.c"
C99 = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic")

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@pytest.fixture(scope="module")
def digits() -> CompiledModel:
    """Compile the model of the C program."""
    return penstock.compile(EXAMPLES / "digits" / "digits.onnx")


@pytest.fixture(scope="module")
def small() -> CompiledModel:
    """Compile the small model."""
    return penstock.compile(small_model())


def run(*command: object) -> str:
    """Run a command and return what it printed; what it says on standard error fails the test."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def expected(digits: CompiledModel) -> str:
    """What the C program prints, computed in Python on the same picture."""
    image = np.zeros((1, 1, 32, 32), np.float32)
    image[0, 0, 4:28, 14:18] = 0.75
    probabilities = digits({"image": image})["probabilities"][0]
    return "".join(f"{i} {float(p):.9g}\n" for i, p in enumerate(probabilities))


@pytest.mark.parametrize("suffix", [".o", ".a", ".so"])
def test_a_c_program_prints_what_python_computes(digits: CompiledModel, tmp_path: Path, suffix: str) -> None:
    library, header = digits.write(tmp_path / f"digits{suffix}")
    assert header.name == "digits.h"
    program = tmp_path / "program"
    run("gcc", *C99, "-I", tmp_path, "-o", program, PROGRAM, library, f"-Wl,-rpath,{tmp_path}")
    assert run(program) == expected(digits)


def test_nothing_is_undefined_and_little_is_seen(small: CompiledModel, tmp_path: Path) -> None:
    small.write(tmp_path / "small.o")
    assert run("nm", "-u", tmp_path / "small.o") == ""
    seen = {line.split()[-1] for line in run("nm", "-g", tmp_path / "small.o").splitlines()}
    assert seen == {"model_main", "model_weights"}
    small.write(tmp_path / "small.so")
    assert run("nm", "-D", "-u", tmp_path / "small.so") == ""


@pytest.mark.parametrize("compiler, language", [("g++", "c++"), ("gcc", "c")])
def test_header_stands_alone(small: CompiledModel, tmp_path: Path, compiler: str, language: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    (tmp_path / "small.h").write_text(c_header(small.package))
    run(compiler, "-x", language, "-fsyntax-only", "-Wall", "-Werror", "-pedantic", tmp_path / "small.h")


def renamed(model: CompiledModel, *names: str) -> CompiledModel:
    """The small model with other names for its inputs and outputs."""
    tensors = tuple(TensorInfo(name, "float32", (3, 5)) for name in names)
    return CompiledModel(replace(model.package, inputs=tensors[:2], outputs=tensors[2:]))


HARD_NAMES = (
    ("a.b", "a_b", "a/b", "a_b_2"),
    ("int", "class", "template", "float"),
    ("arena", "weights", "model_main", "model_weights"),
    ("", "1", "größe", "grö_e"),
    ("*/ #error", "/* x", "??/\n", "line\nbreak"),
    ("uint8_t", "unix", "x", "x"),
)


@pytest.mark.parametrize("names", HARD_NAMES, ids=range(len(HARD_NAMES)))
def test_no_name_breaks_the_header(small: CompiledModel, tmp_path: Path, names: tuple[str, ...]) -> None:
    model = renamed(small, *names)
    words = parameter_names(model.package)
    assert len(set(words)) == len(words)
    (tmp_path / "small.h").write_text(c_header(model.package))
    for compiler, language in (("gcc", "c"), ("g++", "c++")):
        if shutil.which(compiler) is not None:
            run(compiler, "-x", language, "-fsyntax-only", "-Wall", "-Werror", tmp_path / "small.h")


def test_alignment_is_the_one_of_the_plan(small: CompiledModel) -> None:
    needed = max(placed.interval.alignment for placed in small.memory.placements)
    assert f"#define MODEL_ALIGNMENT {needed}\n" in c_header(small.package)


def test_a_suffix_that_says_nothing_is_declined(small: CompiledModel, tmp_path: Path) -> None:
    with pytest.raises(PenstockError, match="'small.exe'.*Known: .penstock .o"):
        write_package(small.package, tmp_path / "small.exe")
    assert list(tmp_path.iterdir()) == []
