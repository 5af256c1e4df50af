"""From the `llvm` dialect to LLVM IR text, which `compile` hands to LLVM.

The text is written straight from the ops.  xDSL's own route builds an llvmlite module first and prints that:
@@FIGURES@@.
"""

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, ModuleOp, StringAttr, SymbolRefAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

from penstock.backends.llvm.text_types import constant_text, overload_suffix, type_text
from penstock.dialects import llvm_ext
from penstock.dialects.llvm_intrinsics import INTRINSICS

_BINARY: Mapping[str, str] = {
    op.name: op.name.removeprefix("llvm.")
    for op in (
        *(llvm.AddOp, llvm.SubOp, llvm.MulOp, llvm.UDivOp, llvm.SDivOp, llvm.URemOp, llvm.SRemOp),
        *(llvm.AndOp, llvm.OrOp, llvm.XOrOp, llvm.ShlOp, llvm.LShrOp, llvm.AShrOp),
        *(llvm.FAddOp, llvm.FSubOp, llvm.FMulOp, llvm.FDivOp, llvm.FRemOp),
    )
}
_CASTS: Mapping[str, str] = {
    op.name: op.name.removeprefix("llvm.")
    for op in (
        *(
            llvm.TruncOp,
            llvm.ZExtOp,
            llvm.SExtOp,
            llvm.BitcastOp,
            llvm.FPExtOp,
            llvm.FPTruncOp,
            llvm.SIToFPOp,
        ),
        *(llvm_ext.UIToFPOp, llvm_ext.FPToSIOp, llvm_ext.FPToUIOp, llvm.PtrToIntOp, llvm.IntToPtrOp),
    )
}
_INTRINSICS: Mapping[str, str] = {
    op.name: op.name.replace("llvm.intr.", "llvm.")
    for op in (
        *(llvm.FAbsOp, llvm.FCeilOp, llvm.FFloorOp, llvm.FSqrtOp, llvm.FCopySignOp, llvm.FMAOp),
        *(llvm.VectorFMaxOp, llvm.VectorFMinOp, llvm.VectorReduceFAddOp, llvm.VectorReduceFMulOp),
        *INTRINSICS,
    )
}
_FLAGS = {
    f"llvm.{name}": name for name in ("noalias", "nofree", "nonnull", "noundef", "readonly", "writeonly")
}
_NUMBERS = {"llvm.align": "align {}", "llvm.dereferenceable": "dereferenceable({})"}
_OVERFLOW = ("", " nsw", " nuw", " nuw nsw")
_TAIL_FLAGS = {"llvm.intr.ctlz": "is_zero_poison", "llvm.intr.cttz": "is_zero_poison"}
_TAIL_FLAGS["llvm.intr.abs"] = "is_int_min_poison"


class _FunctionWriter:
    """Names the values of one function and writes its instructions."""

    def __init__(self, function: llvm.FuncOp, declarations: set[str]) -> None:
        self.function = function
        self.declarations = declarations
        self.names: dict[SSAValue, str] = {}
        self.labels: dict[Block, str] = {}
        self._types: dict[int, str] = {}
        self._arrivals: dict[Block, list[tuple[str, Sequence[SSAValue]]]] = {}
        for number, block in enumerate(function.body.blocks):
            self.labels[block] = f"b{number}"
            self._name_block(block)

    def _name_block(self, block: Block) -> None:
        names = self.names
        for argument in block.args:
            names[argument] = f"%v{len(names)}"
        for op in block.ops:
            inline = _INLINE.get(op.name)
            for result in op.results:
                names[result] = f"%v{len(names)}" if inline is None else inline(op)
        last = block.last_op
        assert last is not None, "a block ends in a terminator"
        for successor, values in _arguments_of_successors(last):
            self._arrivals.setdefault(successor, []).append((self.labels[block], values))

    def type_of(self, value: SSAValue) -> str:
        """The type of a value; found by identity, since hashing a type costs more than writing it."""
        found = self._types.get(id(value.type))
        if found is None:
            found = self._types[id(value.type)] = type_text(value.type)
        return found

    def typed(self, value: SSAValue) -> str:
        """A value with its type, as most operands are written."""
        return f"{self.type_of(value)} {self.names[value]}"

    def call(self, name: str, arguments: Sequence[str], result: str, declared: Sequence[str]) -> str:
        """A call of an intrinsic, declared on the side."""
        self.declarations.add(f"declare {result} @{name}({', '.join(declared)})")
        return f"call {result} @{name}({', '.join(arguments)})"

    def lines(self) -> list[str]:
        """The whole function, declaration or definition."""
        if not self.function.body.blocks:
            return [f"declare {_signature(self.function, ())}"]
        entry = self.function.body.blocks[0]
        arguments = [self.names[argument] for argument in entry.args]
        lines = [f"define {_signature(self.function, arguments)} #0 {{"]
        for block in self.function.body.blocks:
            self._write_block(block, lines, is_entry=block is entry)
        return [*lines, "}"]

    def _write_block(self, block: Block, lines: list[str], *, is_entry: bool) -> None:
        lines.append(f"{self.labels[block]}:")
        for position, argument in enumerate(() if is_entry else block.args):
            lines.append(f"  {self.names[argument]} = phi {self._phi(block, position, argument)}")
        for op in block.ops:
            name = op.name
            if name in _INLINE:
                continue
            writer = _WRITERS.get(name)
            if writer is None:
                raise NotImplementedError(f"llvm: no LLVM IR for {name}")
            text = writer(self, op)
            lines.append(f"  {self.names[op.results[0]]} = {text}" if op.results else f"  {text}")

    def _phi(self, block: Block, position: int, argument: SSAValue) -> str:
        arrivals = self._arrivals.get(block, ())
        pairs = [f"[ {self.names[values[position]]}, %{label} ]" for label, values in arrivals]
        return f"{self.type_of(argument)} {', '.join(pairs)}"


Writer = Callable[[_FunctionWriter, Operation], str]


def _arguments_of_successors(op: Operation) -> list[tuple[Block, Sequence[SSAValue]]]:
    match op:
        case llvm.BrOp():
            return [(op.successor, op.arguments)]
        case llvm.CondBrOp():
            return [(op.then_block, op.then_arguments), (op.else_block, op.else_arguments)]
        case _:
            return []


def _signature(function: llvm.FuncOp, names: Sequence[str]) -> str:
    types = [type_text(argument) for argument in function.function_type.inputs.data]
    for position, attributes in enumerate(() if function.arg_attrs is None else function.arg_attrs.data):
        types[position] += "".join(
            f" {text}" for text in map(_argument_attribute, attributes.data.items()) if text
        )
    arguments = [" ".join(pair) for pair in zip(types, names, strict=True)] if names else types
    linkage = "internal " if function.linkage.linkage.data == "internal" else ""
    result = type_text(function.function_type.output)
    return f"{linkage}{result} @{_symbol(function.sym_name.data)}({', '.join(arguments)})"


def _argument_attribute(item: tuple[str, Attribute]) -> str | None:
    """What LLVM is told of an argument; attributes of other owners are not its business."""
    name, value = item
    if name in _NUMBERS and isinstance(value, IntegerAttr):
        return _NUMBERS[name].format(value.value.data)
    return _FLAGS.get(name)


def _symbol(name: str) -> str:
    """A name as LLVM writes it after `@`: quoted, with what a string may not hold as hexadecimal."""
    if name.isascii() and name.replace("_", "").replace(".", "").replace("$", "").isalnum():
        return name
    escaped = "".join(c if c.isprintable() and c.isascii() and c not in '"\\' else _escape(c) for c in name)
    return f'"{escaped}"'


def _escape(character: str) -> str:
    return "".join(f"\\{byte:02X}" for byte in character.encode())


def _number(op: Operation, name: str) -> int:
    value = op.properties[name]
    assert isinstance(value, IntegerAttr), f"{op.name}: {name} is a number"
    return value.value.data


def _reject_fast_math(op: Operation) -> None:
    flags = op.properties.get("fastmathFlags")
    if isinstance(flags, llvm.FastMathAttr) and flags.data:
        raise NotImplementedError(
            f"llvm: {op.name} with fast-math flags: every numeric freedom is a pass of ours"
        )


def _binary(w: _FunctionWriter, op: Operation) -> str:
    _reject_fast_math(op)
    lhs, rhs = op.operands
    flags = _OVERFLOW[_number(op, "overflowFlags")] if "overflowFlags" in op.properties else ""
    if "isExact" in op.properties:
        flags = " exact"
    return f"{_BINARY[op.name]}{flags} {w.typed(lhs)}, {w.names[rhs]}"


def _cast(w: _FunctionWriter, op: Operation) -> str:
    return f"{_CASTS[op.name]} {w.typed(op.operands[0])} to {w.type_of(op.results[0])}"


def _negate(w: _FunctionWriter, op: Operation) -> str:
    _reject_fast_math(op)
    return f"fneg {w.typed(op.operands[0])}"


def _compare_integers(w: _FunctionWriter, op: Operation) -> str:
    lhs, rhs = op.operands
    predicate = llvm.ICmpPredicateFlag.from_int(_number(op, "predicate")).value
    return f"icmp {predicate} {w.typed(lhs)}, {w.names[rhs]}"


def _compare_floats(w: _FunctionWriter, op: Operation) -> str:
    _reject_fast_math(op)
    lhs, rhs = op.operands
    predicate = llvm.FCmpPredicateFlag.from_int(_number(op, "predicate")).value.lstrip("_")
    return f"fcmp {predicate} {w.typed(lhs)}, {w.names[rhs]}"


def _select(w: _FunctionWriter, op: Operation) -> str:
    return f"select {', '.join(map(w.typed, op.operands))}"


def _intrinsic(w: _FunctionWriter, op: Operation) -> str:
    _reject_fast_math(op)
    overload = op.operands[len(op.operands) - 1]
    name = f"{_INTRINSICS[op.name]}.{overload_suffix(overload.type)}"
    arguments, declared = [w.typed(v) for v in op.operands], [w.type_of(v) for v in op.operands]
    if op.name in _TAIL_FLAGS:
        arguments.append(f"i1 {_number(op, _TAIL_FLAGS[op.name]) & 1}")
        declared.append("i1 immarg")
    return w.call(name, arguments, w.type_of(op.results[0]), declared)


def _call_intrinsic(w: _FunctionWriter, op: Operation) -> str:
    _reject_fast_math(op)
    name = op.properties["intrin"]
    assert isinstance(name, StringAttr), "an intrinsic has a name"
    result = w.type_of(op.results[0]) if op.results else "void"
    arguments, declared = [w.typed(v) for v in op.operands], [w.type_of(v) for v in op.operands]
    return w.call(name.data, arguments, result, declared)


def _load(w: _FunctionWriter, op: Operation) -> str:
    return f"load {w.type_of(op.results[0])}, {w.typed(op.operands[0])}{_alignment(op)}"


def _store(w: _FunctionWriter, op: Operation) -> str:
    return f"store {', '.join(map(w.typed, op.operands))}{_alignment(op)}"


def _alignment(op: Operation) -> str:
    return f", align {_number(op, 'alignment')}" if "alignment" in op.properties else ""


def _masked_load(w: _FunctionWriter, op: Operation) -> str:
    pointer, mask, pass_thru = op.operands
    vector, mask_type = w.type_of(pass_thru), w.type_of(mask)
    arguments = [
        f"ptr align {_number(op, 'alignment')} {w.names[pointer]}",
        w.typed(mask),
        w.typed(pass_thru),
    ]
    name = f"llvm.masked.load.{overload_suffix(pass_thru.type)}.p0"
    return w.call(name, arguments, vector, ["ptr", mask_type, vector])


def _masked_store(w: _FunctionWriter, op: Operation) -> str:
    value, pointer, mask = op.operands
    arguments = [w.typed(value), f"ptr align {_number(op, 'alignment')} {w.names[pointer]}", w.typed(mask)]
    name = f"llvm.masked.store.{overload_suffix(value.type)}.p0"
    return w.call(name, arguments, "void", [w.type_of(value), "ptr", w.type_of(mask)])


def _getelementptr(w: _FunctionWriter, op: Operation) -> str:
    assert isinstance(op, llvm.GEPOp), "getelementptr is a GEPOp"
    dynamic = iter(op.ssa_indices)
    constants = op.rawConstantIndices.get_values()
    indices = [w.typed(next(dynamic)) if c == llvm.GEP_USE_SSA_VAL else f"i32 {c}" for c in constants]
    inbounds = " inbounds" if op.inbounds is not None else ""
    return f"getelementptr{inbounds} {type_text(op.elem_type)}, {w.typed(op.ptr)}, {', '.join(indices)}"


def _alloca(w: _FunctionWriter, op: Operation) -> str:
    assert isinstance(op, llvm.AllocaOp), "alloca is an AllocaOp"
    return f"alloca {type_text(op.elem_type)}, {w.typed(op.size)}{_alignment(op)}"


def _insert_element(w: _FunctionWriter, op: Operation) -> str:
    return f"insertelement {', '.join(map(w.typed, op.operands))}"


def _extract_element(w: _FunctionWriter, op: Operation) -> str:
    return f"extractelement {', '.join(map(w.typed, op.operands))}"


def _shuffle_vector(w: _FunctionWriter, op: Operation) -> str:
    mask = op.properties["mask"]
    assert isinstance(mask, DenseArrayBase), "a mask is a list of numbers"
    positions = [int(position) for position in mask.get_values()]
    if any(positions):
        items = ", ".join("i32 poison" if p < 0 else f"i32 {p}" for p in positions)
        text = f"<{items}>"
    else:
        text = "zeroinitializer"
    return f"shufflevector {', '.join(map(w.typed, op.operands))}, <{len(positions)} x i32> {text}"


def _branch(w: _FunctionWriter, op: Operation) -> str:
    return f"br label %{w.labels[op.successors[0]]}"


def _branch_if(w: _FunctionWriter, op: Operation) -> str:
    then, otherwise = op.successors
    return f"br {w.typed(op.operands[0])}, label %{w.labels[then]}, label %{w.labels[otherwise]}"


def _call(w: _FunctionWriter, op: Operation) -> str:
    callee = op.properties["callee"]
    assert isinstance(callee, SymbolRefAttr), "a call names its function"
    result = w.type_of(op.results[0]) if op.results else "void"
    return f"call {result} @{_symbol(callee.string_value())}({', '.join(map(w.typed, op.operands))})"


def _return(w: _FunctionWriter, op: Operation) -> str:
    return f"ret {w.typed(op.operands[0])}" if op.operands else "ret void"


def _constant(op: Operation) -> str:
    return constant_text(op.properties["value"], op.results[0].type)


_INLINE: Mapping[str, Callable[[Operation], str]] = {
    "llvm.mlir.constant": _constant,
    "llvm.mlir.poison": lambda op: "poison",
    "llvm.mlir.undef": lambda op: "undef",
    "llvm.mlir.zero": lambda op: "zeroinitializer",
}
"""Ops that LLVM IR writes as operands."""

_WRITERS: Mapping[str, Writer] = {
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(_CASTS, _cast),
    **dict.fromkeys(_INTRINSICS, _intrinsic),
    "llvm.alloca": _alloca,
    "llvm.br": _branch,
    "llvm.call": _call,
    "llvm.call_intrinsic": _call_intrinsic,
    "llvm.cond_br": _branch_if,
    "llvm.extractelement": _extract_element,
    "llvm.fcmp": _compare_floats,
    "llvm.fneg": _negate,
    "llvm.getelementptr": _getelementptr,
    "llvm.icmp": _compare_integers,
    "llvm.insertelement": _insert_element,
    "llvm.intr.masked.load": _masked_load,
    "llvm.intr.masked.store": _masked_store,
    "llvm.load": _load,
    "llvm.return": _return,
    "llvm.select": _select,
    "llvm.shufflevector": _shuffle_vector,
    "llvm.store": _store,
    "llvm.unreachable": lambda w, op: "unreachable",
}


def translate(module: ModuleOp, attributes: str = "nounwind") -> str:
    """Write the module as LLVM IR; every function defined in it gets the function attributes given."""
    declarations: set[str] = set()
    lines: list[str] = []
    for op in module.body.block.ops:
        if not isinstance(op, llvm.FuncOp):
            raise NotImplementedError(f"llvm: {op.name} at the top of a module")
        lines += _FunctionWriter(op, declarations).lines()
    return "\n".join([*lines, *sorted(declarations), f"attributes #0 = {{ {attributes} }}", ""])
