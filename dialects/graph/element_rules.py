"""Rules of the `graph` dialect about element types that several families of operations share."""

from collections.abc import Iterable

from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import STRING, is_float, is_narrow
from penstock.dialects.graph.base import GraphOp, element_of


def verify_one_element(op: GraphOp, values: Iterable[SSAValue]) -> None:
    """All values have one element type."""
    kinds = {element_of(value) for value in values}
    if len(kinds) > 1:
        told = ", ".join(sorted(map(str, kinds)))
        raise VerifyException(f"{op.name}: operands differ in element type: {told}")


def verify_reals(op: GraphOp, values: Iterable[SSAValue]) -> None:
    """All values have one element type, and it is a floating-point type."""
    values = tuple(values)
    verify_one_element(op, values)
    if not is_float(element_of(values[0])):
        raise VerifyException(f"{op.name}: needs reals, got {element_of(values[0])}")


def verify_numbers(op: GraphOp, values: Iterable[SSAValue]) -> None:
    """All values have one element type, and it is neither the boolean nor a narrow type."""
    values = tuple(values)
    verify_one_element(op, values)
    element = element_of(values[0])
    if element in (i1, STRING) or is_narrow(element):
        raise VerifyException(f"{op.name}: needs numbers, got {element}")


def verify_computable(op: GraphOp, values: Iterable[SSAValue]) -> None:
    """Machines compute with all values: none is of a narrow type."""
    elements = map(element_of, values)
    narrow = next((element for element in elements if is_narrow(element) or element == STRING), None)
    if narrow is not None:
        raise VerifyException(f"{op.name}: {narrow} can only be moved and cast")
