"""Non-maximum suppression in the `graph` dialect: of boxes that overlap, the best one stays."""

from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import BoolAttr, i64
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    GraphOp,
    Tensor,
    compatible,
    element_of,
    flag,
    rank_of,
    shape_of,
    tensor,
    tensor_of,
)

NONE_LEFT = -1
"""What a step picks that finds no box."""
Numbers: TypeAlias = NDArray[np.float32 | np.float64]


@irdl_op_definition
class SuppressOp(GraphOp):
    """The box that each step takes: the best one left of each class, and what overlaps it is dropped.

        overlap(a, b) = common area / (area a + area b - common area)

    `boxes` are [batch, box, 4], two opposite corners or, if `is_centered`, the middle with width and height;
    `scores` are [batch, class, box], minus infinity for a box that cannot be taken.  `most` steps are done,
    and no more than there are boxes; a box is dropped whose overlap is above `limit`.  The result,
    [batch, class, step], is -1 where nothing is left:

    `%picks = graph.suppress %boxes, %scores, %most, %limit {is_centered = false} :
    tensor<1x9x4xf32>, tensor<1x2x9xf32>, tensor<i64>, tensor<f32> -> tensor<1x2x9xi64>`.
    """

    name = "graph.suppress"
    boxes = operand_def(AnyTensor)
    scores = operand_def(AnyTensor)
    most = operand_def(AnyTensor)
    limit = operand_def(AnyTensor)
    is_centered = prop_def(BoolAttr, default_value=flag(False))
    picks = result_def(AnyTensor)
    assembly_format = (
        "$boxes `,` $scores `,` $most `,` $limit attr-dict `:` type($boxes) `,` type($scores) `,`"
        " type($most) `,` type($limit) `->` type($picks)"
    )

    def infer(self) -> Sequence[Tensor]:
        if rank_of(self.boxes) != 3 or rank_of(self.scores) != 3:
            raise VerifyException(f"{self.name}: boxes are [batch, box, 4] and scores [batch, class, box]")
        batch, _, count = shape_of(self.scores)
        real = element_of(self.scores)
        if not compatible(tensor_of(self.boxes), tensor([batch, count, 4], real)):
            raise VerifyException(
                f"{self.name}: boxes {list(shape_of(self.boxes))} for scores {list(shape_of(self.scores))}"
            )
        if tensor_of(self.most) != tensor([], i64) or tensor_of(self.limit) != tensor([], real):
            raise VerifyException(f"{self.name}: `most` is one integer, `limit` a number like the scores")
        return [tensor(shape_of(self.scores), i64)]

    def effort(self) -> int:
        """Each step goes through all boxes."""
        count = shape_of(self.scores)[2]
        return super().effort() * max(count if isinstance(count, int) else 1, 1)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        boxes, given, most, limit = (cast(Numbers, each) for each in operands)
        low, high = self._ends(boxes)
        left, picks = given.copy(), np.full(given.shape, NONE_LEFT, np.int64)
        with np.errstate(all="ignore"):
            area = np.prod(high - low, axis=0)
            for step in range(min(int(most), left.shape[2])):
                best = np.argmax(left, axis=2)[:, :, None]
                is_left = np.max(left, axis=2, keepdims=True) > -np.inf
                picks[:, :, step : step + 1] = np.where(is_left, best, NONE_LEFT)
                taken = [np.take_along_axis(ends, best[None], axis=3) for ends in (low, high)]
                shared = np.minimum(taken[1], high) - np.maximum(taken[0], low)
                common = np.prod(np.maximum(shared, 0), axis=0)
                overlaps = limit < common / (np.take_along_axis(area, best, axis=2) + area - common)
                left[overlaps | (np.arange(left.shape[2]) == best)] = -np.inf
                if not np.any(left > -np.inf):
                    break
        return [picks]

    def _ends(self, boxes: Numbers) -> tuple[Numbers, Numbers]:
        """The lower and upper ends of boxes along both axes, [2, batch, 1, box]."""
        a, b = (np.moveaxis(boxes[..., i : i + 2], 2, 0)[:, :, None] for i in (0, 2))
        if self.is_centered.value.data:
            half = b * np.asarray(0.5, boxes.dtype)
            return a - half, a + half
        return np.minimum(a, b), np.maximum(a, b)


OPS: tuple[type[Operation], ...] = (SuppressOp,)
