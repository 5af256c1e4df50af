"""Movement, choice and comparison of strings on the host: what the graph operations of these names do."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from penstock.errors import HostError, PositionError
from penstock.host.arrays import Array, HostFunction, Options, Plain, check_text, several, text, whole

Positions = tuple[NDArray[np.int64], ...]


def transpose(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Transpose: dims in another order."""
    return [np.transpose(operands[0], _integers(several(options, "permutation")))]


def reshape(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Reshape: the same elements under another shape, one size of which may be left open."""
    (x,) = operands
    return [np.reshape(x, [size if isinstance(size, int) else -1 for size in several(options, "shape")])]


def broadcast_to(options: Options, operands: Sequence[Array]) -> list[Array]:
    """BroadcastTo: dims of size 1 repeated."""
    shape = _integers(several(options, "shape"))
    check_text(int(np.prod(shape, dtype=np.object_)), 0)
    return [np.broadcast_to(operands[0], shape).copy()]


def concat(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Concat: operands behind one another."""
    check_text(sum(x.size for x in operands), 0)
    return [np.concatenate(list(operands), whole(options, "axis"))]


def cut(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Slice: a range of every dim."""
    bounds = zip(*(_integers(several(options, n)) for n in ("starts", "ends", "steps")), strict=True)
    return [operands[0][tuple(slice(*each) for each in bounds)]]


def section(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Section: so many elements of every dim, from a start on and with a step."""
    bounds = zip(*(_integers(several(options, n)) for n in ("starts", "sizes", "steps")), strict=True)
    return [operands[0][np.ix_(*(start + step * np.arange(size) for start, size, step in bounds))]]


def shape(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Shape: the sizes as integers."""
    return [np.array(operands[0].shape, np.int64)]


def identity(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Identity: the operand."""
    return [operands[0]]


def gather(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Gather: whole slices along an axis."""
    x, indices = operands
    axis = whole(options, "axis")
    check_text(indices.size * (x.size // max(x.shape[axis], 1)), 0)
    return [_at(x, indices, axis)]


def _at(x: Array, indices: Array, axis: int) -> Array:
    try:
        return np.take(x, indices.astype(np.int64), axis)
    except IndexError:
        size = x.shape[axis]
        raise PositionError(f"a position is outside of the {size} that there are") from None


def gather_elements(options: Options, operands: Sequence[Array]) -> list[Array]:
    """GatherElements: single elements along an axis."""
    x, indices = operands
    return [x[_element_positions(x, indices, whole(options, "axis"))]]


def scatter_elements(options: Options, operands: Sequence[Array]) -> list[Array]:
    """ScatterElements: single elements are replaced."""
    x, indices, updates = operands
    if text(options, "reduction", "none") != "none":
        raise HostError("strings are replaced only, they do not add up")
    y = x.copy()
    y[_element_positions(x, indices, whole(options, "axis"))] = updates
    return [y]


def _element_positions(x: Array, indices: Array, axis: int) -> Positions:
    """The position of each element that `indices` names along `axis`, one array for each dim."""
    grid, along = np.indices(indices.shape, np.int64), indices.astype(np.int64)
    _check_inside(along, x.shape[axis])
    return tuple(along if i == axis % x.ndim else grid[i] for i in range(x.ndim))


def _check_inside(positions: NDArray[np.int64], size: int) -> None:
    if ((positions < -size) | (positions >= size)).any():
        raise PositionError(f"a position is outside of the {size} that there are", remedy="Check the inputs.")


def gather_tuples(options: Options, operands: Sequence[Array]) -> list[Array]:
    """GatherND: slices at tuples of positions."""
    x, indices = operands
    batch = whole(options, "batch_dims")
    lead = np.indices(indices.shape[:-1], np.int64)[:batch]
    at = np.moveaxis(indices.astype(np.int64), -1, 0)
    for axis, positions in enumerate(at, batch):
        _check_inside(positions, x.shape[axis])
    return [x[(*lead, *at)]]


def scatter_tuples(options: Options, operands: Sequence[Array]) -> list[Array]:
    """ScatterND: slices at tuples of positions are replaced."""
    x, indices, updates = operands
    if text(options, "reduction", "none") != "none":
        raise HostError("strings are replaced only, they do not add up")
    at = np.moveaxis(indices.astype(np.int64), -1, 0)
    for axis, positions in enumerate(at):
        _check_inside(positions, x.shape[axis])
    y = x.copy()
    y[tuple(at)] = updates
    return [y]


def select(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Select: the second where the first is true, else the third."""
    return [np.where(*operands)]


def equal(options: Options, operands: Sequence[Array]) -> list[Array]:
    """Equal: whether strings are the same."""
    return [np.asarray(np.equal(*operands), np.bool_)]


def _integers(values: Sequence[Plain]) -> list[int]:
    found = [value for value in values if isinstance(value, int)]
    if len(found) != len(values):
        raise HostError(f"the sizes {list(values)} are not known", remedy="Compile for given sizes.")
    return found


SIZED = {"BroadcastTo": ("shape",), "Reshape": ("shape",), "Section": ("starts", "sizes")}
"""Function -> its options that are lists of sizes, which may be known only in a run."""

MOVEMENT: dict[str, HostFunction] = {
    "BroadcastTo": broadcast_to,
    "Concat": concat,
    "Equal": equal,
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_tuples,
    "Identity": identity,
    "Reshape": reshape,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_tuples,
    "Section": section,
    "Select": select,
    "Shape": shape,
    "Slice": cut,
    "Transpose": transpose,
}
