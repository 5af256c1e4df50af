"""What `scf` and `func` mean to the loops interpreter: Python's own loops, branches and calls.

Each function and each loop draws its steps from the budget before it runs them, a `while` in each iteration:
an op of a body counts once per iteration, and both branches of an `scf.if` count.
"""

from collections.abc import Sequence

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Block, Operation, SSAValue

from penstock.backends.loops.writer import Emit, Writer, attribute


def steps(block: Block) -> int:
    """Ops that one run of the block executes, without those that loops inside draw for themselves."""
    inside = (each for op in block.ops if isinstance(op, scf.IfOp) for each in _blocks(op))
    return sum(1 for _ in block.ops) + sum(map(steps, inside))


def _blocks(op: Operation) -> list[Block]:
    return [block for region in op.regions for block in region.blocks]


def _assign_all(writer: Writer, names: Sequence[str], values: Sequence[SSAValue]) -> None:
    """One simultaneous assignment, as the values may be those very names in another order."""
    if names:
        writer.line(f"{', '.join(names)} = {', '.join(map(writer.name, values))}")


def _yielded(block: Block) -> Sequence[SSAValue]:
    return block.last_op.operands if isinstance(block.last_op, scf.YieldOp) else ()


def _range(writer: Writer, bounds: Sequence[SSAValue]) -> str:
    """The iteration space of a loop, made once if its bounds are constants."""
    if all(bound in writer.known for bound in bounds):
        return writer.constant(range(*(writer.known[bound] for bound in bounds)))
    name = writer.fresh()
    writer.line(f"{name} = range({', '.join(map(writer.name, bounds))})")
    return name


def _for(writer: Writer, op: Operation) -> None:
    assert isinstance(op, scf.ForOp), f"{op.name} is a loop"
    if writer.known.get(op.step, 1) <= 0:
        raise ValueError(f"'{op.name}' has a step of {writer.known[op.step]}")
    block = op.body.block
    induction, *carried = block.args
    names = [writer.define(value) for value in carried]
    _assign_all(writer, names, op.iter_args)
    space = _range(writer, (op.lb, op.ub, op.step))
    if op.step not in writer.known:
        writer.line(f"require_positive({writer.name(op.step)})")
    writer.line(f"spend(len({space}) * {steps(block)})")
    writer.line(f"for {writer.define(induction)} in {space}:")
    with writer.loop_body():
        writer.block(block)
        _assign_all(writer, names, _yielded(block))
    for result, name in zip(op.results, names, strict=True):
        writer.alias(result, name)


def _while(writer: Writer, op: Operation) -> None:
    assert isinstance(op, scf.WhileOp), f"{op.name} is a loop"
    before, after = op.before_region.block, op.after_region.block
    tested = [writer.define(value) for value in before.args]
    handed = [writer.define(value) for value in after.args]
    _assign_all(writer, tested, op.arguments)
    writer.line("while True:")
    with writer.loop_body():
        writer.line(f"spend({steps(before) + steps(after)})")
        writer.block(before)
        end = before.last_op
        assert isinstance(end, scf.ConditionOp), "the first region of scf.while ends in scf.condition"
        condition = writer.name(end.condition)
        _assign_all(writer, handed, end.args)
        writer.line(f"if not {condition}: break")
        writer.block(after)
        _assign_all(writer, tested, _yielded(after))
    for result, name in zip(op.results, handed, strict=True):
        writer.alias(result, name)


def _if(writer: Writer, op: Operation) -> None:
    assert isinstance(op, scf.IfOp), f"{op.name} is a branch"
    names = [writer.define(result) for result in op.results]
    condition = writer.name(op.cond)
    for head, region in ((f"if {condition}:", op.true_region), ("else:", op.false_region)):
        if region.blocks:
            writer.line(head)
            with writer.indented():
                writer.block(region.block)
                _assign_all(writer, names, _yielded(region.block))


def _yield(writer: Writer, op: Operation) -> None:
    """Written by the loop or branch around it, which knows the names to assign."""


def _call(writer: Writer, op: Operation) -> None:
    callee = attribute(op, "callee")
    assert isinstance(callee, SymbolRefAttr), "the op's own verifier asks for a symbol"
    name = callee.string_value()
    if name not in writer.function_names:
        raise KeyError(f"'{op.name}' calls @{name}, which the module does not define")
    results = [writer.define(result) for result in op.results]
    target = f"{', '.join(results)} = " if results else ""
    writer.line(f"{target}{writer.function_names[name]}({', '.join(writer.names(op))})")


def _return(writer: Writer, op: Operation) -> None:
    writer.line(f"return {', '.join(writer.names(op))}".rstrip())


def write_function(writer: Writer, op: func.FuncOp) -> None:
    """Write one function."""
    block = op.body.block
    writer.function = op.sym_name.data
    arguments = [writer.define(argument) for argument in block.args]
    writer.line(f"def {writer.function_names[writer.function]}({', '.join(arguments)}):")
    with writer.indented():
        writer.line(f"spend({steps(block)})")
        writer.block(block)


CONTROL: dict[str, Emit] = {
    scf.ForOp.name: _for,
    scf.IfOp.name: _if,
    scf.WhileOp.name: _while,
    scf.ConditionOp.name: _yield,
    scf.YieldOp.name: _yield,
    func.CallOp.name: _call,
    func.ReturnOp.name: _return,
}
