"""Operations of the `nest` dialect: one op is one loop nest over buffers, its schedule written on its loops.

    nest.compute [oh = 112, ow = 112, oc = 32, kh = 3 reduce, kw = 3 reduce, ic = 3 reduce]
      ins(%x["0, 2*oh + kh - 1, 2*ow + kw - 1, ic"] else 0.0 : f32 : memref<1x224x224x3xf32>,
          %w["oc, ic, kh, kw"] : memref<32x3x3x3xf32>)
      with(%b["oc"] : memref<32xf32>)
      outs(%y["0, oh, ow, oc"] : memref<1x112x112x32xf32>)
      init(0.0 : f32) {
      ^body(%a : f32, %k : f32, %sum : f32): ... nest.yield %s : f32
    } {
      ^epilogue(%sum : f32, %bias : f32): ... nest.yield %r : f32
    }

The order of the loops is the order of execution; parallel loops may run in any order.  `ins` are read at
every point, `with` once per point of the parallel loops, after the reduction.  An access with `else` may
leave the buffer and reads that value there; every other access is verified to stay inside.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import (
    ArrayAttr,
    IndexType,
    IntAttr,
    MemRefType,
    NoneAttr,
    StringAttr,
)
from xdsl.ir import Attribute, Block, ParametrizedAttribute, Region, SSAValue, TypedAttribute
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import IsTerminator, Pure
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.narrowing import is_buffer
from penstock.dialects.nest.access import Access, AccessAttr, parse_rows
from penstock.dialects.nest.sizes import SizeAttr, extent_attr, numbers, sizes_of
from penstock.dialects.resources import ResourceAttr
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import Extent, is_at_least, symbols_of

MARKS = ("", "unroll", "vector", "thread")
TOGETHER = "together"
"""Attribute of neighbouring nests that walk one loop together: its name."""


@irdl_attr_definition
class DimAttr(ParametrizedAttribute):
    """One loop: its name, its extent (from 0), whether it reduces, and its schedule mark.

    `unroll` expands every iteration in registers; `vector` (with its number of lanes) does so lane-wise, the
    last vector masked; `thread` shares the iterations out among threads.
    """

    name = "nest.dim"
    label: StringAttr
    extent: IntAttr | SizeAttr
    reduces: IntAttr
    mark: StringAttr
    lanes: IntAttr

    @property
    def iterations(self) -> Extent:
        """The number of iterations."""
        return self.extent.data

    @property
    def size(self) -> int:
        """The number of iterations where it is known at compile time."""
        return numbers([self.extent.data])[0]

    @property
    def is_reduction(self) -> bool:
        """Whether the loop accumulates."""
        return bool(self.reduces.data)

    @property
    def in_registers(self) -> bool:
        """Whether all iterations are expanded in registers."""
        return self.mark.data in ("unroll", "vector")

    def changed(self, *, label: str | None = None, size: Extent | None = None) -> "DimAttr":
        """A copy with another name or extent."""
        return DimAttr(
            StringAttr(label or self.label.data),
            self.extent if size is None else extent_attr(size),
            self.reduces,
            self.mark,
            self.lanes,
        )

    def marked(self, mark: str, lanes: int = 1) -> "DimAttr":
        """A copy with a schedule mark."""
        return DimAttr(self.label, self.extent, self.reduces, StringAttr(mark), IntAttr(lanes))


def parallel(label: str, size: Extent) -> DimAttr:
    """A loop whose iterations are independent."""
    return DimAttr(StringAttr(label), extent_attr(size), IntAttr(0), StringAttr(""), IntAttr(1))


def reduction(label: str, size: Extent) -> DimAttr:
    """A loop that accumulates."""
    return DimAttr(StringAttr(label), extent_attr(size), IntAttr(1), StringAttr(""), IntAttr(1))


@dataclass(frozen=True)
class Read:
    """A buffer, where it is read, and the value outside of it (`None`: never outside)."""

    buffer: SSAValue
    access: Access
    outside: Attribute | None = None


@dataclass(frozen=True)
class Write:
    """A buffer and where it is written."""

    buffer: SSAValue
    access: Access


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a body (new accumulators, or the values to write) or an epilogue (the values to write)."""

    name = "nest.yield"
    values = var_operand_def()
    traits = traits_def(IsTerminator())
    assembly_format = "($values^ `:` type($values))? attr-dict"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])


@irdl_op_definition
class ApplyOp(IRDLOperation):
    """A linear expression of the loop indices, in a body: `%i = nest.apply #nest.access<3, "2*i0 + i1">`."""

    name = "nest.apply"
    access = prop_def(AccessAttr)
    index = result_def(IndexType())
    traits = traits_def(Pure())
    assembly_format = "$access attr-dict"

    def __init__(self, access: Access):
        super().__init__(properties={"access": AccessAttr(access)}, result_types=[IndexType()])


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A weight as a read-only buffer: `%w = nest.constant #graph.resource<"w", "..."> : memref<8xf32>`."""

    name = "nest.constant"
    value = prop_def(ResourceAttr)
    buffer = result_def(MemRefType)
    traits = traits_def(Pure())
    assembly_format = "$value `:` type($buffer) attr-dict"

    def __init__(self, value: ResourceAttr, buffer: MemRefType):
        super().__init__(properties={"value": value}, result_types=[buffer])


@irdl_op_definition
class ComputeOp(IRDLOperation):
    """A loop nest with its body, its epilogue and its schedule; see the module's page for the form."""

    name = "nest.compute"
    ins = var_operand_def(MemRefType)
    extras = var_operand_def(MemRefType)
    outs = var_operand_def(MemRefType)
    dims = prop_def(ArrayAttr[DimAttr])
    accesses = prop_def(ArrayAttr[AccessAttr])
    outside = prop_def(ArrayAttr[Attribute])
    init = prop_def(ArrayAttr[Attribute])
    body = region_def()
    epilogue = region_def()
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @staticmethod
    def of(
        dims: Sequence[DimAttr],
        ins: Sequence[Read],
        outs: Sequence[Write],
        body: Region,
        *,
        extras: Sequence[Read] = (),
        init: Sequence[Attribute] = (),
        epilogue: Region | None = None,
    ) -> "ComputeOp":
        """A nest from its parts; `init` and `epilogue` exactly when a loop reduces."""
        everything = [*ins, *extras, *outs]
        return ComputeOp.build(
            operands=[[r.buffer for r in ins], [r.buffer for r in extras], [w.buffer for w in outs]],
            properties={
                "dims": ArrayAttr(dims),
                "accesses": ArrayAttr([AccessAttr(r.access) for r in everything]),
                "outside": ArrayAttr(
                    [NoneAttr() if r.outside is None else r.outside for r in (*ins, *extras)]
                ),
                "init": ArrayAttr(init),
            },
            regions=[body, epilogue or Region()],
        )

    @property
    def loops(self) -> tuple[DimAttr, ...]:
        """The loops, outermost first."""
        return self.dims.data

    @property
    def iterations(self) -> list[Extent]:
        """Iterations of each loop."""
        return [d.iterations for d in self.dims.data]

    @property
    def extents(self) -> list[int]:
        """Iterations of each loop where all are known at compile time."""
        return numbers(self.iterations)

    @property
    def symbols(self) -> list[str]:
        """The symbols that its loops, accesses and buffers depend on; none in a static nest.

        What a body reads or writes at computed places are buffers too.
        """
        inside = list(self.walk())
        read = dict.fromkeys(o for op in inside for o in op.operands if is_buffer(o.type))
        buffers = [size for operand in read for size in sizes_of(operand)]
        accesses = [*self.accesses.data, *(op.access for op in inside if isinstance(op, ApplyOp))]
        offsets = [offset for access in accesses for offset in access.data.offsets]
        return symbols_of(*self.iterations, *buffers, *offsets)

    @property
    def reduces(self) -> bool:
        """Whether any accumulator is carried."""
        return bool(self.init.data)

    @property
    def reads(self) -> list[Read]:
        """What the body reads."""
        return self._reads(0, self.ins)

    @property
    def extra_reads(self) -> list[Read]:
        """What the epilogue reads."""
        return self._reads(len(self.ins), self.extras)

    @property
    def writes(self) -> list[Write]:
        """What the nest writes."""
        start = len(self.ins) + len(self.extras)
        return [Write(b, a.data) for b, a in zip(self.outs, self.accesses.data[start:], strict=True)]

    def _reads(self, start: int, buffers: Sequence[SSAValue]) -> list[Read]:
        stop = start + len(buffers)
        pads = self.outside.data[start:stop]
        return [
            Read(b, a.data, None if isinstance(p, NoneAttr) else p)
            for b, a, p in zip(buffers, self.accesses.data[start:stop], pads, strict=True)
        ]

    @property
    def final_block(self) -> Block:
        """The block that yields the values to write."""
        return self.epilogue.block if self.epilogue.blocks else self.body.block

    def verify_(self) -> None:
        loops, reads = self.dims.data, [*self.reads, *self.extra_reads]
        if len({d.label.data for d in loops}) != len(loops):
            raise VerifyException(f"nest.compute: loop names repeat: {[d.label.data for d in loops]}")
        if any(is_at_least(0 - extent, 1) for extent in self.iterations):
            raise VerifyException(f"nest.compute: negative extent in {self.iterations}")
        if bool(self.epilogue.blocks) != self.reduces:
            raise VerifyException(
                "nest.compute: an epilogue and initial values belong to a reduction, and only there"
            )
        for read in reads:
            self._verify_access("reads", read.buffer, read.access, read.outside is None)
        for write in self.writes:
            self._verify_access("writes", write.buffer, write.access, True)
            self._verify_no_reduction("writes", write.access)
        for read in self.extra_reads:
            self._verify_no_reduction("its epilogue reads", read.access)
        self._verify_walk()
        self._verify_blocks()

    def _verify_walk(self) -> None:
        label = self.attributes.get(TOGETHER)
        if label is not None and not any(d.label == label and not d.is_reduction for d in self.loops):
            raise VerifyException(f"nest.compute: {TOGETHER} = {label} names no parallel loop")

    def _verify_access(self, verb: str, buffer: SSAValue, access: Access, inside: bool) -> None:
        shape = sizes_of(buffer)
        if len(access.rows) != len(shape) or any(len(r) != len(self.dims.data) for r in access.rows):
            raise VerifyException(
                f"nest.compute {verb} {buffer.type} with {len(access.rows)} expressions"
                f" over {len(self.dims.data)} loops"
            )
        if not inside or 0 in self.iterations:
            return
        bounds = access.bounds(self.iterations)
        for axis, ((low, high), size) in enumerate(zip(bounds, shape, strict=True)):
            # Of symbols, only what is outside whatever their values is refused.
            if is_at_least(-1 - low, 0) or is_at_least(high - size, 0):
                raise VerifyException(
                    f"nest.compute {verb} {buffer.type} at [{low}, {high}] along axis {axis},"
                    f" outside [0, {size - 1}]"
                )

    def _verify_no_reduction(self, verb: str, access: Access) -> None:
        for i, loop in enumerate(self.dims.data):
            if loop.is_reduction and access.uses(i):
                raise VerifyException(f"nest.compute: {verb} at the reduction loop {loop.label.data!r}")

    def _verify_blocks(self) -> None:
        element = [element_of(b) for b in self.ins]
        accumulators = [a.get_type() for a in self.init.data if isinstance(a, TypedAttribute)]
        out = [element_of(b) for b in self.outs]
        after_body = accumulators if self.reduces else out
        verify_block("body", self.body.block, [*element, *accumulators], after_body)
        if self.reduces:
            extras = [element_of(b) for b in self.extras]
            verify_block("epilogue", self.epilogue.block, [*accumulators, *extras], out)

    def print(self, printer: Printer) -> None:
        names = [d.label.data for d in self.dims.data]
        printer.print_string(" [" + ", ".join(_dim_text(d) for d in self.dims.data) + "]")
        _print_reads(printer, "ins", self.reads, names)
        _print_reads(printer, "with", self.extra_reads, names)
        _print_reads(printer, "outs", [Read(w.buffer, w.access) for w in self.writes], names)
        if self.reduces:
            printer.print_string(" init")
            with printer.in_parens():
                printer.print_list(self.init.data, printer.print_attribute)
        extra = {k: v for k, v in self.attributes.items()}
        printer.print_op_attributes(extra, print_keyword=True)
        for region in (r for r in self.regions if r.blocks):
            printer.print_string(" ")
            printer.print_region(region)

    @classmethod
    def parse(cls, parser: Parser) -> "ComputeOp":
        dims = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: _parse_dim(parser))
        names = [d.label.data for d in dims]
        groups = [_parse_reads(parser, word, names) for word in ("ins", "with", "outs")]
        init: Sequence[Attribute] = ()
        if parser.parse_optional_keyword("init") is not None:
            init = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_attribute)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        body = parser.parse_region()
        epilogue = parser.parse_optional_region()
        ins, extras, outs = groups
        op = cls.of(
            dims,
            ins,
            [Write(r.buffer, r.access) for r in outs],
            body,
            extras=extras,
            init=init,
            epilogue=epilogue,
        )
        op.attributes.update(attributes.data if attributes is not None else {})
        return op


def verify_block(
    what: str, block: Block, arguments: Sequence[Attribute], results: Sequence[Attribute]
) -> None:
    """A region's block takes and yields exactly these types; `VerifyException` says which do not fit."""
    if list(block.arg_types) != list(arguments):
        raise VerifyException(
            f"nest.compute: the {what} takes {_texts(block.arg_types)}, its operands are {_texts(arguments)}"
        )
    end = block.last_op
    if not isinstance(end, YieldOp) or [v.type for v in end.values] != list(results):
        raise VerifyException(f"nest.compute: the {what} must yield {_texts(results)}")


def _texts(types: Sequence[Attribute]) -> list[str]:
    return [str(t) for t in types]


def buffer_type(buffer: SSAValue) -> MemRefType:
    """The memref type of a buffer."""
    if not is_buffer(buffer.type):
        raise VerifyException(f"expected a memref, got {buffer.type}")
    return buffer.type


def shape_of(buffer: SSAValue) -> tuple[int, ...]:
    """The sizes of a buffer that are all known at compile time."""
    return tuple(numbers(sizes_of(buffer)))


def element_of(buffer: SSAValue) -> Attribute:
    """The element type of a buffer."""
    return buffer_type(buffer).get_element_type()


def region(arguments: Sequence[Attribute], build: Callable[[Block], Sequence[SSAValue]]) -> Region:
    """A body or epilogue: `build` fills the block and returns what it yields."""
    block = Block(arg_types=arguments)
    block.add_op(YieldOp(build(block)))
    return Region(block)


def _dim_text(dim: DimAttr) -> str:
    size = dim.iterations
    words = [f"{dim.label.data} = {size}" if isinstance(size, int) else f'{dim.label.data} = "{size}"']
    words += ["reduce"] if dim.is_reduction else []
    words += [dim.mark.data] if dim.mark.data else []
    words += [str(dim.lanes.data)] if dim.mark.data == "vector" else []
    return " ".join(words)


def _parse_dim(parser: Parser) -> DimAttr:
    label = parser.parse_identifier("a loop name")
    parser.parse_punctuation("=")
    text = parser.parse_optional_str_literal()
    size = parser.parse_integer() if text is None else parse_size(text)
    reduces = parser.parse_optional_keyword("reduce") is not None
    mark = next((m for m in MARKS[1:] if parser.parse_optional_keyword(m) is not None), "")
    lanes = parser.parse_integer() if mark == "vector" else 1
    return DimAttr(
        StringAttr(label), extent_attr(size), IntAttr(int(reduces)), StringAttr(mark), IntAttr(lanes)
    )


def _print_reads(printer: Printer, word: str, reads: Sequence[Read], names: Sequence[str]) -> None:
    if not reads:
        return
    printer.print_string(f" {word}")
    with printer.in_parens():
        printer.print_list(reads, lambda r: _print_read(printer, r, names))


def _print_read(printer: Printer, read: Read, names: Sequence[str]) -> None:
    printer.print_operand(read.buffer)
    printer.print_string(f'["{read.access.text(names)}"]')
    if read.outside is not None:
        printer.print_string(" else ")
        printer.print_attribute(read.outside)
    printer.print_string(" : ")
    printer.print_attribute(read.buffer.type)


def _parse_reads(parser: Parser, word: str, names: Sequence[str]) -> list[Read]:
    if parser.parse_optional_keyword(word) is None:
        return []
    return parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: _parse_read(parser, names))


def _parse_read(parser: Parser, names: Sequence[str]) -> Read:
    operand: UnresolvedOperand = parser.parse_unresolved_operand()
    with parser.in_square_brackets():
        text = parser.parse_str_literal()
    access = parse_rows(text, names)
    outside = parser.parse_attribute() if parser.parse_optional_keyword("else") is not None else None
    parser.parse_punctuation(":")
    return Read(parser.resolve_operand(operand, parser.parse_type()), access, outside)
