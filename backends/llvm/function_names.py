"""How the values and blocks of one function are called in LLVM IR; `instructions` writes operands with it."""

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Block, Operation, SSAValue

from penstock.backends.llvm.text_types import constant_text, type_text


def _constant(op: Operation) -> str:
    return constant_text(op.properties["value"], op.results[0].type)


def _address(op: Operation) -> str:
    name = op.properties["global_name"]
    assert isinstance(name, SymbolRefAttr), "an address is that of a symbol"
    return f"@{symbol_text(name.string_value())}"


INLINE: Mapping[str, Callable[[Operation], str]] = {
    "llvm.mlir.addressof": _address,
    "llvm.mlir.constant": _constant,
    "llvm.mlir.poison": lambda op: "poison",
    "llvm.mlir.undef": lambda op: "undef",
    "llvm.mlir.zero": lambda op: "zeroinitializer",
}
"""Ops that LLVM IR writes as operands."""


class FunctionNames:
    """Names of the values and blocks of one function, and the intrinsics that it calls."""

    def __init__(self, function: llvm.FuncOp, declarations: set[str]) -> None:
        self.function = function
        self.declarations = declarations
        self.names: dict[SSAValue, str] = {}
        self.labels: dict[Block, str] = {}
        self._types: dict[int, str] = {}
        self.arrivals: dict[Block, list[tuple[str, Sequence[SSAValue]]]] = {}
        for number, block in enumerate(function.body.blocks):
            self.labels[block] = f"b{number}"
            self._name_block(block)

    def _name_block(self, block: Block) -> None:
        names = self.names
        for argument in block.args:
            names[argument] = f"%v{len(names)}"
        for op in block.ops:
            inline = INLINE.get(op.name)
            for result in op.results:
                names[result] = f"%v{len(names)}" if inline is None else inline(op)
        last = block.last_op
        assert last is not None, "a block ends in a terminator"
        for successor, values in _arguments_of_successors(last):
            self.arrivals.setdefault(successor, []).append((self.labels[block], values))

    def type_of(self, value: SSAValue) -> str:
        """The type of a value; found by identity, since hashing a type costs more than writing it."""
        found = self._types.get(id(value.type))
        if found is None:
            found = self._types[id(value.type)] = type_text(value.type)
        return found

    def typed(self, value: SSAValue) -> str:
        """A value with its type, as most operands are written."""
        return f"{self.type_of(value)} {self.names[value]}"

    def call(self, name: str, arguments: Sequence[str], result: str, declared: Sequence[str]) -> str:
        """A call of an intrinsic, declared on the side."""
        self.declarations.add(f"declare {result} @{name}({', '.join(declared)})")
        return f"call {result} @{name}({', '.join(arguments)})"


def _arguments_of_successors(op: Operation) -> list[tuple[Block, Sequence[SSAValue]]]:
    match op:
        case llvm.BrOp():
            return [(op.successor, op.arguments)]
        case llvm.CondBrOp():
            return [(op.then_block, op.then_arguments), (op.else_block, op.else_arguments)]
        case _:
            return []


def symbol_text(name: str) -> str:
    """A name as LLVM writes it after `@`: quoted, with what a string may not hold as hexadecimal."""
    if name.isascii() and name.replace("_", "").replace(".", "").replace("$", "").isalnum():
        return name
    escaped = "".join(c if c.isprintable() and c.isascii() and c not in '"\\' else _escape(c) for c in name)
    return f'"{escaped}"'


def _escape(character: str) -> str:
    return "".join(f"\\{byte:02X}" for byte in character.encode())
