"""What must hold of the sizes of every call of a module: `graph.requires = ["n <= 512", "a == b"]`."""

from collections.abc import Iterable

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr

from penstock.dialects.narrowing import strings

ATTRIBUTE = "graph.requires"


def requirements_of(module: ModuleOp) -> tuple[str, ...]:
    """The requirements of a module, in the order in which they were found."""
    return strings(module.attributes.get(ATTRIBUTE))


def require(module: ModuleOp, requirements: Iterable[str]) -> None:
    """Add requirements to a module."""
    found = dict.fromkeys([*requirements_of(module), *requirements])
    if found:
        module.attributes[ATTRIBUTE] = ArrayAttr([StringAttr(text) for text in found])
