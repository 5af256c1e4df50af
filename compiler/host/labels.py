"""Tables that turn strings into labels and back, on the host."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from penstock.host.arrays import Array, HostFunction, Options

Key: TypeAlias = str | int | float | None


def look_up(options: Options, operands: Sequence[Array]) -> list[Array]:
    """LookUp: the value of each key, the default for what is no key; of equal keys the last one counts.

    Operands are what is looked up, the keys, their values and the default.  All NaN are one key.
    """
    x, keys, values, default = operands
    places = {_key(key): place for place, key in enumerate(keys.reshape(-1).tolist())}
    missing = len(places) and values.size
    found = [places.get(_key(each), missing) for each in x.reshape(-1).tolist()]
    table = np.concatenate([values.reshape(-1), default.reshape(-1)[:1]])
    return [table[np.array(found, np.int64)].reshape(x.shape)]


def _key(value: Key) -> Key:
    return None if value != value else value


LABELS: dict[str, HostFunction] = {"LookUp": look_up}
