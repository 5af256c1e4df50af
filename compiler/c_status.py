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


FIRST_SIZE = -1 - len(MISTAKES)
"""The code for the first thing that may be wrong with sizes; those behind it are less."""


def error_lines(name: str, failures: Sequence[str], sizes: Sequence[str] = ()) -> Iterator[str]:
    """The numbers that a call may return, and the function that tells them in words."""
    codes = {f"{name.upper()}_{each}": text for each, text in MISTAKES.items()}
    yield from (f"#define {code} ({-1 - number})" for number, code in enumerate(codes))
    yield f"static inline const char *{name}_error(int {STATUS}) {{"
    yield f"    switch ({STATUS}) {{"
    yield '    case 0: return "no error";'
    yield from (f'    case {code}: return "{text}";' for code, text in codes.items())
    numbered = [*((FIRST_SIZE - i, text) for i, text in enumerate(sizes)), *enumerate(failures, 1)]
    yield from (f'    case {number}: return "{_plain(text)}";' for number, text in numbered)
    yield '    default: return "an unknown error";'
    yield from ("    }", "}")


def checking_lines(name: str, wrong: Sequence[str], sizes: str | None = None) -> Iterator[str]:
    """What a call does first: it refuses sizes, and pointers that cannot be right by these conditions."""
    null = " || ".join((*wrong, "!arena"))
    yield f"    int64_t {STATUS} = 0;"
    if sizes is not None:
        yield f"    if (!{sizes}) return {name.upper()}_NULL_POINTER;"
        yield f"    if (({STATUS} = {name}_check_sizes({sizes}))) return (int){STATUS};"
    yield f"    if ({null}) return {name.upper()}_NULL_POINTER;"
    yield f"    if ((uintptr_t)arena % {name.upper()}_ALIGNMENT) return {name.upper()}_MISALIGNED;"


def _plain(text: str) -> str:
    """A text that is the same inside of a string in any C: names of nodes may hold anything."""
    return re.sub(r"[^\w .,:;'()/\[\]<=>+*-]", "_", text, flags=re.ASCII)
