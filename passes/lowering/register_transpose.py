"""Transposing a square of elements in vector registers, for reads whose neighbours lie along another loop."""

from collections.abc import Sequence

from xdsl.dialects import vector
from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import SSAValue

from penstock.passes.lowering.code import Code


def transposed(code: Code, rows: Sequence[SSAValue]) -> list[SSAValue]:
    """The columns of as many vectors as each has lanes, a power of two.

    Bit by bit the number of a vector and that of a lane change places, in log2(n) rounds of n shuffles: J. O.
    Eklundh, A fast computer method for matrix transposing, IEEE Transactions on Computers C-21(7), 1972.

        rows: a b, c d   ->   a c, b d
    """
    found, width = list(rows), len(rows)
    bit = 1
    while bit < width:
        kept = [lane if not lane & bit else lane + width - bit for lane in range(width)]
        moved = [lane + bit if not lane & bit else lane + width for lane in range(width)]
        for low in (i for i in range(width) if not i & bit):
            pair = found[low], found[low + bit]
            found[low], found[low + bit] = (_shuffled(code, *pair, mask) for mask in (kept, moved))
        bit *= 2
    return found


def _shuffled(code: Code, first: SSAValue, second: SSAValue, mask: Sequence[int]) -> SSAValue:
    """The elements of both vectors, numbered through, that a mask lists."""
    properties = {"mask": DenseArrayBase.from_list(i64, mask)}
    operands, kinds = [first, second], [first.type]
    return code.add(vector.ShuffleOp.create(operands=operands, result_types=kinds, properties=properties))
