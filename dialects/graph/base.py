"""What all `graph` operations share: tensor types with symbolic dims, inference, executable meaning.

An operation derives from `GraphOp` and says three things once: the types of its results (`infer`), its
meaning in NumPy (`evaluate`), and, by its class, how it may be rewritten (`Elementwise`, ...).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Self, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    I64,
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IntAttr,
    IntegerAttr,
    NoneAttr,
    StringAttr,
    TensorType,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute, BlockArgument, OpResult, ParametrizedAttribute, SSAValue, SSAValues
from xdsl.irdl import BaseAttr, IRDLOperation, ParsePropInAttrDict, irdl_attr_definition, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import STRING, is_narrow, is_whole, numpy_dtype
from penstock.dialects.graph.plain import is_plain, verify_plain
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import Extent, maximum, may_only_be_equal, multiplied, terms_of, total

Array = NDArray[np.generic]
Wide = NDArray[np.float64 | np.int64]
Tensor: TypeAlias = TensorType[Attribute]
AnyTensor = BaseAttr[Tensor](TensorType)
Dim: TypeAlias = int | str
"""A size: a number, or the name (or formula) of a size known only at run time; `"?"` is nameless."""
LONGEST_FORMULAS = 1 << 20
"""Two formulas whose lengths multiply to more characters are not combined."""


@irdl_attr_definition
class DimsAttr(ParametrizedAttribute):
    """Names of the symbolic dims of a tensor type: `tensor<?x3xf32, #graph.dims<["batch", ""]>>`."""

    name = "graph.dims"
    names: ArrayAttr[StringAttr]


def tensor(shape: Sequence[Dim], element: Attribute) -> Tensor:
    """The tensor type of a shape whose sizes may be symbols.

    >>> print(tensor(["batch", 3], f64))
    tensor<?x3xf64, #graph.dims<["batch", ""]>>
    """
    return _tensor(tuple(shape), element)


@lru_cache(4096)
def _tensor(shape: tuple[Dim, ...], element: Attribute) -> Tensor:
    sizes = [_size(d if isinstance(d, int) else DYNAMIC_INDEX) for d in shape]
    names = [d if isinstance(d, str) and d != "?" else "" for d in shape]
    encoding = DimsAttr(ArrayAttr([_name(n) for n in names])) if any(names) else _UNNAMED
    return TensorType(element, sizes, encoding)


# The parts of types recur, and making an attribute takes long: each is checked.
_UNNAMED = NoneAttr()
_size = lru_cache(4096, typed=True)(IntAttr)
_name = lru_cache(4096)(StringAttr)


Facts: TypeAlias = tuple[Tensor, tuple[Dim, ...], bool]
_FACTS: dict[int, Facts] = {}
"""By identity: a type, its sizes, and whether all are numbers.  Many ask that of one type."""
MOST_FACTS = 1 << 14


def shape_of(value: SSAValue | Attribute) -> tuple[Dim, ...]:
    """The sizes of a tensor (or tensor type); unknown ones as their name or `"?"`."""
    # Asked so often that the usual case is written out.
    t = value.type if type(value) is OpResult or type(value) is BlockArgument else value
    known = _FACTS.get(id(t))
    return known[1] if known is not None and known[0] is t else _facts_of(tensor_of(value))[1]


def _facts_of(t: Tensor) -> Facts:
    known = _FACTS.get(id(t))
    if known is not None and known[0] is t:
        return known
    if len(_FACTS) >= MOST_FACTS:
        _FACTS.clear()
    shape = _shape_of(t)
    facts = _FACTS[id(t)] = (t, shape, not any(isinstance(size, str) for size in shape))
    return facts


def _shape_of(t: Tensor) -> tuple[Dim, ...]:
    sizes = t.get_shape()
    if DYNAMIC_INDEX not in sizes:
        return sizes
    names = t.encoding.names.data if isinstance(t.encoding, DimsAttr) else ()
    labels = [n.data or "?" for n in names] or ["?"] * t.get_num_dims()
    return tuple(label if size == DYNAMIC_INDEX else size for size, label in zip(sizes, labels, strict=True))


def static_shape_of(value: SSAValue | Attribute) -> tuple[int, ...]:
    """The sizes of a tensor of static shape; `VerifyException` when one is symbolic."""
    shape = shape_of(value)
    if any(isinstance(d, str) for d in shape):
        raise VerifyException(f"needs a static shape, got {list(shape)}")
    return tuple(d for d in shape if isinstance(d, int))


def element_count(value: SSAValue | Attribute) -> int:
    """The number of elements, symbolic sizes taken as one."""
    return math.prod(map(extent_of, shape_of(value)))


def extent_of(size: Dim) -> int:
    """A size as a number, a symbolic one taken as one."""
    return size if isinstance(size, int) else 1


def is_static(value: SSAValue | Attribute) -> bool:
    """Whether every size is a number."""
    return _facts_of(tensor_of(value))[2]


def tensor_of(value: SSAValue | Attribute) -> Tensor:
    """The tensor type of a value (or the type itself)."""
    # The usual classes come first: Python takes long to tell whether something is of an abstract one.
    if type(value) is OpResult or type(value) is BlockArgument or isinstance(value, SSAValue):
        t = value.type
    else:
        t = value
    if type(t) is not TensorType and not isinstance(t, TensorType):
        raise VerifyException(f"expected a tensor, got {t}")
    return cast(Tensor, t)


def element_of(value: SSAValue | Attribute) -> Attribute:
    """The element type of a tensor."""
    return tensor_of(value).get_element_type()


def rank_of(value: SSAValue | Attribute) -> int:
    """The number of dimensions of a tensor."""
    return tensor_of(value).get_num_dims()


def derived_dim(size: Dim, rule: Callable[[int], int], text: str) -> Dim:
    """`rule(size)` for a number; for a symbol the formula `text` with the symbol in place of `@`.

    >>> derived_dim(8, lambda h: h // 2, "@/2"), derived_dim("h", lambda h: h // 2, "@/2")
    (4, 'h//2')
    """
    if isinstance(size, int):
        return rule(size)
    return "?" if size == "?" else dim_of(parse_size(text.replace("@", f"({size})")))


def dim_of(size: Extent) -> Dim:
    """A size as a dim: a number, or its formula as text."""
    return size if isinstance(size, int) else str(size)


def size_of(dim: Dim) -> Extent:
    """The size that a dim with a name stands for."""
    return dim if isinstance(dim, int) else parse_size(dim)


def computed_dim(rule: Callable[[Extent, Extent], Extent | None], a: Dim, b: Dim) -> Dim:
    """What a rule makes of two sizes, if anything; nothing is known of what comes from a nameless one.

    Nor of formulas that nobody means: squares of squares grow without end.
    """
    if "?" in (a, b) or len(str(a)) * len(str(b)) > LONGEST_FORMULAS:
        return "?"
    made = rule(size_of(a), size_of(b))
    return "?" if made is None else dim_of(made)


def product_of(shape: Sequence[Dim]) -> Dim:
    """The number of elements of a shape."""
    return reduce(lambda a, b: computed_dim(multiplied, a, b), shape, 1)


def sum_of(sizes: Sequence[Dim]) -> Dim:
    """The sum of sizes."""
    if "?" in sizes or sum(len(str(size)) for size in sizes) > LONGEST_FORMULAS:
        return "?"
    return dim_of(total(term for size in sizes for term in terms_of(size_of(size))))


def broadcast_shapes(*shapes: Sequence[Dim]) -> tuple[Dim, ...]:
    """NumPy's broadcasting rule over shapes with symbols; a symbol against 1 wins.

    Of sizes that follow from different symbols, one may turn out to be 1 at run time: the greater one wins.
    Sizes that follow from the same symbols are taken to be equal.  A call has to be held to what is taken so.

    >>> broadcast_shapes(["n", 1, 4], [3, 1]), broadcast_shapes(["n", "m"], ["k", 8])
    (('n', 3, 4), ('max(k, n)', 8))
    """
    rank = max((len(s) for s in shapes), default=0)
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    return tuple(_broadcast_dims(dims, shapes) for dims in zip(*padded, strict=True))


def _broadcast_dims(dims: Sequence[Dim], shapes: Sequence[Sequence[Dim]]) -> Dim:
    distinct = [d for d in dict.fromkeys(dims) if d != 1]
    numbers = [d for d in distinct if isinstance(d, int)]
    if len(numbers) > 1:
        raise VerifyException(
            f"shapes {[list(s) for s in shapes]} do not broadcast: {numbers[0]} against {numbers[1]}"
        )
    if numbers:
        return numbers[0]
    if "?" in distinct and len(distinct) > 1:
        return "?"
    return reduce(_joined, distinct) if distinct else 1


def _joined(a: Dim, b: Dim) -> Dim:
    """What two sizes broadcast to that are no numbers."""
    return a if may_only_be_equal(size_of(a), size_of(b)) else computed_dim(maximum, a, b)


def may_broadcast(shape: Sequence[Dim], whole: Sequence[Dim]) -> bool:
    """Whether a shape broadcasts to another one, which stays as it is, as far as sizes are known."""
    pairs = zip(shape[::-1], whole[::-1], strict=False)
    return len(shape) <= len(whole) and all(
        a in (1, b) or isinstance(a, str) or isinstance(b, str) for a, b in pairs
    )


def normalize_axis(axis: int, rank: int) -> int:
    """An axis counted from the front; `VerifyException` when outside [-rank, rank)."""
    if not -rank <= axis < max(rank, 1):
        raise VerifyException(f"axis {axis} is outside the rank {rank}")
    return axis + rank if axis < 0 else axis


@lru_cache(1024, typed=True)
def integer(value: int) -> IntegerAttr[I64]:
    """An integer as an attribute, of 64 bits."""
    return IntegerAttr(value, i64)


def integers(values: Sequence[int]) -> DenseArrayBase:
    """An integer list as an attribute: `array<i64: 1, 2>`."""
    return _integers(tuple(values))


@lru_cache(1024)
def _integers(values: tuple[int, ...]) -> DenseArrayBase:
    return DenseArrayBase.from_list(i64, list(values))


def flag(value: bool) -> IntegerAttr:
    """A boolean as an attribute."""
    return _FLAGS[bool(value)]


_FLAGS = (IntegerAttr(0, i1), IntegerAttr(1, i1))


def number(value: float) -> FloatAttr:
    """A real number as an attribute, kept in double precision."""
    return FloatAttr(value, f64)


def wide(x: Array) -> Wide:
    """`x` in the type a meaning is computed in: double precision, or 64-bit integers that wrap."""
    return x.astype(np.int64 if is_whole(x.dtype) else np.float64, copy=False)


_UNKNOWN = NoneAttr()
"""The type of a result until it is inferred."""


class GraphOp(IRDLOperation, ABC):
    """An operation on tensors, without side effects, with an executable meaning."""

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)

    @abstractmethod
    def infer(self) -> Sequence[Tensor]:
        """The result types, from operand types and properties; `VerifyException` names a broken rule."""

    @abstractmethod
    def evaluate(self, *operands: Array) -> Sequence[Array]:
        """The op's definition in NumPy: operand arrays in, result arrays out."""

    def formulas(self) -> Sequence[Dim]:
        """The sizes that its properties say, which may be known only at run time."""
        return ()

    def binds(self) -> Sequence[str]:
        """The symbols in the types of its results that only a run of it decides."""
        return ()

    def effort(self) -> int:
        """About how many numbers evaluating goes through, symbolic sizes taken as one."""
        return sum(map(element_count, (*self.operands, *self.results)))

    @classmethod
    def make(
        cls,
        operands: Sequence[SSAValue | Sequence[SSAValue] | None],
        properties: Mapping[str, Attribute | None] | None = None,
        results: int = 1,
    ) -> Self:
        """A new op whose result types are inferred; `VerifyException` when the operands do not fit."""
        op = cls._untyped(operands, properties or {}, results)
        types = op.infer()
        assert len(types) == len(op.results), "every result has a type"
        op.results = SSAValues(OpResult(each, op, index) for index, each in enumerate(types))
        return op

    @classmethod
    def _untyped(
        cls,
        operands: Sequence[SSAValue | Sequence[SSAValue] | None],
        properties: Mapping[str, Attribute | None],
        results: int,
    ) -> Self:
        single = [o for o in operands if type(o) is OpResult or isinstance(o, SSAValue)]
        if len(single) == len(operands) and is_plain(cls):
            known = {name: value for name, value in properties.items() if value is not None}
            return cls.create(operands=single, result_types=[_UNKNOWN] * results, properties=known)
        given = [() if o is None else o for o in operands]
        return cls.build(operands=given, result_types=cls.unknown_types(results), properties=properties)

    @classmethod
    def unknown_types(cls, results: int) -> Sequence[Attribute | Sequence[Attribute]]:
        """The types of results until they are inferred: one for each, or a list for a variable number."""
        return [_UNKNOWN] * results

    def verify_made(self) -> None:
        """All that `verify` checks except what `make` has seen to: that results are what `infer` says."""
        if is_plain(type(self)):
            verify_plain(self)
        else:
            self.get_irdl_definition().verify(self)

    def verify_(self) -> None:
        """Results must be what `infer` says, up to dims that one side does not know."""
        for index, (result, inferred) in enumerate(zip(self.results, self.infer(), strict=True)):
            if not compatible(tensor_of(result), inferred):
                raise VerifyException(
                    f"{self.name}: result {index} is {result.type}, its rule gives {inferred}"
                )


def compatible(a: Tensor, b: Tensor) -> bool:
    """Whether two tensor types can be the same value: equal elements, and shapes that fit."""
    return a.get_element_type() == b.get_element_type() and fit(shape_of(a), shape_of(b))


def fit(a: Sequence[Dim], b: Sequence[Dim]) -> bool:
    """Whether two shapes can be one: as many sizes, and no two different numbers."""
    pairs = zip(a, b, strict=False)
    return len(a) == len(b) and all(x == y or isinstance(x, str) or isinstance(y, str) for x, y in pairs)


class Elementwise(GraphOp, ABC):
    """An op that computes each result element from the operand elements at the same (broadcast) position."""

    def result_element(self) -> Attribute:
        """The element type of the result; that of the first operand unless overridden."""
        return element_of(self.operands[0])

    def infer(self) -> Sequence[Tensor]:
        """Operands broadcast as in NumPy and agree in element type."""
        self.verify_elements()
        kind, element = tensor_of(self.operands[0]), self.result_element()
        if element == kind.get_element_type() and all(o.type == kind for o in self.operands):
            return [kind]
        return [tensor(broadcast_shapes(*map(shape_of, self.operands)), element)]

    def verify_elements(self) -> None:
        """All operands have one element type, and machines compute with it."""
        kinds = {element_of(o) for o in self.operands}
        if len(kinds) > 1:
            raise VerifyException(f"{self.name}: operands differ in element type: {sorted(map(str, kinds))}")
        if any(is_narrow(kind) or kind == STRING for kind in kinds):
            raise VerifyException(f"{self.name}: {kinds.pop()} can only be moved and cast")

    @abstractmethod
    def compute(self, *operands: Array) -> Array:
        """The meaning on arrays that broadcast."""

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        """`compute`, rounded to the result's element type; NumPy's warnings are IEEE results here."""
        with np.errstate(all="ignore"):
            return [np.asarray(self.compute(*operands), numpy_dtype(self.result_element()))]


Layout: TypeAlias = str
CHANNELS_FIRST: Layout = "nchw"
CHANNELS_LAST: Layout = "nhwc"


def channel_axis(layout: Layout, rank: int) -> int:
    """The axis of the channels in a tensor of `rank` dims: 1 or the last."""
    return 1 if layout == CHANNELS_FIRST else rank - 1


def spatial_axes(layout: Layout, rank: int) -> tuple[int, ...]:
    """The axes between batch and channels."""
    return tuple(range(2, rank)) if layout == CHANNELS_FIRST else tuple(range(1, rank - 1))
