"""Python source under construction: the loops interpreter's tables write one function of it per func.func.

The source holds numbered names, numbers and fixed templates only; no name or text of the IR reaches it.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from xdsl.dialects.builtin import I64, DenseArrayBase
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.hints import isa

from penstock.backends.loops.kinds import Kind, kind_of

Emit = Callable[["Writer", Operation], None]

# CPython refuses more than 20 nested loops in one function; the function itself and a margin are off that.
MAX_LOOP_DEPTH = 18


@dataclass
class Writer:
    """Collects the lines of the functions, the constants they use and the ops they may have to name."""

    table: Mapping[str, Emit]
    function_names: Mapping[str, str]
    lines: list[str] = field(default_factory=list[str])
    constants: list[object] = field(default_factory=list[object])
    known: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    function: str = ""
    loop_depth: int = 0
    _names: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    _indent: int = 0
    _count: int = 0

    def name(self, value: SSAValue) -> str:
        """The Python name of an SSA value that was defined before."""
        return self._names[value]

    def names(self, op: Operation) -> list[str]:
        """The Python names of an op's operands."""
        return [self._names[operand] for operand in op.operands]

    def define(self, value: SSAValue) -> str:
        """Give an SSA value a Python name of its own."""
        name = self._names[value] = self.fresh()
        return name

    def alias(self, value: SSAValue, name: str) -> None:
        """Let an SSA value share the Python name of another."""
        self._names[value] = name

    def fresh(self) -> str:
        """A Python name not used before."""
        self._count += 1
        return f"v{self._count}"

    def constant(self, value: object) -> str:
        """The Python name of an object made at translation time."""
        self.constants.append(value)
        return f"c{len(self.constants) - 1}"

    def line(self, text: str) -> None:
        """Write one line at the present indentation."""
        self.lines.append(" " * self._indent + text)

    def assign(self, value: SSAValue, expression: str) -> str:
        """Write `name = expression` for an SSA value and return the name."""
        name = self.define(value)
        self.line(f"{name} = {expression}")
        return name

    @contextmanager
    def indented(self) -> Generator[None]:
        """Write the lines of a nested suite, which must not stay empty."""
        before = len(self.lines)
        self._indent += 1
        yield
        if len(self.lines) == before:
            self.line("pass")
        self._indent -= 1

    @contextmanager
    def loop_body(self) -> Generator[None]:
        """Write the suite of a `for`, which Python lets nest only so deep."""
        if self.loop_depth == MAX_LOOP_DEPTH:
            raise NotImplementedError(f"the loops interpreter nests {MAX_LOOP_DEPTH} loops at most")
        self.loop_depth += 1
        with self.indented():
            yield
        self.loop_depth -= 1

    def block(self, block: Block) -> None:
        """Write all ops of a block; its terminator is written by the entry of the table for it, if any."""
        for op in block.ops:
            if op.name not in self.table:
                raise NotImplementedError(f"the loops interpreter has no meaning for '{op.name}'")
            self.table[op.name](self, op)


def operand_kind(op: Operation, index: int = 0) -> Kind:
    """The kind of an operand."""
    return kind_of(op.operands[index].type)


def result_kind(op: Operation, index: int = 0) -> Kind:
    """The kind of a result."""
    return kind_of(op.results[index].type)


def attribute(op: Operation, name: str) -> Attribute:
    """A property or attribute of an op that it must have."""
    return op.properties[name] if name in op.properties else op.attributes[name]


def integers(op: Operation, name: str) -> tuple[int, ...]:
    """The numbers of an `array<i64: ...>` property that an op must have."""
    values = attribute(op, name)
    assert isa(values, DenseArrayBase[I64]), f"'{op.name}' has an array of i64 as {name}"
    return values.get_values()
