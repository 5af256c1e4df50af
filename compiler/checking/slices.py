"""Parts of a module that run on their own: some steps of `main`, fed with the values of the whole."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue

from penstock.checking.execution import Case, entry, execute, is_graph
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.constant import ConstantOp as GraphConstantOp
from penstock.dialects.memory_certificate import MEMORY_PLAN
from penstock.dialects.nest.ops import ComputeOp, ConstantOp
from penstock.dialects.resources import Array

Values = Mapping[SSAValue, Array]


def steps_of(module: ModuleOp) -> list[Operation]:
    """The ops of `main` that compute something; none where memory is planned: a part of a plan is none."""
    main = entry(module)
    if MEMORY_PLAN in main.attributes:
        return []
    return [op for op in main.body.block.ops if _computes(op)]


def _computes(op: Operation) -> bool:
    if isinstance(op, GraphOp):
        return not isinstance(op, GraphConstantOp)
    return isinstance(op, ComputeOp | func.CallOp)


def recorded(case: Case) -> Values:
    """Every value of `main`, and of a buffer what it holds in the end."""
    if is_graph(case.module):
        return _recorded_graph(case)
    held: dict[SSAValue, Array] = {}

    def watch(op: Operation, buffers: Values) -> None:
        if isinstance(op, func.ReturnOp):
            held.update(buffers)

    execute(case, watch=watch)
    return held


def _recorded_graph(case: Case) -> Values:
    main = entry(case.module)
    values: dict[SSAValue, Array] = dict(zip(main.args, case.inputs, strict=True))
    for op in main.body.block.ops:
        if isinstance(op, GraphOp):
            results = op.evaluate(*(values[o] for o in op.operands))
            values.update(zip(op.results, results, strict=True))
    return values


def part_of(case: Case, values: Values, kept: Collection[Operation]) -> Case:
    """A module whose `main` does some of the steps."""
    make = _graph_part if is_graph(case.module) else _nest_part
    return make(case, values, kept)


def _graph_part(case: Case, values: Values, kept: Collection[Operation]) -> Case:
    made = {result for op in kept for result in op.results}
    taken = list(dict.fromkeys(o for op in kept for o in op.operands if o not in made))
    constants = [o for o in taken if isinstance(o.owner, GraphConstantOp)]
    given = [o for o in taken if o not in constants]
    results = [r for op in kept for r in op.results if not any(use.operation in kept for use in r.uses)]
    block = Block(arg_types=[o.type for o in given])
    mapping: dict[SSAValue, SSAValue] = dict(zip(given, block.args, strict=True))
    owners = [o.owner for o in constants if isinstance(o.owner, Operation)]
    block.add_ops([op.clone(mapping) for op in (*owners, *kept)])
    block.add_op(func.ReturnOp(*(mapping[r] for r in results)))
    outputs = [mapping[r].type for r in results]
    return Case(_module(case.module, block, outputs), [values[o] for o in given])


def _module(
    whole: ModuleOp, block: Block, outputs: Sequence[object], others: Sequence[func.FuncOp] = ()
) -> ModuleOp:
    (returned,) = [op for op in block.ops if isinstance(op, func.ReturnOp)]
    kind = FunctionType.from_lists([a.type for a in block.args], [o.type for o in returned.operands])
    assert len(kind.outputs) == len(outputs), "a part returns what it was asked for"
    module = ModuleOp([func.FuncOp("main", kind, Region(block)), *(each.clone() for each in others)])
    module.attributes.update(whole.attributes)
    return module


@dataclass
class _Touched:
    """What the steps that are kept, and the others, do with a buffer."""

    read: bool = False
    written: bool = False
    used_elsewhere: bool = False


@dataclass
class _Buffers:
    """The buffers of a nest-level `main` as a part of its steps sees them."""

    functions: Mapping[str, func.FuncOp]
    touched: dict[SSAValue, _Touched] = field(default_factory=dict[SSAValue, _Touched])

    def add(self, op: Operation, is_kept: bool) -> None:
        """Take note of what a step does."""
        for operand, writes in self._operands(op):
            entry_of = self.touched.setdefault(root_of(operand), _Touched())
            entry_of.used_elsewhere |= not is_kept
            entry_of.written |= is_kept and writes
            entry_of.read |= is_kept and not writes

    def _operands(self, op: Operation) -> list[tuple[SSAValue, bool]]:
        if isinstance(op, func.CallOp):
            kernel = self.functions[op.callee.string_value()]
            return list(zip(op.operands, map(is_written, kernel.args), strict=True))
        assert isinstance(op, ComputeOp), "a step is a call or a nest"
        inside = [
            (o, _stores(each, o)) for each in op.body.walk() for o in each.operands if _is_outside(o, op)
        ]
        return [*((o, o in op.outs) for o in op.operands), *inside]


def _stores(op: Operation, buffer: SSAValue) -> bool:
    return isinstance(op, memref.StoreOp) and op.memref is buffer


def _is_outside(value: SSAValue, nest: ComputeOp) -> bool:
    owner = value.owner
    parent = owner.parent_op() if isinstance(owner, Block) else owner
    return parent is None or not nest.is_ancestor(parent)


def is_written(buffer: SSAValue) -> bool:
    """Whether a function writes to one of its arguments, through views of it too."""
    for use in buffer.uses:
        op = use.operation
        if isinstance(op, ComputeOp) and buffer in op.outs or _stores(op, buffer):
            return True
        if is_view(op) and any(map(is_written, op.results)):
            return True
    return False


def is_view(op: Operation) -> bool:
    """Whether an op gives the memory of its first operand another type."""
    return isinstance(op, memref.CollapseShapeOp | memref.ExpandShapeOp | memref.ViewOp | memref.CastOp)


def root_of(buffer: SSAValue) -> SSAValue:
    """The buffer that a chain of views looks at."""
    while isinstance(buffer.owner, Operation) and is_view(buffer.owner):
        buffer = buffer.owner.operands[0]
    return buffer


def _nest_part(case: Case, values: Values, kept: Collection[Operation]) -> Case:
    functions = {f.sym_name.data: f for f in case.module.ops if isinstance(f, func.FuncOp)}
    buffers = _Buffers(functions)
    for op in steps_of(case.module):
        buffers.add(op, op in kept)
    mine = {b: t for b, t in buffers.touched.items() if t.read or t.written}
    given = [b for b, t in mine.items() if not t.written and not isinstance(b.owner, ConstantOp)]
    results = [b for b, t in mine.items() if t.written and not _is_local(b, t)]
    block = Block(arg_types=[b.type for b in (*given, *results)])
    mapping: dict[SSAValue, SSAValue] = dict(zip((*given, *results), block.args, strict=True))
    for op in kept:
        _copy_with_operands(op, block, mapping)
    block.add_op(func.ReturnOp())
    called = dict.fromkeys(op.callee.string_value() for op in kept if isinstance(op, func.CallOp))
    module = _module(case.module, block, [], [functions[name] for name in called])
    return Case(module, [np.array(values[b]) for b in given])


def _is_local(buffer: SSAValue, touched: _Touched) -> bool:
    return isinstance(buffer.owner, memref.AllocOp) and touched.read and not touched.used_elsewhere


def _copy_with_operands(op: Operation, block: Block, mapping: dict[SSAValue, SSAValue]) -> None:
    """Append an op, and before it the allocations, constants and views it needs."""
    inside = [o for each in op.walk() for o in each.operands]
    for operand in inside:
        owner = operand.owner
        if operand in mapping or isinstance(operand, BlockArgument) or not isinstance(owner, Operation):
            continue
        if not op.is_ancestor(owner):
            _copy_with_operands(owner, block, mapping)
    block.add_op(op.clone(mapping))
