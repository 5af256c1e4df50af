"""What a module means to its executors, as data to compare: a pass that leaves it alone needs no execution.

Names, provenance and schedules say nothing about the result; the check of the lowering that follows a
schedule covers it.  Which nests walk a loop together does say something.
"""

from collections.abc import Iterator

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from penstock.dialects.nest.ops import TOGETHER, ComputeOp, DimAttr
from penstock.dialects.nest.walk import walked_loop

Fingerprint = tuple[object, ...]

SILENT = frozenset({"nodes", "schedule"})


def fingerprint(module: ModuleOp) -> Fingerprint:
    """Equal for two modules that every executor treats alike; the reverse need not hold."""
    numbers: dict[SSAValue, int] = {}
    return tuple(part for op in module.ops for part in _operation(op, numbers))


def operation_fingerprint(op: Operation) -> Fingerprint:
    """What one operation means, whatever its operands are."""
    return tuple(_operation(op, {}))


def _operation(op: Operation, numbers: dict[SSAValue, int]) -> Iterator[object]:
    yield op.name
    yield tuple(numbers.get(operand, -1) for operand in op.operands)
    yield tuple(_numbered(result, numbers) for result in op.results)
    yield tuple(sorted((name, _meaning(op, name, value)) for name, value in op.properties.items()))
    if isinstance(op, func.FuncOp):
        yield tuple(sorted((name, value) for name, value in op.attributes.items() if name not in SILENT))
    if isinstance(op, ComputeOp):
        yield op.attributes.get(TOGETHER), walked_loop(op)
    for region in op.regions:
        for block in region.blocks:
            yield tuple(_block(block, numbers))


def _block(block: Block, numbers: dict[SSAValue, int]) -> Iterator[object]:
    yield tuple(_numbered(argument, numbers) for argument in block.args)
    for op in block.ops:
        yield from _operation(op, numbers)


def _numbered(value: SSAValue, numbers: dict[SSAValue, int]) -> tuple[int, Attribute]:
    numbers[value] = len(numbers)
    return numbers[value], value.type


def _meaning(op: Operation, name: str, value: Attribute) -> Attribute:
    if isinstance(op, ComputeOp) and name == "dims":
        return ArrayAttr([_unmarked(dim) for dim in op.loops])
    return value


def _unmarked(dim: DimAttr) -> DimAttr:
    return dim.marked("")
