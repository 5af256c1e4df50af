"""Cuts a model whose sizes are decided by values, or parts of which Python runs, into stages.

Each stage is a model of its own.

    %n = ... ; graph.bind %n ["rows"] ; %y = ... : tensor<?xf32, #graph.dims<["rows"]>>
->  stage: x -> n        then `rows` is read        stage: x -> y, at `rows`

An operation belongs to the first stage at which its operands and the sizes that it speaks of are there.
Constants belong to whoever reads them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.ir import Block, Operation, Region, SSAValue

from penstock.dialects.element_types import STRING
from penstock.dialects.graph.base import element_of
from penstock.dialects.graph.binding import BindOp, names_bound, symbols_in
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.host import HostOp
from penstock.dialects.module_requirements import ATTRIBUTE as REQUIREMENTS
from penstock.dialects.narrowing import strings
from penstock.packing import entry, names_of, tensor_info
from penstock.staged_package import HostStep

NAME = "graph.name"


@dataclass(frozen=True)
class Cut:
    """A module in stages: the steps in their order, and which value is which output of the model."""

    steps: tuple["ModuleOp | Binding | HostStep", ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class Binding:
    """The elements of a value become sizes; an empty name stands for one that is none."""

    value: str
    symbols: tuple[str, ...]
    nodes: tuple[str, ...]


def has_stages(module: ModuleOp) -> bool:
    """Whether a module of the graph level can only be run in stages."""
    return why_stages(module) is not None


def why_stages(module: ModuleOp) -> str | None:
    """Why a module of the graph level can only be run in stages; `None` where it need not."""
    block = entry(module).body.block
    ends = (*block.args, *(block.last_op.operands if block.last_op is not None else ()))
    called = dict.fromkeys(op.function.data for op in block.ops if isinstance(op, HostOp))
    if called:
        return f"the model has host operations, which Python runs ({', '.join(called)})"
    if any(element_of(value) == STRING for value in ends):
        return "the model takes or gives strings, which Python moves"
    is_bound = any(isinstance(op, BindOp) for op in block.ops)
    return "values of a run decide sizes in the model" if is_bound else None


def bound_symbols(module: ModuleOp) -> list[str]:
    """The sizes that values of a run decide."""
    return [name for op in entry(module).body.block.ops for name in names_bound(op)]


def cut(module: ModuleOp) -> Cut:
    """The stages of a module of the graph level; the module itself is left as it is."""
    main = entry(module)
    return _Cutter(module, main, _stages_of(main.body.block)).cut()


def _stages_of(block: Block) -> Mapping[Operation, int]:
    """The stage of each operation but constants.

    A binding ends the stage that it is in, and operations of the host come behind its code.
    """
    ops = [op for op in block.ops if not isinstance(op, ConstantOp | func.ReturnOp)]
    spoken = {op: set(symbols_in(op)).difference(names_bound(op)) for op in ops}
    stages = dict.fromkeys(ops, 0)
    before: Mapping[Operation, int] = {}
    # Passes may put what speaks of a size in front of what binds it.
    while stages != before:
        before = dict(stages)
        bound = {name: stages[op] + 1 for op in ops for name in names_bound(op)}
        for op in ops:
            makers = [v.owner for v in op.operands if isinstance(v.owner, Operation)]
            made = (stages.get(maker, 0) + _waits(op, maker) for maker in makers)
            stages[op] = max([*made, *(bound.get(name, 0) for name in spoken[op])], default=0)
    return stages


def _waits(op: Operation, maker: Operation) -> int:
    """How many stages an operation is behind the one whose value it reads."""
    return int(isinstance(maker, HostOp) and not isinstance(op, BindOp | HostOp))


@dataclass
class _Cutter:
    module: ModuleOp
    main: func.FuncOp
    stages: Mapping[Operation, int]
    names: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    """What the values are called that stages hand over."""

    def cut(self) -> Cut:
        """All stages, with the bindings behind those that they end."""
        block = self.main.body.block
        inputs = [name.data for name in names_of(self.main.arg_attrs)]
        self.names.update(zip(block.args, inputs, strict=True))
        returned = block.last_op
        assert isinstance(returned, func.ReturnOp), "a function ends with what it returns"
        last = max(self.stages.values(), default=0)
        steps = [step for stage in range(last + 1) for step in self._steps(stage, stage == last)]
        return Cut(tuple(steps), tuple(self._name(value) for value in returned.operands))

    def _steps(self, stage: int, is_last: bool) -> Iterator[ModuleOp | Binding | HostStep]:
        ops = [op for op in self.main.body.block.ops if self.stages.get(op) == stage]
        native = [op for op in ops if not isinstance(op, BindOp | HostOp)]
        constants = self._constants([op for op in ops if isinstance(op, BindOp)], is_last)
        given = self._given(native, [v for v in constants if element_of(v) != STRING])
        if given:
            yield self._module(native, given)
        yield from (self._constant(value) for value in constants if element_of(value) == STRING)
        for op in ops:
            if isinstance(op, HostOp):
                yield self._host(op)
            elif isinstance(op, BindOp):
                yield Binding(self._name(op.value), op.names, _nodes(op))

    def _given(self, ops: Sequence[Operation], constants: Sequence[SSAValue]) -> list[SSAValue]:
        """What a stage makes that others read, and constants."""
        inside = set(ops)
        made = [value for op in ops for value in op.results]
        return [*(v for v in made if any(use.operation not in inside for use in v.uses)), *constants]

    def _constants(self, bindings: Sequence[BindOp], is_last: bool) -> list[SSAValue]:
        """The constants that a size turned out to be, and with the last stage those that the model gives."""
        returned, bound = self.main.body.block.last_op, [op.value for op in bindings]
        values = [*bound, *(returned.operands if is_last and returned is not None else ())]
        return [value for value in dict.fromkeys(values) if isinstance(value.owner, ConstantOp)]

    def _constant(self, value: SSAValue) -> HostStep:
        """A constant of strings that the model gives."""
        assert isinstance(value.owner, ConstantOp), "it is a constant"
        output, array = tensor_info(self._name(value), value.type), value.owner.array
        return HostStep("Identity", {}, ("constant",), {"constant": array}, (output,), _nodes(value.owner))

    def _host(self, op: HostOp) -> HostStep:
        """A function of the host, with the constants that it reads."""
        owners = {self._name(value): value.owner for value in op.inputs}
        constants = {name: owner.array for name, owner in owners.items() if isinstance(owner, ConstantOp)}
        outputs = tuple(tensor_info(self._name(value), value.type) for value in op.outputs)
        operands = tuple(map(self._name, op.inputs))
        return HostStep(op.function.data, op.plain_options, operands, constants, outputs, _nodes(op))

    def _module(self, ops: Sequence[Operation], given: Sequence[SSAValue]) -> ModuleOp:
        """A module of its own for some operations."""
        read = dict.fromkeys(v for op in ops for v in op.operands)
        made = {value for op in ops for value in op.results}
        constants = [v for v in dict.fromkeys([*read, *given]) if isinstance(v.owner, ConstantOp)]
        taken = [v for v in read if v not in made and v not in constants]
        block = Block(arg_types=[v.type for v in taken])
        copies: dict[SSAValue, SSAValue] = dict(zip(taken, block.args, strict=True))
        for op in (*(v.owner for v in constants), *ops):
            assert isinstance(op, Operation), "constants are made by operations"
            block.add_op(op.clone(copies))
        block.add_op(func.ReturnOp(*(copies[v] for v in given)))
        kinds = ([v.type for v in taken], [v.type for v in given])
        names = [_named(self._name(v) for v in values) for values in (taken, given)]
        main = func.FuncOp(
            self.main.sym_name.data, kinds, Region(block), arg_attrs=names[0], res_attrs=names[1]
        )
        return ModuleOp([main], {k: v for k, v in self.module.attributes.items() if k != REQUIREMENTS})

    def _name(self, value: SSAValue) -> str:
        """The name of a value, after the node that makes it."""
        if value not in self.names:
            owner = value.owner
            nodes = _nodes(owner) if isinstance(owner, Operation) else ()
            self.names[value] = f"{nodes[0] if nodes else 'value'}#{len(self.names)}"
        return self.names[value]


def _nodes(op: Operation) -> tuple[str, ...]:
    """The nodes of the model that an operation comes from."""
    return strings(op.attributes.get("nodes"))


def _named(names: Iterable[str]) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr([DictionaryAttr({NAME: StringAttr(name)}) for name in names])
