"""The Hypothesis strategy that draws random valid modules of the `graph` level."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.vendor.pretty import for_type_by_name
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Region, SSAValue

from penstock.dialects.element_types import is_float
from penstock.testing.canvas import Canvas
from penstock.testing.families import CONTINUOUS, FAMILIES, OF_REALS

# In a report of a failing example a module is its text.
for_type_by_name(ModuleOp.__module__, ModuleOp.__name__, lambda module, p, cycle: p.text(str(module)))

LIMIT = 1024
"""Elements of the largest tensor."""


@st.composite
def graph_modules(
    draw: st.DrawFn,
    ops: Sequence[str] = tuple(CONTINUOUS),
    max_ops: int = 6,
    elements: Sequence[Attribute] = (f32,),
    limit: int = LIMIT,
) -> ModuleOp:
    """A verified module whose `@main` computes something from inputs and constants.

    `ops` are names of families (`penstock.testing.families.FAMILIES`), by default all continuous ones;
    `elements` are the element types of inputs.
    """
    canvas = Canvas(draw, elements, limit)
    wanted = [name for name in ops if name not in OF_REALS or any(map(is_float, elements))]
    canvas.input(canvas.shape(1, 4), canvas.choose(elements))
    steps = 0
    while steps < max_ops and draw(_step(canvas, wanted, steps == 0)):
        steps += 1
    module = _module(canvas)
    module.verify()
    return module


@st.composite
def _step(draw: st.DrawFn, canvas: Canvas, ops: Sequence[str], must: bool) -> bool:
    """Draw one more operation, or end; the whole of it is one span, which shrinking can leave out."""
    more = draw(st.integers(0, 9)) > 0 or must
    if more:
        FAMILIES[canvas.choose(ops)](canvas)
    return more


def _module(canvas: Canvas) -> ModuleOp:
    block, results = canvas.block, _results(canvas)
    block.add_op(ReturnOp(*results))
    types = ([a.type for a in block.args], [r.type for r in results])
    names = [_names("x", len(block.args)), _names("y", len(results))]
    return ModuleOp([FuncOp("main", types, Region(block), arg_attrs=names[0], res_attrs=names[1])])


def _results(canvas: Canvas) -> list[SSAValue]:
    """The last value, and some of the others: what is not returned and feeds nothing is dead code."""
    *others, last = canvas.values
    return [last, *(value for value in others if canvas.seldom())]


def _names(letter: str, count: int) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr([DictionaryAttr({"graph.name": StringAttr(f"{letter}{i}")}) for i in range(count)])
