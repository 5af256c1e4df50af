"""What a graph costs before it is compiled: its weights, its multiply-adds, the memory it needs at once.

Memory is that of the arena: what the caller owns and the weights are not in it.  The estimate takes a graph
operation for a kernel, but for what fusion makes disappear: views move nothing, the only reader of a value
works on it in registers if it is elementwise, and writes over an operand that nobody reads after it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.element_types import byte_size
from penstock.dialects.graph.attention import AttentionOp
from penstock.dialects.graph.base import Elementwise, element_of, is_static, rank_of, shape_of
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.linear import ConvOp, ConvTransposeOp, MatMulOp
from penstock.dialects.graph.movement import BroadcastToOp, ReshapeOp
from penstock.dialects.memory_plan import round_up
from penstock.dialects.quant.products import ConvOp as QuantConvOp
from penstock.dialects.quant.products import MatMulOp as QuantMatMulOp

VIEWS = (ReshapeOp, BroadcastToOp)
"""Their result is their operand, read in another way."""


@dataclass(frozen=True)
class GraphWork:
    """The costs of one call of a model."""

    is_complete: bool
    """Whether all sizes are known; an unknown one counts as 1, so that the numbers are lower bounds."""
    weights: int
    """Bytes of the constants."""
    parameters: int
    """Elements of the constants."""
    multiply_adds: int
    """Those of convolutions, matrix products and attention."""
    memory: int
    """Bytes of intermediate values that are needed at once."""
    moved: int
    """Bytes of the weights, inputs and outputs: what must be moved even if all else stays in the cache."""

    @property
    def intensity(self) -> float:
        """Operations per byte moved at least, a multiply-add being two."""
        return 2 * self.multiply_adds / self.moved if self.moved else 0.0


def work_of(module: ModuleOp) -> GraphWork:
    """The costs of `@main`."""
    (main,) = (op for op in module.body.block.ops if isinstance(op, FuncOp))
    block = main.body.block
    constants = {op.y for op in block.walk() if isinstance(op, ConstantOp)}
    returned = block.last_op
    assert isinstance(returned, ReturnOp), "a module of the graph level ends with what it returns"
    weights = sum(map(bytes_of, constants))
    ends = {*block.args, *returned.operands} - constants
    return GraphWork(
        all(is_static(result) for op in block.walk() for result in op.results),
        weights,
        sum(map(_elements, constants)),
        sum(map(multiply_adds, block.walk())),
        _most_alive(block, returned),
        weights + sum(map(bytes_of, ends)),
    )


def _elements(value: SSAValue) -> int:
    return prod(size for size in shape_of(value) if isinstance(size, int))


def bytes_of(value: SSAValue) -> int:
    """The bytes of a value, as the plan of the memory rounds them."""
    return round_up(_elements(value) * byte_size(element_of(value)))


def multiply_adds(op: Operation) -> int:
    """The multiply-adds of an operation; 0 for those without a sum of products."""
    rule = _PRODUCTS.get(type(op))
    return 0 if rule is None else rule(op)


def _inner(value: SSAValue, axes: slice) -> int:
    return prod(size for size in shape_of(value)[axes] if isinstance(size, int))


def _of_conv(op: Operation) -> int:
    """Each element of the result is a sum over a filter."""
    return _elements(op.results[0]) * _inner(op.operands[1], slice(1, None))


def _of_conv_transpose(op: Operation) -> int:
    """Each element of the input meets all of its filter."""
    return _elements(op.operands[0]) * _inner(op.operands[1], slice(1, None))


def _of_matmul(op: Operation) -> int:
    last = rank_of(op.operands[0]) - 1
    return _elements(op.results[0]) * _inner(op.operands[0], slice(last, None))


def _of_attention(op: Operation) -> int:
    """Scores of each query and key, and the mean of the values under them."""
    q, k, v = op.operands[:3]
    rows = _inner(op.results[0], slice(None, -1))
    return rows * _inner(k, slice(-2, -1)) * (_inner(q, slice(-1, None)) + _inner(v, slice(-1, None)))


_PRODUCTS: Mapping[type[Operation], Callable[[Operation], int]] = {
    AttentionOp: _of_attention,
    ConvOp: _of_conv,
    ConvTransposeOp: _of_conv_transpose,
    MatMulOp: _of_matmul,
    QuantConvOp: _of_conv,
    QuantMatMulOp: _of_matmul,
}


def _most_alive(block: Block, returned: ReturnOp) -> int:
    """The most bytes of intermediate values that are alive at one operation."""
    ops = list(block.ops)
    memory = _memory(ops, block.args)
    last = {memory[value]: i for i, op in enumerate(ops) for value in _read(op) if value in memory}
    ending = _by_number(last)
    kept = {memory[value] for value in returned.operands if value in memory}
    alive: dict[SSAValue, int] = {}
    most = total = 0
    for i, op in enumerate(ops):
        dying = [value for value in ending.get(i, ()) if value in alive]
        results = dict.fromkeys(memory[result] for result in op.results if result in memory)
        for made in (value for value in results if value not in kept and value not in alive):
            size = bytes_of(made)
            total -= _written_over(op, size, dying, alive)
            alive[made] = size
            total += size
            if last.get(made, i) <= i:
                dying.append(made)
        most = max(most, total)
        total -= sum(alive.pop(value) for value in dying)
    return most


def _by_number(numbers: Mapping[SSAValue, int]) -> dict[int, list[SSAValue]]:
    found: dict[int, list[SSAValue]] = {}
    for value, number in numbers.items():
        found.setdefault(number, []).append(value)
    return found


def _written_over(op: Operation, size: int, dying: list[SSAValue], alive: dict[SSAValue, int]) -> int:
    """The bytes of a dying value in whose memory an elementwise operation writes, if there is one."""
    place = next((value for value in dying if alive[value] >= size), None)
    if place is None or not isinstance(op, Elementwise):
        return 0
    dying.remove(place)
    return alive.pop(place)


def _read(op: Operation) -> Iterator[SSAValue]:
    """The operands, and what regions of the operation capture."""
    for inner in op.walk():
        yield from inner.operands


def _memory(ops: Sequence[Operation], inputs: Sequence[SSAValue]) -> dict[SSAValue, SSAValue]:
    """The value in whose memory each value lies: those that depend on no input have none, nor have inputs."""
    depends, memory = set(inputs), dict[SSAValue, SSAValue]()
    for op in ops:
        if depends.isdisjoint(_read(op)):
            continue
        depends.update(op.results)
        for result in op.results:
            if not isinstance(op, VIEWS):
                memory[result] = _stored(result)
            elif op.operands[0] in memory:
                memory[result] = memory[op.operands[0]]
    return memory


def _stored(value: SSAValue) -> SSAValue:
    """What is written to memory when a value is computed: what its elementwise readers make of it."""
    use = value.get_user_of_unique_use()
    while isinstance(use, Elementwise) and shape_of(use.results[0]) == shape_of(value):
        value = use.results[0]
        use = value.get_user_of_unique_use()
    return value
