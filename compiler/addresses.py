"""Where the elements of an array lie, told in a tenth of a microsecond: NumPy's own way takes a whole one.

The C structure of an array begins with the object's header and the pointer to its elements, which is part of
NumPy's binary interface.  Whether that holds here is tried once.
"""

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

_POINTER = object.__basicsize__
"""Bytes of the header of an object, behind which the pointer stands."""


@cache
def address_reader() -> Callable[[Array], int]:
    """The function that gives the address of the first element of an array, which must hold one."""
    samples = [np.zeros(3, np.uint8), np.zeros((2, 4), np.float32)[1:]]
    return _quick if all(_quick(each) == each.ctypes.data for each in samples) else _slow


def _quick(array: Array) -> int:
    return ctypes.c_size_t.from_address(id(array) + _POINTER).value


def _slow(array: Array) -> int:
    return array.ctypes.data
