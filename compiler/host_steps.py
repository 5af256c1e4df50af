"""Steps of the host in the header of an artefact; numbers among their constants are hexadecimal digits."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from penstock.host.arrays import items, strings_of
from penstock.package import STRINGS, TensorInfo, numpy_dtype
from penstock.staged_package import HostStep

Json = Mapping[str, Any]


def host_entry(step: HostStep) -> dict[str, object]:
    """A step as JSON can hold it."""
    constants = {name: _constant_entry(array) for name, array in step.constants.items()}
    return {
        "function": step.function,
        "options": dict(step.options),
        "operands": list(step.operands),
        "constants": constants,
        "outputs": [asdict(output) for output in step.outputs],
        "nodes": list(step.nodes),
    }


def _constant_entry(array: NDArray[np.generic]) -> dict[str, object]:
    if array.dtype == np.object_:
        return {"dtype": STRINGS, "shape": list(array.shape), "data": items(array)}
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": array.tobytes().hex()}


def host_step(entry: Json) -> HostStep:
    """The step of an entry."""
    constants = {name: _constant(each) for name, each in cast(Mapping[str, Json], entry["constants"]).items()}
    outputs = tuple(
        TensorInfo(each["name"], each["dtype"], tuple(each["shape"])) for each in entry["outputs"]
    )
    operands, nodes = tuple(map(str, entry["operands"])), tuple(map(str, entry["nodes"]))
    return HostStep(str(entry["function"]), entry["options"], operands, constants, outputs, nodes)


def _constant(entry: Json) -> NDArray[np.generic]:
    shape = tuple(map(int, entry["shape"]))
    if entry["dtype"] == STRINGS:
        return strings_of([str(each) for each in entry["data"]], shape)
    return np.frombuffer(bytes.fromhex(entry["data"]), numpy_dtype(entry["dtype"])).reshape(shape)
