"""Waiting on every machine that the table knows: its bytes are what the assembly says, and code is made."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from xdsl.dialects.builtin import ModuleOp

from penstock.backends.llvm import compile_module, link
from penstock.backends.llvm.futex import futex_functions
from penstock.backends.targets import MachineCode, Target, target, waiting_on
from penstock.dialects.thread_pool import POOL_FUNCTIONS
from penstock.passes.lowering.thread_pool import pool_functions

MACHINES = {
    "x86_64-unknown-linux-gnu": ("x86-64", ()),
    "aarch64-unknown-linux-gnu": ("generic", ()),
    "riscv64-unknown-linux-gnu": ("generic-rv64", ("+m", "+a", "+f", "+d", "+c")),
}


def machine(triple: str) -> Target:
    """The least machine of its kind."""
    cpu, features = MACHINES[triple]
    return replace(target("x86-64"), triple=triple, cpu=cpu, features=features)


def pool(of: Target) -> ModuleOp:
    """The pool for a machine."""
    how = waiting_on(of)
    assert how is not None
    return ModuleOp([*pool_functions(), *futex_functions(how)])


@pytest.mark.skipif(shutil.which("llvm-mc") is None, reason="needs llvm-mc")
@pytest.mark.parametrize("triple", MACHINES)
@pytest.mark.parametrize("part", ["futex", "relax"])
def test_bytes_are_what_the_assembly_says(triple: str, part: str) -> None:
    how = waiting_on(machine(triple))
    given = getattr(how, part)
    assert isinstance(given, MachineCode)
    command = ["llvm-mc", f"-triple={triple}", "-show-encoding"]
    done = subprocess.run(
        command, input=given.assembly.replace(";", "\n"), check=True, capture_output=True, text=True
    )
    encodings = [
        line.split("encoding: [")[1].rstrip("]") for line in done.stdout.splitlines() if "enc" in line
    ]
    made = b"".join(bytes(int(each, 16) for each in line.split(",")) for line in encodings)
    # Data has no encoding to show.
    assert given.code.endswith(made) and (".4byte" in given.assembly or given.code == made)


@pytest.mark.parametrize("triple", MACHINES)
def test_the_pool_becomes_code(triple: str) -> None:
    made = machine(triple)
    module = pool(made)
    module.verify()
    assert compile_module(module, made).object


def test_the_pool_is_closed() -> None:
    made = target("x86-64")
    image = link([compile_module(pool(made), made).object])
    assert set(POOL_FUNCTIONS) == image.symbols.keys()


def test_a_system_that_is_not_known_has_no_way_to_wait() -> None:
    assert waiting_on(replace(target("x86-64"), triple="x86_64-pc-windows-msvc")) is None
    assert waiting_on(replace(target("x86-64"), triple="thumbv7em-none-eabi")) is None
