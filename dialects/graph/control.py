"""Control flow of the `graph` dialect: operations whose regions run as often as values of the run say.

A region sees nothing from outside but its arguments: what it reads besides is handed in as `captures`.  So a
pass that improves a function improves a region in the same way, and nothing is moved into a loop unawares.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from xdsl.dialects.builtin import I64, ArrayAttr, DenseArrayBase, IntegerAttr, i1, i32, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    irdl_to_attr_constraint,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsolatedFromAbove, IsTerminator, Pure
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    Dim,
    GraphOp,
    Tensor,
    compatible,
    element_of,
    extent_of,
    integer,
    integers,
    shape_of,
    static_shape_of,
    tensor,
    tensor_of,
)
from penstock.dialects.graph.evaluation import evaluate_block
from penstock.dialects.graph.movement import ShapeAttr, dims_attr, dims_of
from penstock.dialects.graph.sections import numbers_of

MAX_ITERATIONS = 1_000_000
"""A loop that runs on is stopped here when the reference runs it: while compiling, nothing may hang."""
T = TypeVar("T")


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a region with the values that it gives."""

    name = "graph.yield"
    values = var_operand_def(AnyTensor)
    traits = traits_def(IsTerminator())
    assembly_format = "($values^ `:` type($values))? attr-dict"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])


class RegionOp(GraphOp, ABC):
    """An operation with regions, each of one block that ends in `graph.yield`."""

    traits = traits_def(Pure(), IsolatedFromAbove())

    @property
    def blocks(self) -> list[Block]:
        """The blocks of its regions."""
        return [region.block for region in self.regions]

    @abstractmethod
    def captured(self) -> Sequence[SSAValue]:
        """What is handed in besides: the last operands, and the last arguments of each block."""

    @abstractmethod
    def capture(self, values: Sequence[SSAValue]) -> None:
        """Hand in other values; the arguments of the blocks are the caller's matter."""

    def formulas(self) -> Sequence[Dim]:
        """Those of all operations inside."""
        inside = (op for block in self.blocks for op in block.ops if isinstance(op, GraphOp))
        return [size for op in inside for size in op.formulas()]

    def effort(self) -> int:
        """All regions once; a loop says how often."""
        inside = [op.effort() for block in self.blocks for op in block.ops if isinstance(op, GraphOp)]
        return super().effort() + sum(inside)

    def _verify_arguments(self, block: Block, given: Sequence[Tensor]) -> None:
        takes = [tensor_of(argument) for argument in block.args]
        if len(takes) != len(given) or not all(map(compatible, takes, given)):
            raise VerifyException(f"{self.name}: a region takes {_texts(takes)}, it is given {_texts(given)}")


def _texts(types: Sequence[Attribute]) -> list[str]:
    return [str(each) for each in types]


def yielded(block: Block) -> Sequence[SSAValue]:
    """What a block of a region gives; `VerifyException` when it does not end as it must."""
    if not isinstance(block.last_op, YieldOp):
        raise VerifyException("a region of the graph dialect ends in graph.yield")
    return block.last_op.values


@irdl_op_definition
class IfOp(RegionOp):
    """The results of one of two regions: `%y = graph.if %c captures(%x : ...) {...} else {...} -> ...`."""

    name = "graph.if"
    condition = operand_def(AnyTensor)
    captures = var_operand_def(AnyTensor)
    outputs = var_result_def(AnyTensor)
    then = region_def("single_block")
    otherwise = region_def("single_block")
    assembly_format = (
        "$condition `:` type($condition) (`captures` `(` $captures^ `:` type($captures) `)`)?"
        " $then `else` $otherwise (`->` type($outputs)^)? attr-dict"
    )

    @staticmethod
    def of(condition: SSAValue, captures: Sequence[SSAValue], then: Block, otherwise: Block) -> "IfOp":
        """A branch; both blocks take the captures."""
        types = [value.type for value in yielded(then)]
        return IfOp.build(
            operands=[condition, captures],
            result_types=[types],
            regions=[Region(then), Region(otherwise)],
        )

    def captured(self) -> Sequence[SSAValue]:
        return self.captures

    def capture(self, values: Sequence[SSAValue]) -> None:
        self.operands = [self.condition, *values]

    def infer(self) -> Sequence[Tensor]:
        _verify_flag(self, self.condition)
        given = [tensor_of(value) for value in self.captures]
        for block in self.blocks:
            self._verify_arguments(block, given)
        then, otherwise = ([tensor_of(v) for v in yielded(block)] for block in self.blocks)
        if len(then) != len(otherwise) or not all(map(compatible, then, otherwise)):
            raise VerifyException(f"graph.if: one region gives {_texts(then)}, one {_texts(otherwise)}")
        return then

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        condition, *captures = operands
        block = self.then.block if condition.reshape(-1)[0] else self.otherwise.block
        return evaluate_block(block, dict(zip(block.args, captures, strict=True)))


STEPS = irdl_to_attr_constraint(IntegerAttr[I64]) | irdl_to_attr_constraint(ShapeAttr)
"""The constraint of how often a loop runs: a number, or the formula of one."""


@irdl_op_definition
class LoopOp(RegionOp):
    """A region that runs again and again on what it left, as in ONNX's Loop and Scan:

    `%h, %y = graph.loop states(%h0 : ...) scans(%x : ...) captures(%r : ...) {...} -> ... {steps = 9 : i64}`.

    The region takes the number of the step, the states, a slice of each scanned value along its first axis,
    and the captures.  It gives the next states and what is collected, side by side along a new first axis.
    It runs `steps` times (`steps = ["seq"]` where a call decides it), or `limit` times; if it gives a truth
    before all else, only as long as this and `going`, the truth to begin with, hold.  `backwards` lists the
    scanned values, then the collected ones, that are walked from their end.
    """

    name = "graph.loop"
    limit = opt_operand_def(AnyTensor)
    going = opt_operand_def(AnyTensor)
    states = var_operand_def(AnyTensor)
    scans = var_operand_def(AnyTensor)
    captures = var_operand_def(AnyTensor)
    steps = opt_prop_def(STEPS)
    backwards = opt_prop_def(DenseArrayBase.constr(i64))
    outputs = var_result_def(AnyTensor)
    body = region_def("single_block")
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "(`limit` `(` $limit^ `:` type($limit) `)`)? (`going` `(` $going^ `:` type($going) `)`)?"
        " (`states` `(` $states^ `:` type($states) `)`)? (`scans` `(` $scans^ `:` type($scans) `)`)?"
        " (`captures` `(` $captures^ `:` type($captures) `)`)? $body (`->` type($outputs)^)? attr-dict"
    )

    @staticmethod
    def of(
        body: Block,
        *,
        limit: SSAValue | None = None,
        going: SSAValue | None = None,
        states: Sequence[SSAValue] = (),
        scans: Sequence[SSAValue] = (),
        captures: Sequence[SSAValue] = (),
        steps: Dim | None = None,
        backwards: Sequence[int] = (),
        is_conditional: bool = False,
    ) -> "LoopOp":
        """A loop from its parts; `is_conditional`: the block gives a truth before all else."""
        length = "?" if steps is None or is_conditional or limit is not None else steps
        made = yielded(body)[is_conditional + len(states) :]
        collected = [tensor([length, *shape_of(v)], element_of(v)) for v in made]
        return LoopOp.build(
            operands=[_optional(limit), _optional(going), states, scans, captures],
            result_types=[[*(value.type for value in states), *collected]],
            properties={
                "steps": None if steps is None else _steps_attr(steps),
                "backwards": integers(backwards) if backwards else None,
            },
            regions=[Region(body)],
        )

    def captured(self) -> Sequence[SSAValue]:
        return self.captures

    def capture(self, values: Sequence[SSAValue]) -> None:
        limit, going, states, scans, _ = self.grouped(self.operands)
        self.operands = [*limit, *going, *states, *scans, *values]
        sizes = [len(group) for group in (limit, going, states, scans, values)]
        self.properties["operandSegmentSizes"] = DenseArrayBase.from_list(i32, sizes)

    @property
    def collected(self) -> int:
        """The number of values that are collected."""
        return len(self.outputs) - len(self.states)

    @property
    def is_conditional(self) -> bool:
        """Whether the region says if it runs again."""
        return len(yielded(self.body.block)) > len(self.outputs)

    @property
    def most(self) -> Dim | None:
        """How often the region runs at most, as `steps` says."""
        if not isinstance(self.steps, ArrayAttr):
            return None if self.steps is None else self.steps.value.data
        return dims_of(self.steps)[0]

    @property
    def is_counted(self) -> bool:
        """Whether it is known how often the region runs."""
        return (
            self.steps is not None and self.limit is None and not self.is_conditional and self.going is None
        )

    def formulas(self) -> Sequence[Dim]:
        return [*super().formulas(), *([] if self.most is None else [self.most])]

    @property
    def directions(self) -> list[bool]:
        """For each scanned value, then each collected one, whether it is walked from its end."""
        given = () if self.backwards is None else self.backwards.get_values()
        return [i in given for i in range(len(self.scans) + self.collected)]

    def infer(self) -> Sequence[Tensor]:
        self._verify_counts()
        states = [tensor_of(state) for state in self.states]
        given = [*states, *map(self._slice, self.scans), *map(tensor_of, self.captures)]
        self._verify_arguments(self.body.block, [tensor([], i64), *given])
        end = list(yielded(self.body.block))
        if self.is_conditional:
            _verify_flag(self, end.pop(0))
        following = [tensor_of(value) for value in end[: len(states)]]
        if not all(map(compatible, following, states)):
            raise VerifyException(f"graph.loop: the states {_texts(states)} become {_texts(following)}")
        length = self.most if self.is_counted and self.most is not None else "?"
        return [*states, *(tensor([length, *shape_of(v)], element_of(v)) for v in end[len(states) :])]

    def _verify_counts(self) -> None:
        if isinstance(self.steps, ArrayAttr) and len(self.steps) != 1:
            raise VerifyException(f"graph.loop: {self.steps} does not say how often it runs")
        if self.going is not None:
            _verify_flag(self, self.going)
        if self.limit is not None and tensor_of(self.limit) != tensor([], i64):
            raise VerifyException(f"graph.loop: the limit is {self.limit.type}, it must be one i64")
        if not (self.steps is not None or self.limit is not None or self.is_conditional):
            raise VerifyException("graph.loop: nothing says when it ends")
        if self.collected < 0 or not 0 <= len(yielded(self.body.block)) - len(self.outputs) <= 1:
            counts = f"{len(yielded(self.body.block))} values for {len(self.outputs)} results"
            raise VerifyException(f"graph.loop: the region gives {counts}")

    def _slice(self, value: SSAValue) -> Tensor:
        shape, steps = shape_of(value), self.most
        if not shape or steps is None or shape[0] not in (steps, "?"):
            raise VerifyException(f"graph.loop: {value.type} has no {steps} slices to scan")
        return tensor(shape[1:], element_of(value))

    def effort(self) -> int:
        """The region as often as it may run."""
        steps = MAX_ITERATIONS if self.most is None else extent_of(self.most)
        return super().effort() * max(steps, 1)

    def grouped(self, values: Sequence[T]) -> tuple[list[T], list[T], list[T], list[T], list[T]]:
        """Values, one for each operand, as limit, going, states, scanned values and captures."""
        rest = iter(values)
        groups = ([self.limit], [self.going], self.states, self.scans, self.captures)
        limit, going, states, scans, captures = (
            [next(rest) for each in group if each is not None] for group in groups
        )
        return limit, going, states, scans, captures

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        limit, going, states, scans, captures = self.grouped(operands)
        bounds = [int(array.reshape(-1)[0]) for array in limit]
        bounds += [] if self.most is None else numbers_of(self, [self.most])
        most, step = min(bounds, default=MAX_ITERATIONS + 1), 0
        holds = all(bool(array.reshape(-1)[0]) for array in going)
        rows: list[list[Array]] = []
        while holds and step < most:
            if step == MAX_ITERATIONS:
                raise ValueError(f"graph.loop: it runs more than {MAX_ITERATIONS} times")
            slices = [
                scan[len(scan) - 1 - step if is_reverse else step]
                for scan, is_reverse in zip(scans, self.directions, strict=False)
            ]
            end = self._step([np.array(step), *states, *slices, *captures])
            holds = bool(end.pop(0)) if self.is_conditional else True
            states, step = end[: len(states)], step + 1
            rows.append(end[len(states) :])
        return [*states, *self._collect(rows)]

    def _step(self, given: Sequence[Array]) -> list[Array]:
        block = self.body.block
        return evaluate_block(block, dict(zip(block.args, given, strict=True)))

    def _collect(self, rows: Sequence[Sequence[Array]]) -> list[Array]:
        made = self.outputs[len(self.states) :]
        if not rows:
            shapes = [(0, *static_shape_of(tensor_of(v))[1:]) if self.is_counted else (0,) for v in made]
            return [np.empty(s, numpy_dtype(element_of(v))) for s, v in zip(shapes, made, strict=True)]
        columns = zip(zip(*rows, strict=True), self.directions[len(self.scans) :], strict=True)
        return [np.stack(column[::-1] if is_reverse else column) for column, is_reverse in columns]


def _steps_attr(steps: Dim) -> IntegerAttr[I64] | ShapeAttr:
    return integer(steps) if isinstance(steps, int) else dims_attr([steps])


def _optional(value: SSAValue | None) -> Sequence[SSAValue]:
    return () if value is None else (value,)


def _verify_flag(op: Operation, value: SSAValue) -> None:
    if tensor_of(value) != tensor([], i1):
        raise VerifyException(f"{op.name}: the condition is {value.type}, it must be one i1")


OPS: tuple[type[Operation], ...] = (IfOp, LoopOp, YieldOp)
