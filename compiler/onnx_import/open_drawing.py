"""Random numbers of an open count: what `philox` computes while importing, computed by a run."""

from collections.abc import Callable, Sequence
from math import pi

from xdsl.dialects.builtin import IntegerType, Signedness, f64, i64

from penstock.dialects.graph.base import Dim, GraphOp, computed_dim, dim_of, product_of, size_of
from penstock.dialects.graph.comparison import ShiftRightOp, XorOp
from penstock.dialects.graph.transcendental import CosOp, LogOp, SinOp
from penstock.dialects.sizes import multiplied
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.philox import MULTIPLIERS, ROUNDS, WEYL, WORD
from penstock.onnx_import.terms import Term, stack
from penstock.onnx_import.unsupported import Unsupported

u64 = IntegerType(64, Signedness.UNSIGNED)
Key = tuple[int, int]
Draw = Callable[[Builder, Dim, Key], Term]


def words(build: Builder, count: Dim, key: Key) -> Term:
    """So many random words of 32 bits, and up to three more."""
    blocks = dim_of((size_of(count) + 3) // 4)
    first = Term(build, build.positions(blocks, i64)).cast(u64)
    state = [first, *(first.filled(0) for _ in range(3))]
    for number in range(ROUNDS):
        state = _round(state, [(k + number * w) % 2**32 for k, w in zip(key, WEYL, strict=True)])
    return stack(state, 1).reshape(computed_dim(multiplied, blocks, 4))


def _round(state: Sequence[Term], key: Sequence[int]) -> list[Term]:
    """One round on the four words of each block."""
    a, b, c, d = state
    left, right = (word * factor for word, factor in zip((a, c), MULTIPLIERS, strict=True))
    mask = a.filled(int(WORD))
    return [
        _with(XorOp, _with(XorOp, _high(right), b), b.filled(key[0])),
        right & mask,
        _with(XorOp, _with(XorOp, _high(left), d), d.filled(key[1])),
        left & mask,
    ]


def _high(word: Term) -> Term:
    return _with(ShiftRightOp, word, word.filled(32))


def _with(kind: type[GraphOp], a: Term, b: Term) -> Term:
    return a.like(a.build.op(kind, [a.value, b.value]))


def uniform(build: Builder, count: Dim, key: Key) -> Term:
    """Numbers from [0, 1), each a multiple of 2^-24."""
    drawn = words(build, count, key)
    return _first(_with(ShiftRightOp, drawn, drawn.filled(8)).cast(f64) * 2.0**-24, count)


def normal(build: Builder, count: Dim, key: Key) -> Term:
    """Normally distributed numbers, two from two words."""
    drawn = (words(build, count, key).cast(f64) + 0.5) * 2.0**-32
    pairs = drawn.reshape(dim_of((size_of(count) + 3) // 4 * 2), 2)
    radius, angle = (pairs.at(1, 0).apply(LogOp) * -2).sqrt(), pairs.at(1, 1) * (2 * pi)
    both = stack([radius * angle.apply(kind) for kind in (CosOp, SinOp)], 1)
    return _first(both.reshape(*drawn.shape), count)


def _first(drawn: Term, count: Dim) -> Term:
    """As many as are wanted: they come in blocks."""
    return drawn.like(drawn.build.section(drawn.value, [0], [count], [1]))


def shaped(draw: Draw, build: Builder, shape: Sequence[Dim], key: Key) -> Term:
    """Numbers in a shape."""
    if "?" in shape:
        raise Unsupported("a size depends on values in a loop or branch", "Compute it outside of them.")
    return draw(build, product_of(shape), key).reshape(*shape)
