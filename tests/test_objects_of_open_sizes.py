"""C code of models with open sizes: a C program runs one library at many sizes, and is told what is wrong."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx.parser
import pytest

import penstock
from penstock.model import CompiledModel
from penstock.objects import c_header

C99 = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic")
MODEL = """
    <ir_version: 9, opset_import: ["": 17]>
    net (float[rows, int] x, float[rows, m] y) => (float[rows, k] z, int64[int] places)
        <int64[8] table = {9, 8, 7, 6, 5, 4, 3, 2}, int64[1] zero = {0}, float two = {2.0}>
    {
        doubled = Mul (x, two)
        both = Concat <axis = 1> (doubled, y)
        z = Softmax <axis = 1> (both)
        shape = Shape <start = 1> (x)
        places = Slice (table, zero, shape)
    }"""
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include "net.h"

/* Runs the model on 0, 1, 2, ... and prints the results, or what is wrong. */
int main(int count, char **words) {
    net_sizes sizes;
    int64_t shape[2], places[1], i;
    if (count != 4) return 2;
    sizes.rows = atoi(words[1]);
    sizes.int_2 = atoi(words[2]);
    sizes.m = atoi(words[3]);
    int wrong = net_check_sizes(&sizes);
    if (wrong) { printf("%d %s\n", wrong, net_error(wrong)); return 0; }
    int64_t nx = net_shape_of_x(&sizes, shape), ny = net_shape_of_y(&sizes, shape);
    float *x = malloc((size_t)nx * 4 + 1), *y = malloc((size_t)ny * 4 + 1);
    for (i = 0; i < nx; i++) x[i] = (float)i / 8;
    for (i = 0; i < ny; i++) y[i] = (float)i / 4;
    int64_t nz = net_shape_of_z(&sizes, shape), np = net_shape_of_places(&sizes, places);
    float *z = malloc((size_t)nz * 4 + 1);
    int64_t *p = malloc((size_t)np * 8 + 1);
    char *memory = malloc((size_t)net_arena_size(&sizes) + NET_ALIGNMENT);
    char *arena = memory + (NET_ALIGNMENT - (uintptr_t)memory % NET_ALIGNMENT);
    wrong = net_run(&sizes, x, y, z, p, arena);
    printf("%d %d %d %d\n", wrong, (int)shape[0], (int)shape[1], (int)places[0]);
    for (i = 0; i < nz; i++) printf("%.9g\n", z[i]);
    for (i = 0; i < np; i++) printf("%d\n", (int)p[i]);
    printf("%d\n", net_run(&sizes, x, 0, z, p, arena));
    free(x); free(y); free(z); free(p); free(memory);
    return 0;
}
"""

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@pytest.fixture(scope="module")
def net() -> CompiledModel:
    """Compile the model."""
    return penstock.compile(onnx.parser.parse_model(MODEL), bounds={"m": (1, 4)})


@pytest.fixture(scope="module", params=[".o", ".a", ".so"])
def program(
    net: CompiledModel, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """Build the C program with the model in one of the forms."""
    folder = tmp_path_factory.mktemp("program")
    library, _ = CompiledModel(replace(net.package, name="net")).write(folder / f"net{request.param}")
    (folder / "main.c").write_text(PROGRAM)
    command = ["gcc", *C99, "-o", folder / "main", folder / "main.c", library, f"-Wl,-rpath,{folder}"]
    subprocess.run([str(each) for each in command], check=True)
    return folder / "main"


def told(program: Path, *sizes: int) -> str:
    """What the program prints."""
    done = subprocess.run([str(program), *map(str, sizes)], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("sizes", [(1, 3, 2), (5, 8, 4), (2, 0, 1)])
def test_a_c_program_prints_what_python_computes(
    net: CompiledModel, program: Path, sizes: tuple[int, int, int]
) -> None:
    rows, n, m = sizes
    x = np.arange(rows * n, dtype=np.float32).reshape(rows, n) / np.float32(8)
    y = np.arange(rows * m, dtype=np.float32).reshape(rows, m) / np.float32(4)
    z, places = net({"x": x, "y": y}).values()
    lines = [f"0 {rows} {n + m} {n}", *(f"{v:.9g}" for v in z.reshape(-1).tolist()), *map(str, places)]
    assert told(program, *sizes).splitlines() == [*lines, "-1"]


@pytest.mark.parametrize(
    ("sizes", "fault"),
    [
        ((1, 1, 5), "m is not from 1 to 4"),
        ((-1, 1, 1), "rows is not from 0 to 2147483647"),
        ((1, 9, 1), "the model needs int <= 8"),
    ],
)
def test_sizes_that_do_not_fit_are_told(program: Path, sizes: tuple[int, int, int], fault: str) -> None:
    code, _, text = told(program, *sizes).strip().partition(" ")
    assert int(code) <= -3
    assert text == fault


@pytest.mark.parametrize(("compiler", "language"), [("g++", "c++"), ("gcc", "c")])
def test_the_header_stands_alone(net: CompiledModel, tmp_path: Path, compiler: str, language: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    (tmp_path / "net.h").write_text(c_header(net.package))
    command = [compiler, "-x", language, "-fsyntax-only", "-Wall", "-Werror", str(tmp_path / "net.h")]
    subprocess.run(command, check=True)
