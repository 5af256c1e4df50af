"""Operations of the `graph` dialect that Python runs, not machine code: strings, pictures, patterns.

What a function does is in `penstock.host`; here is what types it takes and gives.  Tensors of strings are
made and read by these operations only: `on_host` turns other operations that move strings into them.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import TypeAlias, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    BytesAttr,
    DenseArrayBase,
    DictionaryAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    NoneAttr,
    StringAttr,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def, traits_def, var_operand_def, var_result_def
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import STRING, StringType, unsigned
from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    Dim,
    GraphOp,
    Tensor,
    broadcast_shapes,
    element_of,
    rank_of,
    shape_of,
    tensor,
    tensor_of,
)
from penstock.dialects.graph.comparison import EqualOp, SelectOp
from penstock.dialects.graph.indexing import (
    GatherElementsOp,
    GatherNDOp,
    GatherOp,
    ScatterElementsOp,
    ScatterNDOp,
    ShapeOp,
)
from penstock.dialects.graph.movement import (
    BroadcastToOp,
    ConcatOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    dims_of,
    is_shape,
)
from penstock.dialects.graph.sections import SectionOp
from penstock.dialects.texts import text_of
from penstock.host import Options, run
from penstock.host.arrays import Plain
from penstock.host.images import CHANNELS, RGB
from penstock.host.movement import SIZED

MOVING: Mapping[str, type[GraphOp]] = {
    "BroadcastTo": BroadcastToOp,
    "Concat": ConcatOp,
    "Equal": EqualOp,
    "Gather": GatherOp,
    "GatherElements": GatherElementsOp,
    "GatherND": GatherNDOp,
    "Reshape": ReshapeOp,
    "ScatterElements": ScatterElementsOp,
    "ScatterND": ScatterNDOp,
    "Section": SectionOp,
    "Select": SelectOp,
    "Shape": ShapeOp,
    "Slice": SliceOp,
    "Transpose": TransposeOp,
}
"""Function -> the operation of the graph level that it is for strings."""
_FUNCTION_OF: dict[type[GraphOp], str] = {kind: name for name, kind in MOVING.items()}


class DecidesSizes(MemoryEffect):
    """Of an operation that decides sizes, more is seen than its results: what speaks of the sizes."""

    @classmethod
    def get_effects(cls, op: Operation) -> Set[EffectInstance]:
        """None where all sizes are known before."""
        decides = isinstance(op, GraphOp) and op.binds()
        return frozenset([EffectInstance(MemoryEffectKind.WRITE)] if decides else [])


@irdl_op_definition
class HostOp(GraphOp):
    """What a function of the host gives:

    `%y = graph.host "StringConcat" %a, %b : tensor<2x!graph.string>, tensor<!graph.string> -> ...`.
    `options` are the parameters of the function, `sizes` the names of the sizes that values decide.
    """

    name = "graph.host"
    function = prop_def(StringAttr)
    inputs = var_operand_def(AnyTensor)
    options = opt_prop_def(DictionaryAttr)
    sizes = opt_prop_def(ArrayAttr[StringAttr])
    outputs = var_result_def(AnyTensor)
    traits = traits_def(DecidesSizes())
    assembly_format = "$function $inputs attr-dict `:` type($inputs) `->` type($outputs)"

    @classmethod
    def unknown_types(cls, results: int) -> Sequence[Attribute | Sequence[Attribute]]:
        """Any number of results."""
        return [[NoneAttr()] * results]

    @property
    def plain_options(self) -> Options:
        """The parameters as Python's values."""
        if self.options is None:
            return {}
        return {name: plain(value) for name, value in self.options.data.items()}

    def infer(self) -> Sequence[Tensor]:
        rule = RULES.get(self.function.data)
        if rule is None:
            raise VerifyException(f"{self.name}: there is no function {self.function.data!r}")
        return rule(self)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        return run(self.function.data, self.plain_options, operands)

    def formulas(self) -> Sequence[Dim]:
        given = {} if self.options is None else dict(self.options.data)
        found = (given.get(name) for name in SIZED.get(self.function.data, ()))
        return [dim for each in found if each is not None and is_shape(each) for dim in dims_of(each)]

    def binds(self) -> Sequence[str]:
        return () if self.sizes is None else [name.data for name in self.sizes]

    @property
    def is_shape(self) -> bool:
        """Whether it gives the sizes of its operand."""
        return self.function.data == "Shape"

    def decided(self, index: int) -> Dim:
        """The name of a size that values decide; `?` where it has none."""
        names = self.sizes.data if self.sizes is not None else ()
        return names[index].data if index < len(names) else "?"

    def operand_of(self, index: int, count: int, element: Attribute | None) -> SSAValue:
        """One of `count` operands, of an element type unless that is open."""
        if len(self.inputs) != count:
            raise VerifyException(f"{self._told}: {len(self.inputs)} operands, it takes {count}")
        if element is not None and element_of(self.inputs[index]) != element:
            raise VerifyException(
                f"{self._told}: operand {index} is of {element_of(self.inputs[index])}, it takes {element}"
            )
        return self.inputs[index]

    @property
    def _told(self) -> str:
        return f"{self.name} {self.function.data!r}"

    def fails(self, message: str) -> VerifyException:
        """A broken rule of the function."""
        return VerifyException(f"{self._told}: {message}")


def touches_strings(op: Operation) -> bool:
    """Whether an operation reads or makes strings."""
    # Asked of every operation that is made, and its exact class is told faster.
    return any(type(element_of(value)) is StringType for value in (*op.operands, *op.results))


def on_host(op: GraphOp) -> HostOp | None:
    """The host operation that does to strings what `op` does to numbers; `None` where there is none."""
    function = _FUNCTION_OF.get(type(op))
    if function is None:
        return None
    properties = {"function": StringAttr(function), "options": DictionaryAttr(op.properties)}
    return HostOp.make([list(op.operands)], properties)


def plain(attribute: Attribute) -> Plain:
    """The value of an attribute; an element type is the name of its dtype."""
    match attribute:
        case StringAttr() | BytesAttr():
            return text_of(attribute)
        case IntegerAttr() | FloatAttr():
            return attribute.value.data
        case ArrayAttr():
            return [plain(each) for each in attribute.data]
        case DenseArrayBase():
            return list(cast(DenseArrayBase[IntegerType], attribute).get_values())
        case _:
            raise VerifyException(f"{attribute} is no option of a host function")


Rule: TypeAlias = Callable[[HostOp], Sequence[Tensor]]


def _concatenated(op: HostOp) -> Sequence[Tensor]:
    shapes = [shape_of(op.operand_of(i, 2, STRING)) for i in range(2)]
    return [tensor(broadcast_shapes(*shapes), STRING)]


def _parts(op: HostOp) -> Sequence[Tensor]:
    shape = shape_of(op.operand_of(0, 1, STRING))
    return [tensor([*shape, op.decided(0)], STRING), tensor(shape, i64)]


def _normalized(op: HostOp) -> Sequence[Tensor]:
    shape = shape_of(op.operand_of(0, 1, STRING))
    if len(shape) not in (1, 2) or len(shape) == 2 and shape[0] != 1:
        raise op.fails(f"strings of the shape {list(shape)}, it must be [C] or [1, C]")
    left = op.decided(0) if op.plain_options.get("stopwords") else shape[-1]
    return [tensor([*shape[:-1], left], STRING)]


def _matched(op: HostOp) -> Sequence[Tensor]:
    return [tensor(shape_of(op.operand_of(0, 1, STRING)), i1)]


def _written(op: HostOp) -> Sequence[Tensor]:
    x = op.operand_of(0, 1, None)
    if element_of(x) == STRING:
        raise op.fails("strings are written already")
    return [tensor(shape_of(x), STRING)]


NUMBERS: Mapping[Plain, Attribute] = {"float64": f64, "int64": i64, "uint64": unsigned(64)}
"""What strings are read as."""


def _read(op: HostOp) -> Sequence[Tensor]:
    x, to = op.operand_of(0, 1, STRING), op.plain_options.get("to")
    if not isinstance(to, str) or to not in NUMBERS:
        raise op.fails(f"strings are read as {', '.join(map(str, NUMBERS))}, not as {to}")
    return [tensor(shape_of(x), NUMBERS[to])]


def _looked_up(op: HostOp) -> Sequence[Tensor]:
    x, keys, values, default = (op.operand_of(i, 4, None) for i in range(4))
    if element_of(x) != element_of(keys) or element_of(values) != element_of(default):
        raise op.fails("keys are of the type of the operand, and the default of that of the values")
    lists = [rank_of(value) for value in (keys, values, default)] == [1, 1, 1]
    if not lists or shape_of(keys) != shape_of(values):
        raise op.fails(f"{list(shape_of(keys))} keys for {list(shape_of(values))} values")
    return [tensor(shape_of(x), element_of(values))]


def _decoded(op: HostOp) -> Sequence[Tensor]:
    stream, order = op.operand_of(0, 1, unsigned(8)), op.plain_options.get("pixel_format", RGB)
    if rank_of(stream) != 1:
        raise op.fails(f"a picture of the shape {list(shape_of(stream))}, it must be a list of bytes")
    if not isinstance(order, str) or order not in CHANNELS:
        raise op.fails(f"the pixel format {order!r} is none of {', '.join(CHANNELS)}")
    return [tensor([op.decided(0), op.decided(1), CHANNELS[order]], unsigned(8))]


def _moved(op: HostOp) -> Sequence[Tensor]:
    """The rule of the operation that the function stands for."""
    given = {} if op.options is None else dict(op.options.data)
    kind, operands = MOVING[op.function.data], list(op.inputs)
    meant = kind.make([operands] if kind is ConcatOp else operands, given)
    kinds = [tensor_of(value.type) for value in meant.results]
    meant.erase()
    return kinds


RULES: Mapping[str, Rule] = {
    "ImageDecoder": _decoded,
    "LookUp": _looked_up,
    "RegexFullMatch": _matched,
    "StringConcat": _concatenated,
    "StringNormalizer": _normalized,
    "StringSplit": _parts,
    "ToNumber": _read,
    "ToText": _written,
    **dict.fromkeys(MOVING, _moved),
}
"""Function -> the types that it gives."""

OPS: tuple[type[Operation], ...] = (HostOp,)
