"""Cuts a model whose sizes are decided by values into stages, each a model of its own.

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

from penstock.dialects.graph.binding import BindOp, symbols_in
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.module_requirements import ATTRIBUTE as REQUIREMENTS
from penstock.dialects.narrowing import strings
from penstock.packing import entry, names_of

NAME = "graph.name"


@dataclass(frozen=True)
class Cut:
    """A module in stages: the steps in their order, and which value is which output of the model."""

    steps: tuple["ModuleOp | Binding", ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class Binding:
    """The elements of a value become sizes; an empty name stands for one that is none."""

    value: str
    symbols: tuple[str, ...]
    nodes: tuple[str, ...]


def has_stages(module: ModuleOp) -> bool:
    """Whether a module of the graph level can only be run in stages."""
    return any(isinstance(op, BindOp) for op in entry(module).body.block.ops)


def bound_symbols(module: ModuleOp) -> list[str]:
    """The sizes that values of a run decide."""
    ops = [op for op in entry(module).body.block.ops if isinstance(op, BindOp)]
    return [name for op in ops for name in op.names if name]


def cut(module: ModuleOp) -> Cut:
    """The stages of a module of the graph level; the module itself is left as it is."""
    main = entry(module)
    return _Cutter(module, main, _stages_of(main.body.block)).cut()


def _stages_of(block: Block) -> Mapping[Operation, int]:
    """The stage of each operation but constants; a binding ends the stage that it is in."""
    ops = [op for op in block.ops if not isinstance(op, ConstantOp | func.ReturnOp)]
    spoken = {op: symbols_in(op) for op in ops}
    stages = dict.fromkeys(ops, 0)
    before: Mapping[Operation, int] = {}
    # Passes may put what speaks of a size in front of what binds it.
    while stages != before:
        before = dict(stages)
        bound = {name: stages[op] + 1 for op in ops if isinstance(op, BindOp) for name in op.names}
        for op in ops:
            made = (stages.get(v.owner, 0) for v in op.operands if isinstance(v.owner, Operation))
            stages[op] = max([*made, *(bound.get(name, 0) for name in spoken[op])], default=0)
    return stages


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

    def _steps(self, stage: int, is_last: bool) -> Iterator[ModuleOp | Binding]:
        ops = [op for op in self.main.body.block.ops if self.stages.get(op) == stage]
        native = [op for op in ops if not isinstance(op, BindOp)]
        given = self._given(native, [op for op in ops if isinstance(op, BindOp)], is_last)
        if given:
            yield self._module(native, given)
        for op in ops:
            if isinstance(op, BindOp):
                yield Binding(self._name(op.value), op.names, strings(op.attributes.get("nodes")))

    def _given(self, ops: Sequence[Operation], bindings: Sequence[BindOp], is_last: bool) -> list[SSAValue]:
        """What a stage makes that others read.

        Constants that the model gives come with the last stage, those that a size turned out to be at once.
        """
        inside = set(ops)
        made = [value for op in ops for value in op.results]
        given: list[SSAValue] = [v for v in made if any(use.operation not in inside for use in v.uses)]
        returned = self.main.body.block.last_op
        if is_last and returned is not None:
            given += [v for v in dict.fromkeys(returned.operands) if isinstance(v.owner, ConstantOp)]
        return [*given, *dict.fromkeys(op.value for op in bindings if isinstance(op.value.owner, ConstantOp))]

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
            nodes = strings(owner.attributes.get("nodes")) if isinstance(owner, Operation) else ()
            self.names[value] = f"{nodes[0] if nodes else 'value'}#{len(self.names)}"
        return self.names[value]


def _named(names: Iterable[str]) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr([DictionaryAttr({NAME: StringAttr(name)}) for name in names])
