"""The text of operations for comparing them: equal where they differ only in the names of their values.

It says what the printed form says, in half the time: the text of an attribute is made once, and no operation
has a syntax of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.ir import Attribute, Block, Operation, SSAValue

_Numbers = tuple[dict[SSAValue, int], dict[Block, int]]


@dataclass
class CanonicalText:
    """Writes operations, and remembers the texts of the attributes that it met.

    Values are numbered as they come; one from outside of the operation stands for any of its type.
    """

    known: dict[Attribute, str] = field(default_factory=dict[Attribute, str])

    def of(self, op: Operation) -> str:
        """The text of an operation with all that is in it."""
        return self._text(op, op.attributes)

    def unattributed(self, op: Operation) -> str:
        """The same without the attributes of the operation itself, as what nodes of the model it is from."""
        return self._text(op, {})

    def _text(self, op: Operation, attributes: Mapping[str, Attribute]) -> str:
        parts: list[str] = []
        self._write(op, attributes, parts, ({}, {}))
        return "\n".join(parts)

    def _write(
        self, op: Operation, attributes: Mapping[str, Attribute], parts: list[str], numbers: _Numbers
    ) -> None:
        values, blocks = numbers
        operands = ", ".join([self._value(value, values) for value in op.operands])
        successors = [blocks.setdefault(block, len(blocks)) for block in op.successors]
        results = ", ".join([self._value(value, values) for value in op.results])
        said = f"{self._entries(op.properties)} {self._entries(attributes)}"
        parts.append(f"{op.name} ({operands}) {successors} {said} -> ({results})")
        for region in op.regions:
            parts.append("{")
            for block in region.blocks:
                arguments = ", ".join([self._value(value, values) for value in block.args])
                parts.append(f"^{blocks.setdefault(block, len(blocks))} ({arguments})")
                for inner in block.ops:
                    self._write(inner, inner.attributes, parts, numbers)
            parts.append("}")

    def _value(self, value: SSAValue, values: dict[SSAValue, int]) -> str:
        """The number of a value, with its type where it is met first."""
        number = values.get(value)
        if number is not None:
            return str(number)
        values[value] = len(values)
        return self._attribute(value.type)

    def _entries(self, entries: Mapping[str, Attribute]) -> str:
        if not entries:
            return "{}"
        said = ", ".join([f"{name} = {self._attribute(entries[name])}" for name in sorted(entries)])
        return f"{{{said}}}"

    def _attribute(self, attribute: Attribute) -> str:
        text = self.known.get(attribute)
        if text is None:
            text = self.known[attribute] = str(attribute)
        return text
