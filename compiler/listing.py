"""Modules as text for people: each function is numbered by itself, so that a change stays where it is."""

from collections.abc import Mapping
from textwrap import indent

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation

INDENT = "  "


def function_texts(module: ModuleOp) -> dict[str, str]:
    """The text of each function of a module by its symbol, in order."""
    return {symbol_of(op, number): str(op) for number, op in enumerate(module.ops)}


def symbol_of(op: Operation, number: int) -> str:
    """The symbol of an operation at the top of a module, or its place there."""
    name = op.get_attr_or_prop("sym_name")
    return name.data if isinstance(name, StringAttr) else f"{op.name} {number}"


def module_text(module: ModuleOp, known: Mapping[str, str] | None = None) -> str:
    """A module as text that parses; functions whose text is already `known` are a comment."""
    told = known or {}
    parts = [
        f"// @{name} is unchanged" if told.get(name) == text else text
        for name, text in function_texts(module).items()
    ]
    frame = ModuleOp([], dict(module.attributes))
    opening = str(frame).rstrip().removesuffix("}").rstrip()
    return "\n".join([opening, *(indent(part, INDENT) for part in parts), "}"])
