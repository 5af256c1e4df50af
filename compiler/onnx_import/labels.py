"""Importers of the operations of `ai.onnx.ml` that look labels up in a table.

Strings are looked up by the host; a table from numbers to numbers is comparisons and a gather.
"""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from xdsl.ir import SSAValue

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import Array, element_of, integer
from penstock.dialects.graph.indexing import GatherOp
from penstock.errors import ModelError
from penstock.host.arrays import strings_of
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.terms import Term

UNUSED = "_Unused"
STRINGS = np.dtype(np.object_)


def import_label_encoder(node: Node, build: Builder) -> SSAValue:
    """LabelEncoder: of equal keys the last one counts, all NaN are one key."""
    if node.has("classes_strings"):
        return _with_classes(node, build, node.strings("classes_strings"))
    keys, values = (_table(node, what) for what in ("keys", "values"))
    require(node, len(keys) == len(values), f"{len(keys)} keys for {len(values)} values")
    return _looked_up(node, build, keys, values, _default(node, values.dtype))


def _with_classes(node: Node, build: Builder, classes: Sequence[str]) -> SSAValue:
    """The form of version 1: strings are numbered, or numbers named."""
    names, numbers = strings_of(classes, [len(classes)]), np.arange(len(classes))
    return _either_way(node, build, names, numbers)


def import_category_mapper(node: Node, build: Builder) -> SSAValue:
    """CategoryMapper: strings to numbers, or numbers to strings."""
    names, numbers = node.strings("cats_strings"), np.array(node.ints("cats_int64s"), np.int64)
    require(node, len(names) == len(numbers), f"{len(names)} names for {len(numbers)} numbers")
    return _either_way(node, build, strings_of(names, [len(names)]), numbers)


def _either_way(node: Node, build: Builder, names: Array, numbers: Array) -> SSAValue:
    keys, values = (names, numbers) if numpy_dtype(element_of(node.input(0))) == STRINGS else (numbers, names)
    return _looked_up(node, build, keys, values, _default(node, values.dtype))


def _table(node: Node, what: str) -> Array:
    """The keys or values, of which there is one list."""
    if node.has(f"{what}_strings"):
        names = node.strings(f"{what}_strings")
        return strings_of(names, [len(names)])
    if node.has(f"{what}_int64s"):
        return np.array(node.ints(f"{what}_int64s"), np.int64)
    if node.has(f"{what}_floats"):
        return np.array(node.floats(f"{what}_floats"), np.float32)
    return node.tensor(f"{what}_tensor").reshape(-1)


def _default(node: Node, dtype: np.dtype[np.generic]) -> Array:
    """What stands for all that is no key, as one element."""
    if node.has("default_tensor"):
        given = node.tensor("default_tensor").reshape(-1)
        require(node, given.size == 1 and given.dtype == dtype, f"a default of {given.size} {given.dtype}")
        return given
    if dtype == STRINGS:
        return strings_of([node.string("default_string", UNUSED)], [1])
    if dtype.kind in "iu":
        return np.array([node.int("default_int64", -1)]).astype(dtype)
    return np.array([node.float("default_float", -0.0)]).astype(dtype)


def _looked_up(node: Node, build: Builder, keys: Array, values: Array, default: Array) -> SSAValue:
    x = node.input(0)
    if keys.dtype != numpy_dtype(element_of(x)):
        raise ModelError(
            f"keys of the type {keys.dtype} for {element_of(x)}", node=node.name, remedy="Export it again."
        )
    if STRINGS in (keys.dtype, values.dtype):
        return look_up(build, x, keys, values, default)
    return _compared(build, x, keys, values, default)


def look_up(build: Builder, x: SSAValue, keys: Array, values: Array, default: Array) -> SSAValue:
    """The values that a table of the host has for keys."""
    return build.host("LookUp", [x, *map(build.constant, (keys, values, default))])[0]


def _compared(build: Builder, x: SSAValue, keys: Array, values: Array, default: Array) -> SSAValue:
    """A table of numbers: the place of the key that an element equals, 0 for none, picks the value."""
    places = {_known(key): place for place, key in enumerate(cast(list[float], keys.tolist()), 1)}
    given, at = Term(build, x), np.array(list(places.values()), np.int64)
    if not places:
        return build.broadcast_to(build.constant(default.reshape(())), given.shape)
    build.bounded(len(places))
    rows = given.reshape(*given.shape, 1)
    distinct = keys[at - 1]
    same = rows.equals(rows.table(distinct))
    if None in places:
        nan = rows.like(build.constant(np.isnan(distinct)))
        same = same | (~rows.equals(rows) & nan)
    place = same.where(same.like(build.constant(at)), 0).greatest(len(given.shape))
    table = build.constant(np.concatenate([default, values]))
    return build.indexing(GatherOp, [table, place.value], {"axis": integer(0)})


def _known(key: float) -> float | None:
    return None if math.isnan(key) else key


LABELS: Family = {"CategoryMapper": import_category_mapper, "LabelEncoder": import_label_encoder}
