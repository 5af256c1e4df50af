"""Positions that come with the data: outside is an error that names the node, never a stray access."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from onnx import parser

import penstock
from penstock.errors import PositionError
from penstock.model import CompiledModel

PICKING = """<ir_version: 9, opset_import: ["": 17]>
g (float[5, 4] x, int64[3] i, int64[2, 2] t, float[2] u, int32[5, 1] e)
    => (float[3, 4] y, float[5, 4] z, float[5, 1] w) {
    y = Gather (x, i)
    z = ScatterND (x, t, u)
    w = GatherElements <axis = 1> (z, e)
}"""
C11 = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic")
PROGRAM = """
#include <stdio.h>
#include "picking.h"

static _Alignas(PICKING_ALIGNMENT) unsigned char arena[PICKING_ARENA_SIZE + 1];

int main(void) {
    float x[20] = {0}, u[2] = {1, 2}, y[12], z[20], w[5];
    int64_t i[3] = {0, -5, 4}, t[4] = {0, 0, 4, 3};
    int32_t e[5] = {0, 1, 2, 3, -4};
    printf("%s\\n", picking_error(picking_run(x, i, t, u, e, y, z, w, arena)));
    t[3] = 4;
    printf("%s\\n", picking_error(picking_run(x, i, t, u, e, y, z, w, arena)));
    printf("%s\\n", picking_error(picking_run(x, i, t, u, e, y, z, 0, arena)));
    printf("%s\\n", picking_error(picking_run(x, i, t, u, e, y, z, w, arena + 1)));
    return 0;
}
"""


@pytest.fixture(scope="module", params=(1, 2))
def picking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CompiledModel:
    """The model, on one thread and on two."""
    path = tmp_path_factory.mktemp("picking") / "picking.onnx"
    path.write_bytes(parser.parse_model(PICKING).SerializeToString())
    return penstock.compile(path, threads=request.param)


def arrays() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """Inputs whose positions are the outermost ones that there are."""
    return {
        "x": np.arange(20, dtype=np.float32).reshape(5, 4),
        "i": np.array([0, -5, 4]),
        "t": np.array([[0, -4], [-5, 3]]),
        "u": np.array([50, 60], np.float32),
        "e": np.array([[0], [1], [2], [3], [-4]], np.int32),
    }


def test_the_outermost_positions_are_inside(picking: CompiledModel) -> None:
    given = arrays()
    y = picking(given)
    np.testing.assert_array_equal(y["y"], given["x"][[0, 0, 4]])
    np.testing.assert_array_equal(y["w"].ravel(), [50, 5, 10, 15, 16])


@pytest.mark.parametrize("far", (1, 2**31 - 1))
@pytest.mark.parametrize(
    "name, place, inside, node",
    (
        ("i", (1,), 4, "'Gather_0'.* the 5 "),
        ("i", (2,), -5, "'Gather_0'"),
        ("t", (0, 0), 4, "'ScatterND_1'.* the 5 x 4 "),
        ("t", (1, 1), -4, "'ScatterND_1'"),
        ("e", (3, 0), 3, "'GatherElements_2'.* the 4 "),
        ("e", (0, 0), -4, "'GatherElements_2'"),
    ),
)
def test_one_step_further_is_an_error_that_names_the_node(
    picking: CompiledModel, name: str, place: tuple[int, ...], inside: int, node: str, far: int
) -> None:
    given = arrays()
    limits = np.iinfo(str(given[name].dtype))
    further = inside - far if inside < 0 else inside + far
    given[name][place] = min(max(further, limits.min), limits.max)
    with pytest.raises(PositionError, match=node):
        picking(given)
    # The model is as good as before.
    picking(arrays())


def test_the_first_node_that_failed_is_named(picking: CompiledModel) -> None:
    given = arrays()
    given["i"][0], given["e"][0] = 99, 99
    with pytest.raises(PositionError, match="'Gather_0'"):
        picking(given)


def test_a_saved_model_reports_as_well(picking: CompiledModel, tmp_path: Path) -> None:
    picking.save(tmp_path / "picking.penstock")
    given = arrays()
    given["i"][0] = 5
    with pytest.raises(PositionError, match="'Gather_0'"):
        penstock.load(tmp_path / "picking.penstock")(given)


def test_models_without_such_positions_report_nothing() -> None:
    plain = parser.parse_model(
        '<ir_version: 9, opset_import: ["": 17]> g (float[4] x) => (float[2] y)'
        " <int64[2] i = {1, -1}> { y = Gather (x, i) }"
    )
    package = penstock.compile(plain).package
    assert package.failures == () and len(package.argument_sizes) == 4


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_a_c_program_gets_a_status(tmp_path: Path) -> None:
    path = tmp_path / "picking.onnx"
    path.write_bytes(parser.parse_model(PICKING).SerializeToString())
    penstock.compile(path).write(tmp_path / "picking.o")
    (tmp_path / "main.c").write_text(PROGRAM)
    command = ["gcc", *C11, "-o", tmp_path / "program", tmp_path / "main.c", tmp_path / "picking.o"]
    subprocess.run(command, check=True)
    printed = subprocess.run([tmp_path / "program"], check=True, capture_output=True, text=True).stdout
    assert printed.splitlines() == [
        "no error",
        "node 'ScatterND_1': a position is outside of the 5 x 4 that there are",
        "a pointer is null",
        "the arena is not aligned to 64 bytes",
    ]
