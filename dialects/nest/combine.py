"""How the accumulators of a nest combine: needed to split, reorder or vectorise a reduction."""

from xdsl.dialects import arith, math
from xdsl.ir import Operation, SSAValue

from penstock.dialects.nest.ops import ComputeOp, YieldOp

COMBINERS: tuple[type[Operation], ...] = (
    arith.AddfOp,
    arith.AddiOp,
    arith.MulfOp,
    arith.MuliOp,
    arith.MaximumfOp,
    arith.MinimumfOp,
    arith.MaxSIOp,
    arith.MinSIOp,
    arith.MaxUIOp,
    arith.MinUIOp,
    arith.AndIOp,
    arith.OrIOp,
)


def combiners(nest: ComputeOp) -> list[type[Operation]] | None:
    """The operation that folds each accumulator, `None` when one is no plain fold such as `acc + f(x)`."""
    block = nest.body.block
    end = block.last_op
    if not isinstance(end, YieldOp):
        return None
    accumulators = block.args[len(nest.ins) :]
    if not accumulators:
        return []
    kinds = [_combiner(value, a) for value, a in zip(end.values, accumulators, strict=True)]
    found = [k for k in kinds if k is not None]
    return found if len(found) == len(kinds) else None


def _combiner(value: SSAValue, accumulator: SSAValue) -> type[Operation] | None:
    fold = value.owner
    if not isinstance(fold, Operation) or accumulator.uses.get_length() != 1 or value.uses.get_length() != 1:
        return None
    if isinstance(fold, math.FmaOp):
        return arith.AddfOp if fold.c is accumulator else None
    return type(fold) if isinstance(fold, COMBINERS) and accumulator in fold.operands else None
