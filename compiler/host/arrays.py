"""Arrays of strings, and the options of host functions.

An array of strings has the dtype `object` and holds `str`; NumPy's own string types become that at the door.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from penstock.errors import HostError, LimitError
from penstock.limits import how_to_raise, limits

Array = NDArray[np.generic]
Strings = NDArray[np.object_]
Plain: TypeAlias = "str | int | float | Sequence[Plain]"
Options: TypeAlias = Mapping[str, Plain]
"""The parameters of a function: what JSON can hold."""
HostFunction: TypeAlias = Callable[[Options, Sequence[Array]], list[Array]]

STRING_KINDS = "OTU"
"""The kinds of NumPy types that hold strings: objects, `StringDType`, and strings of a fixed width."""
STRING_COST = 8
"""What a string counts as beside its characters."""


def is_strings(array: Array) -> bool:
    """Whether an array can be one of strings."""
    return array.dtype.kind in STRING_KINDS


def as_strings(array: Array) -> Strings:
    """An array of strings as objects; `HostError` where an element is no string.

    >>> as_strings(np.array(["a", "bc"]))
    array(['a', 'bc'], dtype=object)
    """
    strings = array.astype(np.object_, copy=False)
    for element in items(strings):
        if type(element) is not str:
            told = type(cast(object, element)).__name__
            raise HostError(f"an element is a {told}, not a string", remedy="Pass an array of str.")
    return strings


def items(strings: Array) -> list[str]:
    """The strings in row-major order."""
    return cast(list[str], strings.reshape(-1).tolist())


def strings_of(elements: Sequence[str], shape: Sequence[int]) -> Strings:
    """Strings in row-major order as an array."""
    array = np.empty(len(elements), np.object_)
    array[:] = elements
    return array.reshape(tuple(shape))


def text(options: Options, name: str, default: str = "") -> str:
    """An option that is a text."""
    value = options.get(name, default)
    assert isinstance(value, str), f"the option {name} is a text"
    return value


def whole(options: Options, name: str, default: int = 0) -> int:
    """An option that is an integer."""
    value = options.get(name, default)
    assert isinstance(value, int), f"the option {name} is an integer"
    return value


def several(options: Options, name: str) -> list[Plain]:
    """An option that is a list, empty where it is left out."""
    value = options.get(name, ())
    assert not isinstance(value, str | int | float), f"the option {name} is a list"
    return list(value)


def check_text(strings: int, characters: int) -> None:
    """`LimitError` where a function is about to make too many strings, or too long ones."""
    if STRING_COST * strings + characters > limits().characters:
        fault = f"{strings} strings with {characters} characters exceed the {limits().characters} allowed"
        raise LimitError(fault, remedy=how_to_raise("characters"))
