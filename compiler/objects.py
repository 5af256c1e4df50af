"""Object files and libraries with their C header, from a compiled model."""

import re
import struct
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

from penstock.backends.llvm import emit_object, to_shared
from penstock.backends.targets import Target
from penstock.c_status import STATUS, checking_lines, error_lines, status_names
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
KEYWORDS = frozenset(
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t "
    "class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue "
    "decltype default delete do double dynamic_cast else enum explicit export extern false float for friend "
    "goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private "
    "protected public register reinterpret_cast requires restrict return short signed sizeof static "
    "static_assert static_cast struct switch template this thread_local throw true try typedef typeid "
    "typename typeof typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq "
    "linux unix".split()
)
"""What no parameter can be called in C, in C++, or where GCC predefines it."""
ARENA, WEIGHTS, PARALLEL_FOR, CONTEXT = "arena", "weights", "parallel_for", "context"
"""The last parameters of the functions in the header."""


def write_object(package: Package, path: Path) -> list[Path]:
    """Write `.o`, `.a` or `.so` and the header beside it; the files written."""
    if path.suffix not in (".o", ".so", ".a"):
        raise PenstockError(
            f"'{path.name}': nothing is known to write as '{path.suffix}'",
            remedy="Known: .penstock .o .a .so, and for `penstock compile` .s .ll .mlir.",
        )
    if package.symbols:
        sizes = ", ".join(symbol.name for symbol in package.symbols)
        raise PenstockError(
            f"'{path.name}': C is written for models of known sizes, {sizes} open in this one",
            remedy="Give numbers for them (--dim, --shape), or write .penstock.",
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


def c_name(name: str) -> str:
    """A name as C takes it."""
    word = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{word}" if not word or word[0].isdigit() else word


def parameter_names(package: Package) -> list[str]:
    """A parameter for each tensor: no two alike, none a keyword or one of the names that the header uses."""
    tensors, name = (*package.inputs, *package.outputs), c_name(package.name)
    taken = {ARENA, WEIGHTS, PARALLEL_FOR, CONTEXT, f"{name}_main", f"{name}_weights"}
    taken |= {*C_TYPES.values(), *KEYWORDS, *names_taken(name), *status_names(name)}
    names: list[str] = []
    for tensor in tensors:
        word = c_name(tensor.name)
        candidates = chain([word], (f"{word}_{number}" for number in count(2)))
        names.append(next(each for each in candidates if each not in taken))
        taken.add(names[-1])
    return names


def c_header(package: Package) -> str:
    """The C99 header, for C++ too: what to pass, how large the arena is, what CPU the code needs."""
    name, upper = c_name(package.name), c_name(package.name).upper()
    tensors = (*package.inputs, *package.outputs)
    passed = parameter_names(package)
    arguments = [
        _argument(tensor, word, "const " if position < len(package.inputs) else "")
        for position, (tensor, word) in enumerate(zip(tensors, passed, strict=True))
    ]
    threaded = package.threads > 1
    last = [f"{name}_{PARALLEL_FOR} {PARALLEL_FOR}", f"void *{CONTEXT}"] if threaded else []
    run = ", ".join([*arguments, f"void *{ARENA}", *last])
    reported = package.failures
    status, given = ([f"int64_t *{STATUS}"], [f"&{STATUS}"]) if reported else ([], [])
    main = ", ".join([*arguments, *status, f"void *{ARENA}", f"const void *{WEIGHTS}", *last])
    after = [ARENA, f"{name}_weights", *([PARALLEL_FOR, CONTEXT] if threaded else [])]
    handed = ", ".join([*passed, *given, *after])
    needed = [word for tensor, word in zip(tensors, passed, strict=True) if tensor.nbytes]
    sizes = {f"{upper}_ARENA_SIZE": max(package.memory.arena, 1), f"{upper}_ALIGNMENT": ALIGNMENT}
    return "\n".join(
        [
            f"/* {name}: a compiled neural network.  Call {name}_run.",
            *(f" *   {word}: {_told(tensor)}" for tensor, word in zip(tensors, passed, strict=True)),
            f" * {ARENA}: {upper}_ARENA_SIZE bytes of scratch per thread, aligned to {upper}_ALIGNMENT.",
            f" * It returns 0, or a number that {name}_error tells in words; outputs are then of no use.",
            " * Nothing is allocated, no library is called, and nothing is kept between calls. */",
            f"#ifndef PENSTOCK_{upper}_H",
            f"#define PENSTOCK_{upper}_H",
            "#include <stdint.h>",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            *(f"#define {constant} {value}" for constant, value in sizes.items()),
            f"extern const unsigned char {name}_weights[];",
            *(thread_lines(name, package.threads, has_pool=_has_pool(package)) if threaded else ()),
            f"void {name}_main({main});",
            *_cpu_check(name, package.target),
            *error_lines(name, reported),
            f"static inline int {name}_run({run}) {{",
            *checking_lines(name, needed),
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
