"""Modules of open sizes at the sizes of a check: numbers in place of symbols, as the executors need them."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import FunctionType, IndexType, IntegerAttr, MemRefType, ModuleOp, i8
from xdsl.dialects.func import FuncOp
from xdsl.ir import BlockArgument, SSAValue
from xdsl.rewriter import Rewriter

from penstock.call_table import SUMS
from penstock.dialects.memory_certificate import (
    MEMORY_PLAN,
    Certificate,
    argument_of,
    certificate_attribute,
    is_growing,
    read_growing,
)
from penstock.dialects.memory_plan import Plan
from penstock.dialects.narrowing import integer_value
from penstock.dialects.nest.ops import shape_of
from penstock.dialects.nest.sizes import symbols
from penstock.package import ENTRY
from penstock.passes.specialize_sizes import specialize

Sizes = Mapping[str, int]


def at_sizes(module: ModuleOp, sizes: Sizes) -> ModuleOp:
    """A copy of a module of the nest level with numbers for its symbols, the plan of its memory too."""
    copy = module.clone()
    planned = [f for f in copy.ops if isinstance(f, FuncOp) and is_growing(f.attributes.get(MEMORY_PLAN))]
    # The arena comes behind the symbols, which are no arguments any more.
    places = [argument_of(f.attributes[MEMORY_PLAN]) - len(symbols(f)) for f in planned]
    specialize(copy, sizes)
    for function, place in zip(planned, places, strict=True):
        _fold_sums(function)
        plan = read_growing(function.attributes[MEMORY_PLAN]).at(sizes)
        _settle_plan(function, function.body.block.args[place], plan)
    return copy


def _fold_sums(function: FuncOp) -> None:
    """Put numbers in for what a function computes of sizes to place its values."""
    for op in list(function.body.block.ops):
        if type(op) in SUMS:
            value = SUMS[type(op)](*map(_number, op.operands))
            Rewriter.replace_op(op, arith.ConstantOp(IntegerAttr(value, IndexType())))


def _number(value: SSAValue) -> int:
    assert isinstance(value.owner, arith.ConstantOp), "sums are of sizes, which are numbers here"
    return integer_value(value.owner.value)


def _settle_plan(function: FuncOp, arena: BlockArgument, plan: Plan) -> None:
    """Put a plan in numbers.

    The arena of `main` gets the bytes that the plan needs; a region is lent some, and says how many.
    """
    if function.sym_name.data == ENTRY:
        Rewriter.replace_value_with_new_type(arena, MemRefType(i8, [plan.arena]))
    else:
        plan = replace(plan, arena=prod(shape_of(arena)))
    function.attributes[MEMORY_PLAN] = certificate_attribute(Certificate(plan, arena.index))
    function.function_type = FunctionType.from_lists([a.type for a in function.body.block.args], [])
