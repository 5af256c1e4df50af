"""Object files and libraries with their C header, from a compiled model."""

import re
from pathlib import Path

from penstock.backends.llvm import emit_object, to_shared
from penstock.backends.targets import Target
from penstock.errors import PenstockError
from penstock.package import ENTRY, Package, TensorInfo

C_TYPES = {
    "float32": "float",
    "float64": "double",
    "float16": "uint16_t",
    "bfloat16": "uint16_t",
    "bool": "uint8_t",
    **{f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
GCC_FEATURES = ("fma", "avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl")
"""The features that GCC and Clang can ask the running CPU for, of those that code may need."""


def write_object(package: Package, path: Path) -> list[Path]:
    """Write `.o`, `.a` or `.so` and the header beside it; the files written."""
    if path.suffix not in (".o", ".so", ".a"):
        known = ".penstock .o .a .so .s .ll .mlir"
        raise PenstockError(
            f"'{path.name}': nothing is known to write as '{path.suffix}'", remedy=f"Known: {known}."
        )
    name = c_name(package.name)
    data = emit_object(
        package.image, package.weights.tobytes(), package.target, {f"{name}_main": ENTRY}, f"{name}_weights"
    )
    header = path.with_suffix(".h")
    if path.suffix == ".o":
        path.write_bytes(data)
    else:
        _link(data, path, package.target)
    header.write_text(c_header(package), encoding="utf-8")
    return [path, header]


def _link(data: bytes, path: Path, target: Target) -> None:
    """A library from the object; static ones are archives of one member."""
    if path.suffix == ".a":
        path.write_bytes(_archive(data, path.with_suffix(".o").name))
        return
    temporary = path.with_name(f".{path.name}.o")
    temporary.write_bytes(data)
    try:
        to_shared(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _archive(data: bytes, member: str) -> bytes:
    """A System V archive with one member; the linker adds the index by itself where it wants one."""
    name = f"{member[:15]}/".ljust(16)
    head = f"{name}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(data):<10}`\n"
    return b"!<arch>\n" + head.encode() + data + b"\n" * (len(data) % 2)


def c_name(name: str) -> str:
    """A name as C takes it."""
    word = re.sub(r"\W", "_", name)
    return f"_{word}" if word[:1].isdigit() else word


def c_header(package: Package) -> str:
    """The C99 header: what to pass, how large the arena is, what CPU the code needs."""
    name, upper = c_name(package.name), c_name(package.name).upper()
    arguments = [_argument(t, "const ") for t in package.inputs] + [_argument(t, "") for t in package.outputs]
    passed = [c_name(t.name) for t in (*package.inputs, *package.outputs)]
    shapes = [
        f" * {t.name}: {t.dtype} [{', '.join(map(str, t.shape))}]"
        for t in (*package.inputs, *package.outputs)
    ]
    return "\n".join(
        [
            f"/* {package.name}: a compiled neural network.  Call {name}_run.",
            *shapes,
            f" * The arena is {upper}_ARENA_SIZE bytes of scratch memory, aligned to {upper}_ALIGNMENT, one per thread.",
            " * Nothing is allocated, no library is called, and nothing is kept between calls. */",
            f"#ifndef PENSTOCK_{upper}_H",
            f"#define PENSTOCK_{upper}_H",
            "#include <stdint.h>",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            f"#define {upper}_ARENA_SIZE {max(package.memory.arena, 1)}",
            f"#define {upper}_ALIGNMENT {package.image.alignment}",
            f"extern const unsigned char {name}_weights[];",
            f"void {name}_main({', '.join([*arguments, 'void *arena', 'const void *weights'])});",
            f"/* Whether this CPU has what the code needs ({package.target.name}). */",
            *_cpu_check(name, package.target),
            f"static inline void {name}_run({', '.join([*arguments, 'void *arena'])}) {{",
            f"    {name}_main({', '.join([*passed, 'arena', f'{name}_weights'])});",
            "}",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "#endif",
            "",
        ]
    )


def _argument(tensor: TensorInfo, qualifier: str) -> str:
    return f"{qualifier}{C_TYPES[tensor.dtype]} *{c_name(tensor.name)}"


def _cpu_check(name: str, target: Target) -> list[str]:
    needed = [f for f in GCC_FEATURES if f in target.required]
    test = " && ".join(f'__builtin_cpu_supports("{f}")' for f in needed) or "1"
    return [
        "#if defined(__GNUC__) && defined(__x86_64__)",
        f"static inline int {name}_cpu_supported(void) {{ return {test}; }}",
        "#else",
        f"static inline int {name}_cpu_supported(void) {{ return 1; }}",
        "#endif",
    ]
