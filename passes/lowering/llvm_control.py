"""Structured control flow as blocks, for `lower-loops-to-llvm`.

A loop tests its bound at the bottom.  When its trip count is known, nothing is tested before it, and a loop
that runs once, or never, leaves no loop behind.
"""

from collections.abc import Mapping, Sequence

from xdsl.dialects import llvm, scf
from xdsl.dialects.builtin import DenseArrayBase, IndexType, SymbolRefAttr, i32
from xdsl.ir import Attribute, Block, Operation, SSAValue

from penstock.passes.lowering.affine_index import AffineIndex
from penstock.passes.lowering.llvm_emitter import NO_PROPERTIES, NO_SIGNED_WRAP, NO_WRAP, STRICT, Emitter
from penstock.passes.lowering.llvm_snippets import compare_integers

_CALL_PROPERTIES: dict[str, Attribute] = {
    **STRICT,
    "CConv": llvm.CallingConventionAttr("ccc"),
    "TailCallKind": llvm.TailCallKindAttr(llvm.TailCallKind.NONE),
    "op_bundle_sizes": DenseArrayBase.from_list(i32, []),
}


def branch(e: Emitter, target: Block, arguments: Sequence[SSAValue] = ()) -> None:
    """End the block with a jump."""
    e.append(llvm.BrOp.create(operands=arguments, successors=(target,)))


def branch_if(
    e: Emitter,
    condition: SSAValue,
    then: tuple[Block, Sequence[SSAValue]],
    otherwise: tuple[Block, Sequence[SSAValue]],
) -> None:
    """End the block with a jump to either of two blocks."""
    segments = DenseArrayBase.from_list(i32, [1, len(then[1]), len(otherwise[1])])
    op = llvm.CondBrOp.create(
        operands=(condition, *then[1], *otherwise[1]),
        successors=(then[0], otherwise[0]),
        properties={"operandSegmentSizes": segments},
    )
    e.append(op)


def _terminator_operands(block: Block) -> Sequence[SSAValue]:
    last = block.last_op
    return () if last is None else tuple(last.operands)


def _bind_all(e: Emitter, sources: Sequence[SSAValue], values: Sequence[SSAValue]) -> None:
    for source, value in zip(sources, values, strict=True):
        e.bind(source, value)


def _lower_for(e: Emitter, op: Operation) -> None:
    assert isinstance(op, scf.ForOp), "scf.for is a ForOp"
    trips = _trip_count(e, op)
    if trips == 0:
        _bind_all(e, op.results, [e.value(value) for value in op.iter_args])
    elif trips == 1:
        _lower_single_trip(e, op)
    else:
        _lower_loop(e, op, is_known_to_run=trips is not None)


def _bounds(e: Emitter, op: scf.ForOp) -> tuple[AffineIndex, AffineIndex, AffineIndex]:
    return e.index(op.lb), e.index(op.ub), e.index(op.step)


def _trip_count(e: Emitter, op: scf.ForOp) -> int | None:
    """How often the body runs, when that is known."""
    if not isinstance(op.lb.type, IndexType):
        return None
    lower, upper, step = _bounds(e, op)
    span = (upper - lower).constant
    if span is None or step.constant is None:
        return None
    if step.constant <= 0:
        raise NotImplementedError(f"lower-loops-to-llvm: scf.for with step {step.constant}")
    return max(0, -(-span // step.constant))


def _lower_single_trip(e: Emitter, op: scf.ForOp) -> None:
    """The body runs once, at the lower bound: no loop is needed."""
    body = op.body.block
    e.bind_index(body.args[0], e.index(op.lb))
    _bind_all(e, body.args[1:], [e.value(value) for value in op.iter_args])
    e.walk(body)
    _bind_all(e, op.results, [e.value(value) for value in _terminator_operands(body)])


def _lower_loop(e: Emitter, op: scf.ForOp, *, is_known_to_run: bool) -> None:
    body_source = op.body.block
    lower, upper, step = map(e.value, (op.lb, op.ub, op.step))
    carried = [e.value(value) for value in op.iter_args]
    carried_types = [value.type for value in carried]
    body, after = Block(arg_types=[lower.type, *carried_types]), Block(arg_types=carried_types)
    if is_known_to_run:
        branch(e, body, (lower, *carried))
    else:
        runs = compare_integers(e, "slt", lower, upper)
        branch_if(e, runs, (body, (lower, *carried)), (after, carried))
    counter, *body_carried = body.args
    e.enter(body)
    with e.scope():
        _bind_counter(e, op, counter)
        _bind_all(e, body_source.args[1:], body_carried)
        e.walk(body_source)
        yielded = [e.value(value) for value in _terminator_operands(body_source)]
        advance = e.emit(llvm.AddOp, (counter, step), counter.type, _advance_flags(e, op))
        again = compare_integers(e, "slt", advance, upper)
        branch_if(e, again, (body, (advance, *yielded)), (after, yielded))
    e.enter(after)
    _bind_all(e, op.results, after.args)


def _advance_flags(e: Emitter, op: scf.ForOp) -> Mapping[str, Attribute]:
    """Constant bounds are far from the ends of `i64`; nothing is known of others."""
    if not isinstance(op.lb.type, IndexType) or None in [bound.constant for bound in _bounds(e, op)]:
        return NO_PROPERTIES
    return NO_WRAP if e.index(op.lb).const >= 0 else NO_SIGNED_WRAP


def _bind_counter(e: Emitter, op: scf.ForOp, counter: SSAValue) -> None:
    source = op.body.block.args[0]
    e.bind(source, counter)
    if isinstance(source.type, IndexType):
        e.bind_index(source, e.atom(counter, nonnegative=e.is_monotone(e.index(op.lb))))


def _lower_while(e: Emitter, op: Operation) -> None:
    """One block tests, in front of every iteration."""
    assert isinstance(op, scf.WhileOp), "scf.while is a WhileOp"
    given = [e.value(value) for value in op.arguments]
    test = Block(arg_types=[value.type for value in given])
    kinds = [e.type_of(result) for result in op.results]
    body, after = Block(arg_types=kinds), Block(arg_types=kinds)
    branch(e, test, given)
    e.enter(test)
    with e.scope():
        _bind_all(e, op.before_region.block.args, test.args)
        e.walk(op.before_region.block)
        condition, *handed = _terminator_operands(op.before_region.block)
        values = [e.value(value) for value in handed]
        branch_if(e, e.value(condition), (body, values), (after, values))
    e.enter(body)
    with e.scope():
        _bind_all(e, op.after_region.block.args, body.args)
        e.walk(op.after_region.block)
        branch(e, test, [e.value(value) for value in _terminator_operands(op.after_region.block)])
    e.enter(after)
    _bind_all(e, op.results, after.args)


def _lower_if(e: Emitter, op: Operation) -> None:
    assert isinstance(op, scf.IfOp), "scf.if is an IfOp"
    condition = e.value(op.cond)
    then, after = Block(), Block(arg_types=[e.type_of(result) for result in op.results])
    has_else = bool(op.false_region.blocks)
    otherwise = Block() if has_else else after
    branch_if(e, condition, (then, ()), (otherwise, ()))
    _lower_branch(e, then, op.true_region.block, after)
    if has_else:
        _lower_branch(e, otherwise, op.false_region.block, after)
    e.enter(after)
    _bind_all(e, op.results, after.args)


def _lower_branch(e: Emitter, block: Block, source: Block, after: Block) -> None:
    e.enter(block)
    with e.scope():
        e.walk(source)
        branch(e, after, [e.value(value) for value in _terminator_operands(source)])


def call_op(callee: SymbolRefAttr | None, operands: Sequence[SSAValue]) -> Operation:
    """A call without a result: of a function by name or, without one, of the pointer that comes first."""
    segments = DenseArrayBase.from_list(i32, [len(operands), 0])
    properties = {**_CALL_PROPERTIES, "operandSegmentSizes": segments}
    if callee is not None:
        properties["callee"] = callee
    return llvm.CallOp.create(operands=operands, properties=properties)


def lower_call(e: Emitter, op: Operation, added: Sequence[SSAValue] = ()) -> None:
    """Lower a call of a function by name, with llvm values added to its operands."""
    callee = op.properties["callee"]
    assert isinstance(callee, SymbolRefAttr), "a call names its function"
    if op.results:
        raise NotImplementedError(
            f"lower-loops-to-llvm: call of {callee} with results: kernels write to buffers"
        )
    e.append(call_op(callee, [*map(e.value, op.operands), *added]))


def _return(e: Emitter, op: Operation) -> None:
    if op.operands:
        raise NotImplementedError("lower-loops-to-llvm: a function with results: kernels write to buffers")
    e.append(llvm.ReturnOp.create())


def _yield(e: Emitter, op: Operation) -> None:
    """The op that owns the region reads what is yielded."""


CONTROL_EMITTERS = {
    "func.return": _return,
    "scf.for": _lower_for,
    "scf.if": _lower_if,
    "scf.condition": _yield,
    "scf.while": _lower_while,
    "scf.yield": _yield,
}
