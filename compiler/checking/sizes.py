"""Modules of open sizes at the sizes of a check: numbers in place of symbols, as the executors need them."""

from collections.abc import Mapping

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
    read_growing,
)
from penstock.dialects.memory_plan import Plan
from penstock.dialects.narrowing import integer_value
from penstock.package import ENTRY
from penstock.passes.specialize_sizes import specialize

Sizes = Mapping[str, int]


def at_sizes(module: ModuleOp, sizes: Sizes) -> ModuleOp:
    """A copy of a module of the nest level with numbers for its symbols, the plan of its memory too."""
    copy = module.clone()
    main = next(op for op in copy.ops if isinstance(op, FuncOp) and op.sym_name.data == ENTRY)
    growing = main.attributes.get(MEMORY_PLAN)
    arena = None if growing is None else main.body.block.args[argument_of(growing)]
    specialize(copy, sizes)
    _fold_sums(main)
    if growing is not None and arena is not None:
        _settle_plan(main, arena, read_growing(growing).at(sizes))
    return copy


def _fold_sums(main: FuncOp) -> None:
    """Put numbers in for what `main` computes of sizes to place its values."""
    for op in list(main.body.block.ops):
        if type(op) in SUMS:
            value = SUMS[type(op)](*map(_number, op.operands))
            Rewriter.replace_op(op, arith.ConstantOp(IntegerAttr(value, IndexType())))


def _number(value: SSAValue) -> int:
    assert isinstance(value.owner, arith.ConstantOp), "sums are of sizes, which are numbers here"
    return integer_value(value.owner.value)


def _settle_plan(main: FuncOp, arena: BlockArgument, plan: Plan) -> None:
    """Give the arena the bytes that a plan needs; its place has changed, as symbols are no arguments now."""
    main.attributes[MEMORY_PLAN] = certificate_attribute(Certificate(plan, arena.index))
    Rewriter.replace_value_with_new_type(arena, MemRefType(i8, [plan.arena]))
    main.function_type = FunctionType.from_lists([a.type for a in main.body.block.args], [])
