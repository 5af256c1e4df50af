"""The part of a C header that checks a call and tells what went wrong in it; `objects` writes the rest."""

import re
from collections.abc import Iterator, Sequence

from penstock.dialects.memory_plan import ALIGNMENT

STATUS = "status"
"""The variable that the code reports to: 0, or the number of what failed."""
MISTAKES = {
    "NULL_POINTER": "a pointer is null",
    "MISALIGNED": f"the arena is not aligned to {ALIGNMENT} bytes",
}
"""What a call is checked for, as -1, -2, .."""


def status_names(name: str) -> set[str]:
    """The names that the header declares for the status of a call."""
    return {STATUS, f"{name}_run", f"{name}_error", *(f"{name.upper()}_{each}" for each in MISTAKES)}


def error_lines(name: str, failures: Sequence[str]) -> Iterator[str]:
    """The numbers that a call may return, and the function that tells them in words."""
    codes = {f"{name.upper()}_{each}": text for each, text in MISTAKES.items()}
    yield from (f"#define {code} ({-1 - number})" for number, code in enumerate(codes))
    yield f"static inline const char *{name}_error(int {STATUS}) {{"
    yield f"    switch ({STATUS}) {{"
    yield '    case 0: return "no error";'
    yield from (f'    case {code}: return "{text}";' for code, text in codes.items())
    yield from (f'    case {number}: return "{_plain(text)}";' for number, text in enumerate(failures, 1))
    yield '    default: return "an unknown error";'
    yield from ("    }", "}")


def checking_lines(name: str, pointers: Sequence[str]) -> Iterator[str]:
    """What a call does first: it refuses pointers that cannot be right."""
    null = " || ".join(f"!{pointer}" for pointer in (*pointers, "arena"))
    yield f"    int64_t {STATUS} = 0;"
    yield f"    if ({null}) return {name.upper()}_NULL_POINTER;"
    yield f"    if ((uintptr_t)arena % {name.upper()}_ALIGNMENT) return {name.upper()}_MISALIGNED;"


def _plain(text: str) -> str:
    """A text that is the same inside of a string in any C: names of nodes may hold anything."""
    return re.sub(r"[^\w .,:;'()/\[\]-]", "_", text, flags=re.ASCII)
