"""What the import turns into operations of the host: all that reads or makes strings."""

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, StringAttr
from xdsl.ir import Attribute

from penstock.dialects.graph.base import Array, GraphOp
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.host import HostOp, on_host, touches_strings
from penstock.onnx_import.unsupported import Unsupported

REMEDY = "Compute it outside of the model."


def hosted(op: GraphOp) -> GraphOp:
    """An operation that is about to be inserted, or what does to strings what it does to numbers."""
    if isinstance(op, HostOp | ConstantOp) or not touches_strings(op):
        return op
    moved = on_host(op)
    if moved is None:
        raise Unsupported(f"{op.name.removeprefix('graph.')} of strings", REMEDY)
    op.erase()
    return moved


def check_regions(op: GraphOp) -> None:
    """`Unsupported` for strings in regions: Python runs whole operations of the model only."""
    inner = next((each for each in op.walk() if isinstance(each, HostOp) or touches_strings(each)), None)
    if inner is not None:
        told = inner.function.data if isinstance(inner, HostOp) else "a string"
        raise Unsupported(f"{told} in a loop or branch that is decided in a run", REMEDY)


def check_strings(array: Array) -> None:
    """`Unsupported` where a number is about to become a constant among strings."""
    if array.dtype == np.object_ and not all(isinstance(each, str) for each in array.reshape(-1).tolist()):
        raise Unsupported("a number among strings", REMEDY)


def host_properties(
    function: str, options: Mapping[str, Attribute], sizes: Sequence[str]
) -> dict[str, Attribute]:
    """The properties of an operation of the host; those without a value are left out."""
    given: dict[str, Attribute] = {"function": StringAttr(function)}
    if options:
        given["options"] = DictionaryAttr(options)
    if sizes:
        given["sizes"] = ArrayAttr(map(StringAttr, sizes))
    return given
