"""Importer of Gradient: the part of the graph between two values is differentiated, backwards from its end.

`y` is the value that is differentiated, as a function of `xs` and `zs`.  Where the node is fed with other
values than theirs, the part is written out once more for these.
"""

from collections.abc import Sequence

from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.graph.base import GraphOp, shape_of
from penstock.errors import ModelError
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.derivatives import is_differentiable, shares, summed_to, zeros
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.terms import Term


def import_gradient(node: Node, build: Builder) -> list[SSAValue]:
    """Gradient: of a tensor with several elements, that of their sum."""
    xs, zs = node.strings("xs"), node.strings("zs", ())
    given = node.variadic()
    require(node, len(given) == len(xs) + len(zs), f"{len(given)} values for {len(xs) + len(zs)} names")
    sources = [_named(node, name) for name in (*xs, *zs)]
    y = _named(node, node.string("y"))
    if not is_differentiable(y):
        raise Unsupported("the gradient of what is no real number", "Differentiate a tensor of reals.")
    if given != sources:
        y, sources = _written_again(build, y, sources, given), given
    gradients = _backwards(build, y, sources[: len(xs)])
    return [_of(build, gradients.get(x), x).value for x in sources[: len(xs)]]


def _named(node: Node, name: str) -> SSAValue:
    value = node.lookup(name)
    if not isinstance(value, SSAValue):
        raise ModelError(f"{name!r} is no tensor", node=node.name, remedy="Export the model again.")
    return value


def _of(build: Builder, gradient: Term | None, x: SSAValue) -> Term:
    """A gradient; zeros for what the value does not depend on."""
    return gradient if gradient is not None else zeros(Term(build, x))


def _between(y: SSAValue, sources: Sequence[SSAValue]) -> list[GraphOp]:
    """The operations that lead from some values to another one, in order."""
    home = y.owner if isinstance(y.owner, Block) else y.owner.parent_block()
    reached, wanted = set(sources), {y}
    ops: list[Operation] = [] if home is None else list(home.ops)
    forward = [op for op in ops if reached.intersection(op.operands) and not reached.update(op.results)]
    path: list[GraphOp] = []
    for op in reversed(forward):
        if isinstance(op, GraphOp) and wanted.intersection(op.results):
            wanted.update(op.operands)
            path.append(op)
    return path[::-1]


def _written_again(
    build: Builder, y: SSAValue, sources: Sequence[SSAValue], given: Sequence[SSAValue]
) -> SSAValue:
    """What a value is when others take the place of its sources."""
    for source, value in zip(sources, given, strict=True):
        if source.type != value.type:
            raise Unsupported(f"{source.type} is fed with {value.type}", "Feed values of the same type.")
    copies = dict(zip(sources, given, strict=True))
    for op in _between(y, sources):
        copy = op.clone()
        copy.operands = [copies.get(operand, operand) for operand in op.operands]
        copies.update(zip(op.results, build.add(copy), strict=True))
    return copies.get(y, y)


def _backwards(build: Builder, y: SSAValue, xs: Sequence[SSAValue]) -> dict[SSAValue, Term]:
    """The gradients of values on the way to `y`, by value."""
    path = _between(y, xs)
    active = {*xs, *(result for op in path for result in op.results)}
    one = Term(build, build.scalar(1, like=y))
    gradients = {y: one.broadcast(*shape_of(y))}
    for op in reversed(path):
        gradient = gradients.get(op.results[0])
        if gradient is None:
            continue
        for operand, share in zip(op.operands, shares(op, gradient), strict=True):
            if operand in active and is_differentiable(operand):
                new = summed_to(share(), operand)
                gradients[operand] = gradients[operand] + new if operand in gradients else new
    return gradients


GRADIENT: Family = {"Gradient": import_gradient}
