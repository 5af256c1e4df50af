"""Operations of the graph level that need not be run again: what they made of the same arrays is known.

Most passes leave most operations as they are.  One that means the same, and is given the same bits, makes the
same of them; so the run after a pass computes what the pass changed, and what follows from that.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from penstock.checking.fingerprint import Fingerprint, operation_fingerprint
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.evaluation import Evaluate
from penstock.dialects.resources import Array

Key = tuple[Fingerprint, tuple[bytes, ...]]


class Results:
    """What was made in the run before and in this one; older arrays are dropped."""

    def __init__(self) -> None:
        self._before: dict[Key, Sequence[Array]] = {}
        self._now: dict[Key, Sequence[Array]] = {}
        self._digests_before: dict[int, tuple[Array, bytes]] = {}
        self._digests: dict[int, tuple[Array, bytes]] = {}
        """By the identity of arrays, which are held so that no other takes their place."""

    def next_run(self) -> Evaluate:
        """What evaluates the operations of a run, or recalls their results."""
        self._before, self._now = self._now, {}
        self._digests_before, self._digests = self._digests, {}
        return self._evaluate

    def _evaluate(self, op: GraphOp, operands: Sequence[Array]) -> Sequence[Array]:
        if isinstance(op, ConstantOp) or any(array.dtype.hasobject for array in operands):
            return op.evaluate(*operands)
        key = operation_fingerprint(op), tuple(map(self._digest, operands))
        results = self._now.get(key) or self._before.get(key)
        self._now[key] = results or [_read_only(array) for array in op.evaluate(*operands)]
        return self._now[key]

    def _digest(self, array: Array) -> bytes:
        known = self._digests.get(id(array)) or self._digests_before.get(id(array))
        self._digests[id(array)] = known or (array, digest_of(array))
        return self._digests[id(array)][1]


def _read_only(array: Array) -> Array:
    """A view that nobody can change."""
    view = array.view()
    view.flags.writeable = False
    return view


def digest_of(array: Array) -> bytes:
    """Tells arrays apart by type, shape and bits."""
    found = blake2b(f"{array.dtype.str}{array.dtype.name}{array.shape}".encode(), digest_size=16)
    found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.digest()
