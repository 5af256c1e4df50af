"""Tools of the passes on graphs: constants as arrays, provenance, and a builder of what replaces an op."""

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, FunctionType, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.irdl import OptOperandDef, VarOperandDef
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
)

from penstock.dialects.element_types import byte_size
from penstock.dialects.graph.base import (
    Array,
    Dim,
    GraphOp,
    element_of,
    shape_of,
    tensor_of,
)
from penstock.dialects.graph.building import GraphBuilder, Operands, Properties
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.control import RegionOp
from penstock.dialects.resources import ResourceAttr


def graph_blocks(module: ModuleOp) -> Iterator[Block]:
    """The blocks of graph operations in a module: of functions and of all regions in them, inner ones first.

    A region sees nothing from outside, so what is true of a function is true of it.
    """
    for op in module.ops:
        if isinstance(op, func.FuncOp) and op.body.blocks:
            yield from _blocks(op.body.block)


def _blocks(block: Block) -> Iterator[Block]:
    for op in list(block.ops):
        if isinstance(op, RegionOp):
            for inner in op.blocks:
                yield from _blocks(inner)
    yield block


def apply_patterns(module: ModuleOp, *patterns: RewritePattern) -> bool:
    """Apply patterns until none matches, erasing what nothing uses; whether the module changed."""
    changed = PatternRewriteWalker(GreedyRewritePatternApplier(list(patterns))).rewrite_module(module)
    if changed:
        settle_results(module)
    return changed


def settle_results(module: ModuleOp) -> None:
    """Let the types of functions say what they return: the same size may have got another formula."""
    for function in module.ops:
        if not isinstance(function, func.FuncOp) or not function.body.blocks:
            continue
        returned = function.body.block.last_op
        kinds = list(returned.operand_types) if isinstance(returned, func.ReturnOp) else []
        if kinds != list(function.function_type.outputs):
            function.function_type = FunctionType.from_lists(list(function.function_type.inputs), kinds)


def constant_of(value: SSAValue | None) -> Array | None:
    """The array of a constant whose data is at hand."""
    owner = None if value is None else value.owner
    if not isinstance(owner, ConstantOp):
        return None
    try:
        return owner.array
    except LookupError:
        return None


def number_of(value: SSAValue) -> float | int | None:
    """The one number that all elements of a constant are, if it is a constant of one element."""
    owner = value.owner
    if not isinstance(owner, ConstantOp) or not is_single(value):
        return None
    array = constant_of(value)
    return None if array is None else array.reshape(-1)[0].item()


def is_single(value: SSAValue) -> bool:
    """Whether a value has one element, whatever the sizes of a call."""
    return all(size == 1 for size in shape_of(value))


def count_of(value: SSAValue) -> int:
    """The number of elements; a symbolic size counts as one."""
    count = 1
    for size in tensor_of(value).get_shape():
        count *= size if size >= 0 else 1
    return count


def bytes_of(value: SSAValue) -> int:
    """The bytes of a tensor in memory; a symbolic size counts as one."""
    return count_of(value) * byte_size(element_of(value))


def has_one_use(value: SSAValue) -> bool:
    """Whether a value is read exactly once."""
    return value.has_one_use()


def single_use(value: SSAValue, kind: type[Operation]) -> bool:
    """Whether a value comes from an op of a kind and nothing else reads it."""
    return isinstance(value.owner, kind) and value.has_one_use()


def nodes_of(*ops: Operation) -> ArrayAttr[StringAttr]:
    """The nodes of the model that ops came from, each once, in order."""
    names: dict[StringAttr, None] = {}
    for op in ops:
        nodes = op.attributes.get("nodes")
        if isinstance(nodes, ArrayAttr):
            names.update({n: None for n in cast(ArrayAttr[StringAttr], nodes)})
    return ArrayAttr(names)


def constant_name(*ops: Operation) -> str:
    """What to call a constant made of ops: as the weight they read, else after their first node."""
    for op in ops:
        for value in (*op.results, *op.operands):
            owner = value.owner
            if isinstance(owner, ConstantOp) and isinstance(owner.value, ResourceAttr):
                return owner.value.data.name
    nodes = nodes_of(*ops).data
    return nodes[0].data if nodes else "constant"


class Graft(GraphBuilder):
    """Builds in front of an op what takes its place; it comes from all nodes that the old ops came from."""

    def __init__(self, rewriter: PatternRewriter, op: Operation, *absorbed: Operation) -> None:
        self._rewriter = rewriter
        self._op = op
        self._old = (*absorbed, op)
        self._nodes = nodes_of(*self._old)

    def op(self, kind: type[GraphOp], operands: Operands, properties: Properties | None = None) -> SSAValue:
        """Insert an operation of one result."""
        return self.ops(kind, operands, properties)[0]

    def ops(
        self, kind: type[GraphOp], operands: Operands, properties: Properties | None = None, results: int = 1
    ) -> Sequence[SSAValue]:
        """Insert an operation of any number of results."""
        return self.add(kind.make(operands, properties, results))

    def add(self, made: GraphOp) -> Sequence[SSAValue]:
        """Insert an operation that was made elsewhere, such as one with regions; its results."""
        self._rewriter.insert(_from_nodes(made, self._nodes))
        return made.results

    def constant(self, array: Array, name: str = "") -> SSAValue:
        """Insert a constant; without a name it is called after what it replaces."""
        op = ConstantOp.of(np.asarray(array, order="C"), name or constant_name(*self._old))
        return self.add(op)[0]

    def inside(self, block: Block) -> "RegionBuilder":
        """A builder in a region of what takes the place of the op."""
        return RegionBuilder(block, self._nodes, constant_name(*self._old))

    def transpose(self, x: SSAValue, permutation: Sequence[int]) -> SSAValue:
        """`x` with its axes permuted; only a reshape where no elements move, and nothing for the identity."""
        # Of sizes without a name a reshape could infer one at most.
        if "?" not in shape_of(x) and keeps_order(permutation, shape_of(x)):
            return self.reshape(x, [shape_of(x)[p] for p in permutation])
        return super().transpose(x, permutation)

    def replace(self, *values: SSAValue) -> None:
        """Give the values to all users of the op, and erase it."""
        self._rewriter.replace(self._op, [], values)


class RegionBuilder(GraphBuilder):
    """Builds at the end of a block, from the given nodes; constants are called by one name."""

    def __init__(self, block: Block, nodes: ArrayAttr[StringAttr], name: str) -> None:
        self._block = block
        self._nodes = nodes
        self._name = name

    def op(self, kind: type[GraphOp], operands: Operands, properties: Properties | None = None) -> SSAValue:
        made = kind.make(operands, properties)
        self._block.add_op(_from_nodes(made, self._nodes))
        return made.results[0]

    def constant(self, array: Array, name: str = "") -> SSAValue:
        made = ConstantOp.of(np.asarray(array, order="C"), name or self._name)
        self._block.add_op(_from_nodes(made, self._nodes))
        return made.y


def _from_nodes(op: GraphOp, nodes: ArrayAttr[StringAttr]) -> GraphOp:
    if nodes.data:
        op.attributes["nodes"] = nodes
    return op


def keeps_order(permutation: Sequence[int], shape: Sequence[Dim]) -> bool:
    """Whether a transpose moves no element in memory: dims other than those of size 1 stay in order.

    >>> keeps_order([0, 2, 3, 1], [1, 8, 1, 1]), keeps_order([1, 0], [2, 3])
    (True, False)
    """
    real = [p for p in permutation if shape[p] != 1]
    return real == sorted(real)


def inverse(permutation: Sequence[int]) -> list[int]:
    """The permutation that undoes another.

    >>> inverse([2, 0, 1])
    [1, 2, 0]
    """
    return sorted(range(len(permutation)), key=lambda i: permutation[i])


def copied_properties(op: GraphOp, **changed: Attribute) -> Properties:
    """The properties of an op, some of them changed."""
    kept = {k: v for k, v in op.properties.items() if k != "operandSegmentSizes"}
    return kept | changed


def axis_attr(axis: int) -> IntegerAttr:
    """An axis as an attribute."""
    return IntegerAttr(axis, i64)


def groups_of(op: GraphOp, values: Callable[[SSAValue], SSAValue]) -> Operands:
    """The operands of an op as its fields group them, each replaced by `values` of it."""
    grouped: list[SSAValue | Sequence[SSAValue] | None] = []
    rest = iter([values(v) for v in op.operands])
    for name, definition in op.get_irdl_definition().operands:
        if isinstance(definition, OptOperandDef):
            grouped.append(None if getattr(op, name) is None else next(rest))
        else:
            # Only the last operand of an op is variadic.
            grouped.append(list(rest) if isinstance(definition, VarOperandDef) else next(rest))
    return grouped
