"""What a run reports beside its outputs: which of the positions that came with the data lay outside.

An operation marked `POSITIONS` takes positions from the data, and one outside is an error.  The pass
`check-positions` gives `main` one result more: the number of the first operation that met one, or 0.
`STATUS`, an attribute of this result, and later of the buffer it is written to, lists these operations.
"""

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, StringAttr, UnitAttr
from xdsl.ir import Operation
from xdsl.utils.hints import isa

POSITIONS = "graph.positions"
STATUS = "graph.status"


def mark_positions(op: Operation, message: str = "") -> None:
    """Say that positions outside are an error of whoever gave them, or what the message says."""
    op.attributes[POSITIONS] = StringAttr(message) if message else UnitAttr()


def status_attributes(messages: Sequence[str]) -> DictionaryAttr:
    """The attributes of the result that tells which check failed."""
    return DictionaryAttr({STATUS: ArrayAttr(map(StringAttr, messages))})


def is_status(attributes: DictionaryAttr) -> bool:
    """Whether these are the attributes of such a result."""
    return STATUS in attributes.data


def messages_of(attributes: ArrayAttr[DictionaryAttr] | None) -> tuple[str, ...]:
    """What each number but 0 means, from the attributes of all results."""
    told = (
        [each.data[STATUS] for each in attributes.data if is_status(each)] if attributes is not None else []
    )
    return tuple(s.data for messages in told if isa(messages, ArrayAttr[StringAttr]) for s in messages)
