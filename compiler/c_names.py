"""Names as C and C++ take them."""

import re
from collections.abc import Iterable
from itertools import chain, count

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


def c_name(name: str) -> str:
    """A name as C takes it."""
    word = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{word}" if not word or word[0].isdigit() else word


def distinct(words: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Words of which no two are alike, and none is taken or a keyword."""
    seen = {*taken, *KEYWORDS}
    names: list[str] = []
    for word in words:
        candidates = chain([word], (f"{word}_{number}" for number in count(2)))
        names.append(next(each for each in candidates if each not in seen))
        seen.add(names[-1])
    return names
