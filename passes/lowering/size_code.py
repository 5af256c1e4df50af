"""Sizes known only at run time as index arithmetic at the entry of a function, each computed once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

from penstock.dialects.sizes import Atom, Extent, Product, Size, is_at_least, terms_of

INDEX = IndexType()
_WRAPS: dict[str, Attribute] = {"overflowFlags": arith.IntegerOverflowAttr("none")}


@dataclass
class SizeCode:
    """Emits sizes at the head of a block, from the values of its symbols."""

    entry: Block
    symbols: Mapping[str, SSAValue]
    values: dict[Extent, SSAValue] = field(default_factory=dict[Extent, SSAValue])
    _last: Operation | None = None

    def value(self, size: Extent) -> SSAValue:
        """The value of a size."""
        if size not in self.values:
            self.values[size] = self._constant(size) if isinstance(size, int) else self._sum(size)
        return self.values[size]

    def add(self, op: Operation) -> SSAValue:
        """Put an operation behind those that are there; its first result."""
        if self._last is not None:
            self.entry.insert_op_after(op, self._last)
        elif self.entry.first_op is not None:
            self.entry.insert_op_before(op, self.entry.first_op)
        else:
            self.entry.add_op(op)
        self._last = op
        return op.results[0]

    def _constant(self, value: int) -> SSAValue:
        properties: dict[str, Attribute] = {"value": IntegerAttr(value, INDEX)}
        return self.add(arith.ConstantOp.create(result_types=[INDEX], properties=properties))

    def _sum(self, size: Size) -> SSAValue:
        parts = [self._term(product, coefficient) for product, coefficient in terms_of(size)]
        result = parts[0]
        for part in parts[1:]:
            result = self._binary(arith.AddiOp, result, part)
        return result

    def _term(self, product: Product, coefficient: int) -> SSAValue:
        result = None if coefficient == 1 and product else self.value(coefficient)
        for atom in product:
            factor = self._atom(atom)
            result = factor if result is None else self._binary(arith.MuliOp, result, factor)
        assert result is not None, "a product without factors has its number"
        return result

    def _atom(self, atom: Atom) -> SSAValue:
        if isinstance(atom, str):
            return self.symbols[atom]
        a, b = self.value(atom.a), self.value(atom.b)
        match atom.rule:
            case "max":
                return self.add(arith.MaxSIOp(a, b))
            case "min":
                return self.add(arith.MinSIOp(a, b))
            case _:
                if not is_at_least(atom.b, 1):
                    b = self.add(arith.MaxSIOp(b, self.value(1)))
                natural = is_at_least(atom.a, 0) and is_at_least(atom.b, 0)
                return self.add(arith.DivUIOp(a, b) if natural else arith.FloorDivSIOp(a, b))

    def _binary(self, kind: type[Operation], a: SSAValue, b: SSAValue) -> SSAValue:
        return self.add(kind.create(operands=[a, b], result_types=[INDEX], properties=_WRAPS))
