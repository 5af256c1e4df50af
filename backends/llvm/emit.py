"""From an image to an object file that links into any program: code and weights, nothing left open.

LLVM's assembler includes the bytes from files, so that even hundreds of megabytes never become text.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from penstock.backends.llvm.binding import load_binding
from penstock.backends.llvm.compile import machine_for
from penstock.backends.llvm.image import Image, LinkError, Symbol
from penstock.backends.targets import Target
from penstock.errors import TargetError

WEIGHTS_ALIGNMENT = 64
_COMPILERS = ("cc", "gcc", "clang")


def emit_object(
    image: Image, weights: bytes, target: Target, exports: Mapping[str, str], weights_symbol: str
) -> bytes:
    """An object with the functions of the image that `exports` names, and the weights.

    `exports` maps the name in the object to the name in the image; other functions stay inside.
    """
    missing = sorted(set(exports.values()) - set(image.symbols))
    if missing:
        raise LinkError(f"the image has no function {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        code_file, weights_file = Path(folder, "code"), Path(folder, "weights")
        code_file.write_bytes(image.code)
        weights_file.write_bytes(weights)
        functions = {name: image.symbols[inner] for name, inner in exports.items()}
        lines = [
            *_code_lines(code_file, image, functions),
            *_weights_lines(weights_file, len(weights), weights_symbol),
            '.section .note.GNU-stack,"",@progbits',
        ]
        return _assemble(lines, target)


def _code_lines(file: Path, image: Image, functions: Mapping[str, Symbol]) -> list[str]:
    """The image as it is, and a symbol at the start of each function that is seen from outside."""
    lines = ['.section .text,"ax",@progbits', f".balign {image.alignment}", ".Limage:", _include(file)]
    for name, symbol in sorted(functions.items()):
        lines += _symbol_lines(name, "@function", f".Limage + {symbol.offset}", symbol.size)
    return lines


def _weights_lines(file: Path, size: int, name: str) -> list[str]:
    start = ['.section .rodata,"a",@progbits', f".balign {WEIGHTS_ALIGNMENT}", ".Lweights:", _include(file)]
    return [*start, *_symbol_lines(name, "@object", ".Lweights", size)]


def _include(file: Path) -> str:
    return f".incbin {_quoted(str(file))}"


def _symbol_lines(name: str, kind: str, place: str, size: int) -> list[str]:
    quoted = _quoted(name)
    return [
        f".globl {quoted}",
        f".type {quoted}, {kind}",
        f".set {quoted}, {place}",
        f".size {quoted}, {size}",
    ]


def _quoted(text: str) -> str:
    """A name as the assembler reads it."""
    if '"' in text or "\\" in text or not text.isprintable():
        raise LinkError(f"{text!r} cannot be written in assembly")
    return f'"{text}"'


def _assemble(lines: list[str], target: Target) -> bytes:
    binding = load_binding()
    escaped = [line.replace("\\", "\\5C").replace('"', "\\22") for line in lines]
    text = "\n".join(f'module asm "{line}"' for line in escaped)
    module = binding.parse_assembly(text, binding.create_context())
    module.triple = target.triple
    return machine_for(target).emit_object(module)


def to_shared(object_path: Path, out: Path) -> None:
    """Make a shared library of an object, with the C compiler that is there."""
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        raise TargetError(
            "a shared library needs a linker and none is there",
            remedy=f"Install one of {', '.join(_COMPILERS)}, or use the object itself.",
        )
    command = [compiler, "-shared", "-nostdlib", "-o", str(out), str(object_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise TargetError(f"{compiler} cannot link {object_path}: {done.stderr.strip()}")
