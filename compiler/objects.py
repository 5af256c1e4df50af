"""Object files and libraries with their C header, from a compiled model."""

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from penstock.backends.llvm import emit_object, to_shared
from penstock.backends.targets import Target
from penstock.c_names import c_name, distinct
from penstock.c_sizes import SIZES, SizesInC
from penstock.c_sizes import names_taken as size_names
from penstock.c_status import FIRST_SIZE, STATUS, checking_lines, error_lines, status_names
from penstock.c_threads import names_taken, pool_names, thread_lines
from penstock.dialects.element_types import NARROW_NAMES
from penstock.dialects.memory_plan import ALIGNMENT
from penstock.dialects.thread_pool import POOL_FUNCTIONS
from penstock.errors import PenstockError
from penstock.package import ENTRY, Package, TensorInfo

ARCHIVE_MAGIC = b"!<arch>\n"
ARCHIVE_HEAD = 60
C_TYPES = {
    "float32": "float",
    "float64": "double",
    "float16": "uint16_t",
    "bfloat16": "uint16_t",
    "bool": "uint8_t",
    **dict.fromkeys(NARROW_NAMES, "uint8_t"),
    **{f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
GCC_FEATURES = (
    "avx",
    "avx2",
    "avx512bw",
    "avx512cd",
    "avx512dq",
    "avx512f",
    "avx512vl",
    "bmi",
    "bmi2",
    "fma",
    "popcnt",
    "sse4.1",
    "sse4.2",
)
"""The features that GCC and Clang can ask the running CPU for, of those that code may need."""
ARENA, WEIGHTS, PARALLEL_FOR, CONTEXT = "arena", "weights", "parallel_for", "context"
"""The last parameters of the functions in the header."""


def write_object(package: Package, path: Path) -> list[Path]:
    """Write `.o`, `.a` or `.so` and the header beside it; the files written."""
    if path.suffix not in (".o", ".so", ".a"):
        raise PenstockError(
            f"'{path.name}': nothing is known to write as '{path.suffix}'",
            remedy="Known: .penstock .o .a .so, and for `penstock compile` .s .ll .mlir.",
        )
    name = c_name(package.name)
    weights = f"{name}_weights"
    functions = {f"{name}_main": ENTRY, **(pool_names(name) if _has_pool(package) else {})}
    data = emit_object(package.image, package.weights.tobytes(), package.target, functions, weights)
    header = path.with_suffix(".h")
    match path.suffix:
        case ".so":
            _link(data, path)
        case ".a":
            path.write_bytes(archive(data, path.with_suffix(".o").name, (*functions, weights)))
        case _:
            path.write_bytes(data)
    header.write_text(c_header(package), encoding="utf-8")
    return [path, header]


def _has_pool(package: Package) -> bool:
    """Whether a pool of threads came with the code."""
    return all(function in package.image.symbols for function in POOL_FUNCTIONS)


def _link(data: bytes, path: Path) -> None:
    """A shared library from the object."""
    temporary = path.with_name(f".{path.name}.o")
    temporary.write_bytes(data)
    try:
        to_shared(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def archive(data: bytes, member: str, symbols: Sequence[str]) -> bytes:
    """A System V archive of one member, and the index of its symbols without which linkers refuse it."""
    names = b"".join(symbol.encode() + b"\0" for symbol in symbols)
    size = 4 + 4 * len(symbols) + len(names)
    at = len(ARCHIVE_MAGIC) + ARCHIVE_HEAD + size + size % 2
    index = struct.pack(f">{1 + len(symbols)}I", len(symbols), *[at] * len(symbols)) + names
    return ARCHIVE_MAGIC + _member("/", index) + _member(f"{member[:15]}/", data)


def _member(name: str, data: bytes) -> bytes:
    """One member, without a date or owner, padded to an even size."""
    head = f"{name:<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(data):<10}`\n"
    return head.encode("ascii", "replace") + data + b"\n" * (len(data) % 2)


def parameter_names(package: Package) -> list[str]:
    """A parameter for each tensor: no two alike, none a keyword or one of the names that the header uses."""
    tensors, name = (*package.inputs, *package.outputs), c_name(package.name)
    taken = {ARENA, WEIGHTS, PARALLEL_FOR, CONTEXT, f"{name}_main", f"{name}_weights", *C_TYPES.values()}
    taken |= {*names_taken(name), *status_names(name), *(size_names(name) if package.symbols else ())}
    return distinct([c_name(tensor.name) for tensor in tensors], taken)


def c_header(package: Package) -> str:
    """The C99 header, for C++ too: what to pass, how large the arena is, what CPU the code needs."""
    name, upper = c_name(package.name), c_name(package.name).upper()
    tensors = (*package.inputs, *package.outputs)
    passed = parameter_names(package)
    arguments = [
        _argument(tensor, word, "const " if position < len(package.inputs) else "")
        for position, (tensor, word) in enumerate(zip(tensors, passed, strict=True))
    ]
    sizes = SizesInC(name, package) if package.symbols else None
    threaded = package.threads > 1
    last = [f"{name}_{PARALLEL_FOR} {PARALLEL_FOR}", f"void *{CONTEXT}"] if threaded else []
    first = [] if sizes is None else [f"const {name}_{SIZES} *{SIZES}"]
    run = ", ".join([*first, *arguments, f"void *{ARENA}", *last])
    reported = package.failures
    status, given = ([f"int64_t *{STATUS}"], [f"&{STATUS}"]) if reported else ([], [])
    symbols = [] if sizes is None else sizes.parameters
    main = ", ".join([*arguments, *status, *symbols, f"void *{ARENA}", f"const void *{WEIGHTS}", *last])
    after = [ARENA, f"{name}_weights", *([PARALLEL_FOR, CONTEXT] if threaded else [])]
    handed = ", ".join([*passed, *given, *([] if sizes is None else sizes.values), *after])
    pairs = list(zip(passed, tensors, strict=True))
    wrong = [test for word, tensor in pairs if (test := _null_test(word, tensor, sizes))]
    return "\n".join(
        [
            f"/* {name}: a compiled neural network.  Call {name}_run.",
            *(f" *   {word}: {_told(tensor)}" for word, tensor in pairs),
            *_arena_told(name, sizes),
            f" * It returns 0, or a number that {name}_error tells in words; outputs are then of no use.",
            " * Nothing is allocated, no library is called, and nothing is kept between calls. */",
            f"#ifndef PENSTOCK_{upper}_H",
            f"#define PENSTOCK_{upper}_H",
            "#include <stdint.h>",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            *([f"#define {upper}_ARENA_SIZE {max(package.memory.arena, 1)}"] if sizes is None else []),
            f"#define {upper}_ALIGNMENT {ALIGNMENT}",
            f"extern const unsigned char {name}_weights[];",
            *(thread_lines(name, package.threads, has_pool=_has_pool(package)) if threaded else ()),
            *(() if sizes is None else sizes.lines(pairs, FIRST_SIZE)),
            f"void {name}_main({main});",
            *_cpu_check(name, package.target),
            *error_lines(name, reported, [] if sizes is None else [text for text, _ in sizes.faults]),
            f"static inline int {name}_run({run}) {{",
            *checking_lines(name, wrong, None if sizes is None else SIZES),
            f"    {name}_main({handed});",
            f"    return (int){STATUS};",
            "}",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "#endif",
            "",
        ]
    )


def _arena_told(name: str, sizes: SizesInC | None) -> Iterator[str]:
    """What the header tells first of the arena, and of the sizes of a call."""
    upper = name.upper()
    if sizes is None:
        yield f" * {ARENA}: {upper}_ARENA_SIZE bytes of scratch per thread, aligned to {upper}_ALIGNMENT."
        return
    yield f" * {SIZES}: {', '.join(sizes.fields.values())}, of which {name}_shape_of_... tells what follows."
    yield f" * {ARENA}: {name}_arena_size(sizes) bytes of scratch per thread, aligned to {upper}_ALIGNMENT."


def _null_test(word: str, tensor: TensorInfo, sizes: SizesInC | None) -> str:
    """When a pointer may not be null, as a condition for that; empty for a tensor that has no elements."""
    if sizes is not None and not tensor.is_static:
        return f"(!{word} && {sizes.elements(tensor)} > 0)"
    return f"!{word}" if tensor.nbytes else ""


def _argument(tensor: TensorInfo, word: str, qualifier: str) -> str:
    return f"{qualifier}{C_TYPES[tensor.dtype]} *{word}"


def _told(tensor: TensorInfo) -> str:
    """A tensor as a comment tells of it: its name could end the comment."""
    plain = re.sub(r"[^\w.:/\[\]-]", "_", tensor.name, flags=re.ASCII)
    return f"{plain}, {tensor.dtype} [{', '.join(map(str, tensor.shape))}]"


def _cpu_check(name: str, target: Target) -> list[str]:
    needed = [f for f in GCC_FEATURES if f in target.required]
    tests = [f'__builtin_cpu_supports("{f}")' for f in needed] or ["1"]
    return [
        f"/* Whether this CPU has what the code needs (target {target.name}). */",
        f"static inline int {name}_cpu_supported(void) {{",
        "#if defined(__GNUC__) && defined(__x86_64__)",
        f"    return {(chr(10) + '        && ').join(tests)};",
        "#else",
        "    return 1;",
        "#endif",
        "}",
    ]
