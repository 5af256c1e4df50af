"""Branches and loops: each region becomes a function over buffers, called from a function that decides.

    %h, %y = graph.loop ... {...}   ->   func.call @c0_LSTM(%h0, %x, %r, %h, %y)

    func.func @c0_LSTM(%h0, %x, %r, %h, %y) {
      %last, ... = scf.for %i = 0 to 9 iter_args(%now = %h0, %next = %a, %other = %b) {
        func.call @c0_LSTM.body(%step, %now, x[i], %r, %next, y[i])
        scf.yield %next, %other, %next
      }
      copy %last to %h

So what calls them stays a straight sequence, and a region is a sequence of its own.  The states change their
places and are never moved; what is scanned and what is collected is reached where it lies.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    MemRefType,
    StridedLayoutAttr,
    StringAttr,
    i1,
    i64,
)
from xdsl.ir import Block, Operation, Region, SSAValue

from penstock.dialects.graph.base import GraphOp, size_of, tensor_of
from penstock.dialects.graph.binding import symbols_in, symbols_in_block
from penstock.dialects.graph.control import IfOp, LoopOp, RegionOp, YieldOp
from penstock.dialects.graph.movement import ReshapeOp
from penstock.dialects.narrowing import strings
from penstock.dialects.nest.access import row_major
from penstock.dialects.nest.ops import element_of
from penstock.dialects.nest.sizes import INDEX, SYMBOL, RowOp, SizeOp, is_static, numbers, sizes_of
from penstock.dialects.nest.sizes import symbols as symbols_of_function
from penstock.dialects.sizes import Extent, Size, symbols_of
from penstock.passes.lowering.graph_to_nest.builder import Lowering, memref_of, tensor_sizes

Lower = Callable[[Block, Lowering], None]
Rule = Callable[[GraphOp, Lowering], None]


def function_of_block(
    name: str, block: Block, lower: Lower, made: list[func.FuncOp], excuses: Sequence[str] = ()
) -> func.FuncOp:
    """A function that does what a block of graph ops does, over buffers; it runs where no excuse holds.

    The results come behind the arguments, and last the symbols that sizes of the block are made of.
    """
    end = block.last_op
    assert end is not None, "a block of the graph level ends with what it gives"
    kinds = [memref_of(tensor_of(value)) for value in (*block.args, *end.operands)]
    named = _symbols_of_block(block)
    body = Block(arg_types=[*kinds, *(INDEX for _ in named)])
    symbols = dict(zip(named, body.args[len(kinds) :], strict=True))
    lowering = Lowering(body, lower, made, symbols=symbols, excuses=excuses)
    lowering.buffers.update(zip(block.args, body.args, strict=False))
    outs = list(zip(end.operands, body.args[len(block.args) : len(kinds)], strict=True))
    aimed = _aim(lowering, outs, is_region=isinstance(end, YieldOp))
    lower(block, lowering)
    lowering.nodes = None
    for value, out in outs:
        source = aimed.get(out)
        if source is None or lowering.buffer(source) is not lowering.targets[source]:
            lowering.copy(lowering.buffer(value), out)
    body.add_op(func.ReturnOp())
    function = func.FuncOp(name, FunctionType.from_lists(list(body.arg_types), []), Region(body))
    _mark_symbols(function, named)
    return function


def _symbols_of_block(block: Block) -> list[str]:
    """The symbols that a block speaks of, those of its arguments first."""
    given = symbols_of(*(size for argument in block.args for size in tensor_sizes(argument)))
    return list(dict.fromkeys([*given, *symbols_in_block(block)]))


def _mark_symbols(function: func.FuncOp, named: Sequence[str]) -> None:
    """Name the last arguments of a function after the symbols that they hold."""
    if named:
        buffers = [DictionaryAttr({})] * (len(function.args) - len(named))
        function.arg_attrs = ArrayAttr([*buffers, *(DictionaryAttr({SYMBOL: StringAttr(n)}) for n in named)])


def _aim(
    lowering: Lowering, outs: Sequence[tuple[SSAValue, SSAValue]], *, is_region: bool
) -> dict[SSAValue, SSAValue]:
    """Let values be made where they are wanted, if no copy of them could be fused; place -> value.

    It is fused with the nest that makes a value for a result alone, but not through a reshape.
    """
    aimed: dict[SSAValue, SSAValue] = {}
    for value, out in outs:
        source = _before_reshapes(value)
        is_shared = is_region and isinstance(value.owner, GraphOp) and not value.has_one_use()
        is_made_elsewhere = is_shared or source is not value or isinstance(source.owner, RegionOp)
        if source not in lowering.targets and is_made_elsewhere:
            lowering.targets[source] = lowering.view(out, tensor_sizes(source))
            aimed[out] = source
    return aimed


def _before_reshapes(value: SSAValue) -> SSAValue:
    """What a value is another shape of, as long as nothing else reads what is in between."""
    while isinstance(value.owner, ReshapeOp) and value.owner.x.has_one_use():
        value = value.owner.x
    return value


@dataclass(frozen=True)
class _Control:
    """The function that decides about the regions of one op, under construction."""

    name: str
    outer: Lowering
    inner: Lowering
    arguments: Sequence[SSAValue]

    @staticmethod
    def of(op: GraphOp, outer: Lowering) -> "_Control":
        """An empty function that takes the operands and the results of an op; it is called at once."""
        results = [outer.result(value) for value in op.results]
        buffers = [*(outer.buffer(value) for value in op.operands), *results]
        nodes = strings(op.attributes.get("nodes"))
        name = f"c{len(outer.functions)}_" + re.sub(r"\W+", "_", nodes[0] if nodes else "").strip("_")[-40:]
        named = _symbols_of_op(op)
        kinds = [*(buffer.type for buffer in buffers), *(INDEX for _ in named)]
        block = Block(arg_types=kinds)
        function = func.FuncOp(name, FunctionType.from_lists(kinds, []), Region(block))
        _mark_symbols(function, named)
        if outer.nodes is not None:
            function.attributes["nodes"] = outer.nodes
        outer.functions.append(function)
        outer.add_op(func.CallOp(name, [*buffers, *(outer.symbols[n] for n in named)], []))
        symbols = dict(zip(named, block.args[len(buffers) :], strict=True))
        inner = Lowering(block, outer.lower, outer.functions, nodes=outer.nodes, symbols=symbols)
        return _Control(name, outer, inner, block.args[: len(buffers)])

    def region(self, block: Block, suffix: str, excuses: Sequence[str] = ()) -> "_Body":
        """Make a function of a region, which does not run in calls where an excuse holds."""
        name, every = f"{self.name}.{suffix}", [*self.outer.excuses, *excuses]
        made = function_of_block(name, block, self.outer.lower, self.outer.functions, every)
        if self.outer.nodes is not None:
            made.attributes["nodes"] = self.outer.nodes
        self.outer.functions.append(made)
        return _Body(name, [self.inner.symbols[n] for n in symbols_of_function(made)])


@dataclass(frozen=True)
class _Body:
    """The function of a region, and the sizes that it is handed behind its buffers."""

    name: str
    sizes: Sequence[SSAValue]

    def call(self, buffers: Sequence[SSAValue]) -> func.CallOp:
        """A call of it."""
        return func.CallOp(self.name, [*buffers, *self.sizes], [])


def _symbols_of_op(op: GraphOp) -> list[str]:
    """The symbols that an op with regions speaks of, inside and outside."""
    given = symbols_of(*(size for operand in op.operands for size in tensor_sizes(operand)))
    return list(dict.fromkeys([*given, *symbols_in(op)]))


def _if(op: GraphOp, lowering: Lowering) -> None:
    assert isinstance(op, IfOp)
    control = _Control.of(op, lowering)
    condition, *buffers = control.arguments
    truth = control.inner.add(memref.LoadOp.get(condition, []))
    branches = [
        Region(Block([control.region(block, name).call(buffers), scf.YieldOp()]))
        for block, name in zip(op.blocks, ("then", "else"), strict=True)
    ]
    control.inner.add_op(scf.IfOp(truth, [], branches[0], branches[1]))
    control.inner.block.add_op(func.ReturnOp())


def _loop(op: GraphOp, lowering: Lowering) -> None:
    assert isinstance(op, LoopOp)
    control = _Control.of(op, lowering)
    _Loop.of(op, control).emit()
    control.inner.block.add_op(func.ReturnOp())


@dataclass(frozen=True)
class _Loop:
    """A loop over a region: its buffers in the function that runs it."""

    op: LoopOp
    inner: Lowering
    body: _Body
    limit: Sequence[SSAValue]
    going: Sequence[SSAValue]
    states: Sequence[SSAValue]
    scans: Sequence[SSAValue]
    captures: Sequence[SSAValue]
    results: Sequence[SSAValue]

    @staticmethod
    def of(op: LoopOp, control: _Control) -> "_Loop":
        """The loop of an op in the function made for it."""
        count = len(op.operands)
        groups = op.grouped(control.arguments[:count])
        steps = 1 if op.most is None else size_of(op.most)
        excuses = [f"{steps} == 0"] if isinstance(steps, Size) else []
        body = control.region(op.body.block, "body", excuses)
        return _Loop(op, control.inner, body, *groups, control.arguments[count:])

    def emit(self) -> None:
        """Append the loop, and the copies of the last states to where they are wanted."""
        count = len(self.states)
        spare = [[self._like(state) for state in self.states] for _ in range(2)]
        carried = [*self.states, *spare[0], *spare[1]]
        step = self.inner.alloc(i64, [])
        last = (
            self._while(step, carried) if self.op.is_conditional or self.going else self._for(step, carried)
        )
        for value, out in zip(last[:count], self.results, strict=False):
            self.inner.copy(value, out)

    def _like(self, buffer: SSAValue) -> SSAValue:
        return self.inner.alloc(element_of(buffer), sizes_of(buffer))

    def _for(self, step: SSAValue, carried: Sequence[SSAValue]) -> Sequence[SSAValue]:
        block = Block(arg_types=[INDEX, *(buffer.type for buffer in carried)])
        following = self._iteration(block, block.args[0], step, block.args[1:], [])
        block.add_op(scf.YieldOp(*following))
        zero, one = _index(self.inner.block, 0), _index(self.inner.block, 1)
        loop = scf.ForOp(zero, self._most(), one, carried, block)
        self.inner.add_op(loop)
        return loop.results

    def _while(self, step: SSAValue, carried: Sequence[SSAValue]) -> Sequence[SSAValue]:
        """Test the number of the step and the truth in front of every iteration."""
        block, most = self.inner.block, self._most()
        flag = [self.inner.alloc(i1, [])] if self.op.is_conditional else []
        holds = self.inner.add(memref.LoadOp.get(self.going[0], []) if self.going else _truth())
        start = [_index(block, 0), holds, *carried]
        kinds = [value.type for value in start]
        before, after = Block(arg_types=kinds), Block(arg_types=kinds)
        below = _add(before, arith.CmpiOp(before.args[0], most, "slt"))
        runs = _add(before, arith.AndIOp(below, before.args[1]))
        before.add_op(scf.ConditionOp(runs, *before.args))
        following = self._iteration(after, after.args[0], step, after.args[2:], flag)
        again = _add(after, memref.LoadOp.get(flag[0], [])) if flag else after.args[1]
        later = _add(after, arith.AddiOp(after.args[0], _index(after, 1)))
        after.add_op(scf.YieldOp(later, again, *following))
        loop = scf.WhileOp(start, kinds, Region(before), Region(after))
        self.inner.add_op(loop)
        return loop.results[2:]

    def _size(self, size: Extent) -> SSAValue:
        """The value of a size, in front of the loop."""
        return _index(self.inner.block, size) if isinstance(size, int) else self.inner.add(SizeOp(size))

    def _most(self) -> SSAValue:
        """The greatest number of iterations, as an index."""
        block, steps = self.inner.block, self.op.most
        known = [] if steps is None else [self._size(size_of(steps))]
        for limit in self.limit:
            given = _add(block, memref.LoadOp.get(limit, []))
            known.append(_add(block, arith.IndexCastOp(given, INDEX)))
        if not known:
            return _index(block, 2**63 - 1)
        return known[0] if len(known) == 1 else _add(block, arith.MinSIOp(known[0], known[1]))

    def _iteration(
        self,
        block: Block,
        number: SSAValue,
        step: SSAValue,
        carried: Sequence[SSAValue],
        flag: Sequence[SSAValue],
    ) -> list[SSAValue]:
        """Call the body in a block; the buffers that the next iteration carries."""
        count = len(self.states)
        now, following, other = carried[:count], carried[count : 2 * count], carried[2 * count :]
        block.add_op(memref.StoreOp.get(_add(block, arith.IndexCastOp(number, i64)), step, []))
        scanned = [*self.scans, *self.results[count:]]
        pairs = zip(scanned, self.op.directions, strict=True)
        slices = [self._slice(block, buffer, number, is_reverse) for buffer, is_reverse in pairs]
        taken, collected = slices[: len(self.scans)], slices[len(self.scans) :]
        operands = [step, *now, *taken, *self.captures, *flag, *following, *collected]
        block.add_op(self.body.call(operands))
        return [*following, *other, *following]

    def _slice(self, block: Block, buffer: SSAValue, number: SSAValue, is_reverse: bool) -> SSAValue:
        """One slice across the first axis, where it lies."""
        length, *sizes = sizes_of(buffer)
        if is_reverse:
            last = _index(block, length - 1) if isinstance(length, int) else self._size(length - 1)
            number = _add(block, arith.SubiOp(last, number))
        if not is_static([length, *sizes]):
            return _add(block, RowOp.of(buffer, number))
        shape = numbers(sizes)
        element, zeros, ones = element_of(buffer), [0] * len(shape), [1] * (len(shape) + 1)
        layout = StridedLayoutAttr(row_major(shape), None)
        view = memref.SubviewOp.get(
            buffer, [number, *zeros], [1, *shape], ones, MemRefType(element, shape, layout)
        )
        return _add(block, memref.CastOp.get(_add(block, view), MemRefType(element, shape)))


def _add(block: Block, op: Operation) -> SSAValue:
    block.add_op(op)
    return op.results[0]


def _index(block: Block, value: int) -> SSAValue:
    return _add(block, arith.ConstantOp(IntegerAttr(value, INDEX)))


def _truth() -> Operation:
    return arith.ConstantOp(IntegerAttr(1, i1))


RULES: Mapping[type[Operation], Rule] = {IfOp: _if, LoopOp: _loop}
