"""Code generators: that of the running machine is ready, those of others are when they are asked for."""

import subprocess
import sys

import pytest

from penstock.backends.llvm.binding import code_generator

OTHERS = ("aarch64-unknown-linux-gnu", "riscv64-unknown-linux-gnu", "wasm32-unknown-unknown")


@pytest.mark.parametrize("triple", ["x86_64-unknown-linux-gnu", *OTHERS])
def test_every_architecture_has_a_code_generator(triple: str) -> None:
    options = {"cpu": "", "features": "", "reloc": "pic", "codemodel": "small"}
    assert code_generator(triple).create_target_machine(opt=2, **options).target_data is not None


def test_an_architecture_that_there_is_not_has_none() -> None:
    with pytest.raises(RuntimeError, match="nonsense"):
        code_generator("nonsense-unknown-none")


def test_others_are_made_ready_when_they_are_asked_for() -> None:
    script = f"""
from penstock.backends.llvm.binding import code_generator, load_binding
def known():
    try:
        return bool(load_binding().Target.from_triple({OTHERS[0]!r}))
    except RuntimeError:
        return False
before = known()
code_generator({OTHERS[0]!r})
print(before, known())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
