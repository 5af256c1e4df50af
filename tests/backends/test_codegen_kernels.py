"""A register-tiled matrix product at the loops level: what it computes and what its inner loop looks like."""

import re
from itertools import product

import numpy as np
import pytest

from penstock.backends.llvm import LinkError, compile_module, link
from penstock.backends.targets import target
from tests.backends.codegen_kit import call, compile_loops, load_loops, lowered


def matrix_product(m: int, n: int, k: int, rows: int, columns: int, lanes: int) -> str:
    """C = A B with B packed in panels, a tile of `rows` by `columns` vectors held in registers over k."""
    a, c, vector = f"memref<{m}x{k}xf32>", f"memref<{m}x{n}xf32>", f"vector<{lanes}xf32>"
    panels = n // (columns * lanes)
    b = f"memref<{panels}x{k}x{columns * lanes}xf32>"
    tile = list(product(range(rows), range(columns)))
    types = ", ".join([vector] * len(tile))
    constants = {
        "zero": 0,
        "one": 1,
        "m": m,
        "k": k,
        "panels": panels,
        "rows": rows,
        "width": columns * lanes,
    }
    lines = [f"func.func @k(%a: {a}, %b: {b}, %c: {c} {{llvm.noalias}}) {{"]
    lines += [f"%{name} = arith.constant {value} : index" for name, value in constants.items()]
    lines += [f"%row{i} = arith.constant {i} : index" for i in range(rows)]
    lines += [f"%column{j} = arith.constant {j * lanes} : index" for j in range(columns)]
    lines += [f"%z = arith.constant dense<0.0> : {vector}", "scf.for %p = %zero to %panels step %one {"]
    lines += ["%left = arith.muli %p, %width : index", "scf.for %top = %zero to %m step %rows {"]
    lines += [f"%i{i} = arith.addi %top, %row{i} : index" for i in range(rows)]
    lines += [f"%j{j} = arith.addi %left, %column{j} : index" for j in range(columns)]
    carried = ", ".join(f"%s{i}_{j} = %z" for i, j in tile)
    lines += [f"%r:{len(tile)} = scf.for %q = %zero to %k step %one iter_args({carried}) -> ({types}) {{"]
    lines += [f"%b{j} = vector.load %b[%p, %q, %column{j}] : {b}, {vector}" for j in range(columns)]
    for i in range(rows):
        lines += [f"%x{i} = memref.load %a[%i{i}, %q] : {a}"]
        lines += [f"%v{i} = vector.broadcast %x{i} : f32 to {vector}"]
        lines += [f"%t{i}_{j} = vector.fma %v{i}, %b{j}, %s{i}_{j} : {vector}" for j in range(columns)]
    lines += [f"scf.yield {', '.join(f'%t{i}_{j}' for i, j in tile)} : {types}", "}"]
    for number, (i, j) in enumerate(tile):
        lines.append(f"vector.store %r#{number}, %c[%i{i}, %j{j}] : {c}, {vector}")
    return "\n".join([*lines, "}", "}", "func.return", "}"])


def inner_loop(assembly: str, instruction: str) -> list[str]:
    """The instructions of the one loop body that holds `instruction`."""
    blocks = re.split(r"^\.LBB\S+:.*$", assembly, flags=re.MULTILINE)
    (body,) = [block for block in blocks if instruction in block]
    lines = [
        line.strip() for line in body.splitlines() if line.startswith("\t") and not line.startswith("\t.")
    ]
    end = next(number for number, line in enumerate(lines) if line.startswith("j"))
    return lines[: end + 1]


TILES = [("x86-64-v4", 14, 2, 16, "zmm"), ("x86-64-v4", 8, 3, 16, "zmm"), ("x86-64-v3", 6, 2, 8, "ymm")]


@pytest.mark.parametrize(("name", "rows", "columns", "lanes", "register"), TILES)
def test_tile_stays_in_registers(name: str, rows: int, columns: int, lanes: int, register: str) -> None:
    """The inner loop multiplies, loads one row of B and the rows of A, and never touches the stack."""
    text = matrix_product(2 * rows, 2 * columns * lanes, 64, rows, columns, lanes)
    assembly = compile_loops(text, name, with_assembly=True).assembly
    assert assembly is not None
    loop = inner_loop(assembly, "vfmadd")
    multiplies = [line for line in loop if line.startswith("vfmadd") and f"%{register}" in line]
    assert len(multiplies) == rows * columns
    assert not [line for line in loop if "%rsp" in line or "%rbp" in line]
    moves = [line for line in loop if line.startswith("vmov")]
    assert len(moves) <= columns, moves
    # Pointers advance in at most three instructions; all else is arithmetic or its operands.
    assert len(loop) <= rows * columns + rows + columns + 3 + 1


@pytest.mark.parametrize(("name", "rows", "columns", "lanes", "register"), TILES)
def test_tile_computes_the_product(name: str, rows: int, columns: int, lanes: int, register: str) -> None:
    m, n, k = 2 * rows, 2 * columns * lanes, 33
    random = np.random.default_rng(1)
    a, b = (
        random.integers(-9, 9, (m, k)).astype(np.float32),
        random.integers(-9, 9, (k, n)).astype(np.float32),
    )
    panels = np.ascontiguousarray(b.reshape(k, 2, columns * lanes).transpose(1, 0, 2))
    c = np.zeros((m, n), np.float32)
    call(load_loops(matrix_product(m, n, k, rows, columns, lanes), name), "k", [a, panels, c])
    assert (c == a @ b).all()


def test_equal_input_gives_equal_bytes() -> None:
    text = matrix_product(12, 32, 8, 6, 2, 8)
    first, second = (compile_loops(text) for _ in range(2))
    assert first.object == second.object
    assert link([first.object]) == link([second.object])


def test_multiply_and_add_are_not_contracted() -> None:
    text = """
    func.func @k(%a: memref<16xf32>, %y: memref<16xf32>) {
      CONSTANTS
      %v = vector.load %a[%c0] : memref<16xf32>, vector<16xf32>
      %p = arith.mulf %v, %v : vector<16xf32>
      %s = arith.addf %p, %v : vector<16xf32>
      vector.store %s, %y[%c0] : memref<16xf32>, vector<16xf32>
      func.return
    }"""
    assembly = compile_loops(text, "x86-64-v4", with_assembly=True).assembly
    assert assembly is not None and "vmulps" in assembly and "vaddps" in assembly and "vfmadd" not in assembly


def test_a_copying_loop_calls_no_library() -> None:
    text = """
    func.func @k(%a: memref<4096xf32> {llvm.noalias}, %y: memref<4096xf32> {llvm.noalias}) {
      CONSTANTS
      %end = arith.constant 4096 : index
      %zero = arith.constant 0.0 : f32
      scf.for %i = %c0 to %end step %c1 {
        %x = memref.load %a[%i] : memref<4096xf32>
        memref.store %x, %y[%i] : memref<4096xf32>
      }
      scf.for %i = %c0 to %end step %c1 {
        memref.store %zero, %a[%i] : memref<4096xf32>
      }
      func.return
    }"""
    assert "k" in link([compile_loops(text).object]).symbols


def test_fused_multiply_without_the_instruction_is_reported() -> None:
    """x86-64-v2 has no FMA: LLVM calls the C library, and the linker says so."""
    found = compile_module(lowered(matrix_product(4, 8, 8, 2, 2, 4)), target("x86-64-v2"))
    with pytest.raises(LinkError, match="undefined symbols: fmaf"):
        link([found.object])
