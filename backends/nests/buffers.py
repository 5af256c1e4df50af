"""How the nest interpreter reads and writes buffers: views over a box, and checked computed positions."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from xdsl.ir import Attribute, SSAValue

from penstock.backends.nests.scalars import dtype_of, number
from penstock.backends.nests.space import Box
from penstock.dialects import element_types
from penstock.dialects.nest.access import Access, row_bounds, row_major
from penstock.dialects.nest.ops import Read, Write, shape_of

Array = NDArray[np.generic]


def fresh_buffer(shape: Sequence[int], element: Attribute) -> Array:
    """Memory that was never written: all bits set, which is NaN in floats, so that reading it shows."""
    dtype = dtype_of(element)
    if dtype == np.bool_:
        return np.ones(shape, dtype)
    return np.full(prod(shape) * dtype.itemsize, 255, np.uint8).view(dtype).reshape(shape)


def stored(array: Array, element: Attribute) -> Array:
    """An array as the buffer that holds it: integers lose their sign, narrow types are codes; no copy."""
    wanted = dtype_of(element)
    array = element_types.stored(array)
    if array.dtype == wanted:
        return array
    if array.dtype.kind not in "iub" or wanted.kind not in "iub" or array.dtype.itemsize != wanted.itemsize:
        raise ValueError(f"an array of {array.dtype} is no buffer of {element}")
    return array.view(wanted)


def read_box(array: Array, read: Read, box: Box) -> Array:
    """The values of a read over a box, of size 1 along loops it does not use."""
    corner = corner_of(read.access, box)
    bounds = [row_bounds(r, c, box.sizes) for r, c in zip(read.access.rows, corner, strict=True)]
    inside = all(low >= 0 and high < size for (low, high), size in zip(bounds, array.shape, strict=True))
    if inside:
        return _view(array, corner, read.access, box)
    if read.outside is None:
        raise IndexError(f"a read of {read.buffer.type} at {bounds}, outside of the buffer")
    region = _padded(array, bounds, number(read.outside))
    return _view(region, [c - low for c, (low, _) in zip(corner, bounds, strict=True)], read.access, box)


def write_box(array: Array, write: Write, box: Box, value: Array) -> None:
    """Write values over a box."""
    corner = corner_of(write.access, box)
    for row, c, size in zip(write.access.rows, corner, array.shape, strict=True):
        low, high = row_bounds(row, c, box.sizes)
        if low < 0 or high >= size:
            raise IndexError(f"a write to {write.buffer.type} at [{low}, {high}], outside of the buffer")
    _view(array, corner, write.access, box)[...] = value


def corner_of(access: Access, box: Box) -> list[int]:
    """The element that the first iteration of a box touches."""
    return [
        offset + sum(c * start for c, start in zip(row, box.starts, strict=True) if c)
        for row, offset in zip(access.rows, access.shifts, strict=True)
    ]


def _view(array: Array, corner: Sequence[int], access: Access, box: Box) -> Array:
    steps = [access.stride(i, array.shape) * array.itemsize for i in range(len(box.sizes))]
    sizes = [size if access.uses(i) else 1 for i, size in enumerate(box.sizes)]
    first = sum(c * step for c, step in zip(corner, row_major(array.shape), strict=True))
    return as_strided(array.reshape(-1)[first:], sizes, steps)


def _padded(array: Array, bounds: Sequence[tuple[int, int]], outside: Array) -> Array:
    """The part of a buffer between bounds, with a value where it leaves the buffer."""
    region = np.full([high - low + 1 for low, high in bounds], outside, array.dtype)
    kept = [
        (max(low, 0), max(min(high + 1, size), low, 0))
        for (low, high), size in zip(bounds, array.shape, strict=True)
    ]
    source = tuple(slice(start, stop) for start, stop in kept)
    target = tuple(
        slice(start - low, stop - low) for (start, stop), (low, _) in zip(kept, bounds, strict=True)
    )
    region[target] = array[source]
    return region


def check_writes(write: Write, extents: Sequence[int], reductions: frozenset[int]) -> None:
    """Two iterations of the parallel loops never write the same element, or `ValueError`."""
    steps = [(abs(write.access.stride(i, shape_of(write.buffer))), n) for i, n in enumerate(extents)]
    parallel = sorted(pair for i, pair in enumerate(steps) if i not in reductions and pair[1] > 1)
    reach = 0
    for step, size in parallel:
        if step <= reach:
            _check_every_write(write, extents, reductions)
            return
        reach += step * (size - 1)


def _check_every_write(write: Write, extents: Sequence[int], reductions: frozenset[int]) -> None:
    shape = shape_of(write.buffer)
    places = np.zeros((1,) * len(extents), np.int64)
    for i, size in enumerate(extents):
        if i not in reductions:
            ramp = np.arange(size) * write.access.stride(i, shape)
            places = places + ramp.reshape([-1 if i == k else 1 for k in range(len(extents))])
    if np.unique(places).size != places.size:
        raise ValueError(f"iterations of parallel loops write the same element of {write.buffer.type}")


def check_updates(
    read: Read, writes: Sequence[Write], buffers: Mapping[SSAValue, Array], extents: Sequence[int]
) -> None:
    """Of memory that a nest writes, each iteration reads only what it writes itself, or `ValueError`."""
    array = buffers[read.buffer]
    shared = [w for w in writes if _is_touched(read, w, buffers, extents)]
    if shared and not any(
        w.access == read.access and _is_same_place(array, buffers[w.buffer]) for w in shared
    ):
        raise ValueError(
            f"iterations of parallel loops read elements of {read.buffer.type} that others write"
        )


def _is_touched(read: Read, write: Write, buffers: Mapping[SSAValue, Array], extents: Sequence[int]) -> bool:
    """Whether a nest may write what it reads: not where the two keep to other parts of one buffer."""
    a, b = buffers[read.buffer], buffers[write.buffer]
    if not np.may_share_memory(a, b) or not _is_same_place(a, b):
        return np.may_share_memory(a, b)
    mine, others = _bounds(read.access, extents), _bounds(write.access, extents)
    return all(low <= end and start <= high for (low, high), (start, end) in zip(mine, others, strict=True))


def _bounds(access: Access, extents: Sequence[int]) -> list[tuple[int, int]]:
    return [row_bounds(row, shift, extents) for row, shift in zip(access.rows, access.shifts, strict=True)]


def _is_same_place(a: Array, b: Array) -> bool:
    return a.ctypes.data == b.ctypes.data and a.shape == b.shape


def load(array: Array, indices: Sequence[Array]) -> Array:
    """The elements at computed positions, all of which must be inside the buffer."""
    check_positions(array, indices, "load")
    return np.asarray(array.reshape(-1)[_flat(array, indices)])


def store(array: Array, indices: Sequence[Array], value: Array, sizes: Sequence[int]) -> None:
    """Write at computed positions, one for each point of `sizes` and all different."""
    check_positions(array, indices, "store")
    flat = np.broadcast_to(_flat(array, indices), sizes)
    if np.unique(flat).size != flat.size:
        raise ValueError("iterations of parallel loops store to the same element")
    array.reshape(-1)[flat.ravel()] = np.broadcast_to(value, flat.shape).ravel()


def _flat(array: Array, indices: Sequence[Array]) -> NDArray[np.int64]:
    flat = np.zeros((), np.int64)
    for index, step in zip(indices, row_major(array.shape), strict=True):
        flat = flat + index.astype(np.int64, copy=False) * step
    return np.asarray(flat)


def check_positions(array: Array, indices: Sequence[Array], verb: str) -> None:
    """`IndexError` when a computed position is outside of the buffer."""
    for axis, (index, size) in enumerate(zip(indices, array.shape, strict=True)):
        low, high = (int(index.min()), int(index.max())) if index.size else (0, -1)
        if low < 0 or high >= size and index.size:
            raise IndexError(f"a {verb} at [{low}, {high}] along axis {axis}, outside [0, {size - 1}]")
