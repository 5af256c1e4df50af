"""Scan: a loop over the slices of some of its inputs, written out where it is short."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import Dim, rank_of, size_of
from penstock.dialects.graph.base import tensor as tensor_type
from penstock.dialects.requirements import equal
from penstock.onnx_import.axes import front_axis, require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.loops import FEW_NODES, Body, tensor
from penstock.onnx_import.node import Node
from penstock.onnx_import.regions import end_region, keep_shape, loop, region
from penstock.onnx_import.terms import Term, stack
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.values import Values


@dataclass(frozen=True)
class Side:
    """Along which axis a value is cut or joined, and whether from its end."""

    axis: int
    reverse: bool


@dataclass(frozen=True)
class Whole:
    """A scan: its body, what it starts from and goes through, and how that is cut and results are joined."""

    node: Node
    body: Body
    states: Sequence[Term]
    scans: Sequence[Term]
    cut: Sequence[Side]
    joined: Sequence[Side]
    path: str = ""
    """What the nodes of its iterations are named by."""


def import_scan(node: Node, build: Builder, body: Body) -> Values:
    """Scan: one iteration for each slice of some inputs; up to opset 8, for each element of a batch."""
    count = node.int("num_scan_inputs")
    values = [Term(build, node.input(i)) for i in range(1 if node.opset < 9 else 0, len(node.inputs))]
    require(node, 0 < count <= len(values), f"{count} of {len(values)} inputs are scanned")
    states, scans = values[: len(values) - count], values[len(values) - count :]
    outputs = len(body.graph.output) - len(states)
    require(node, outputs >= 0, f"a body of {len(body.graph.output)} outputs for {len(states)} states")
    if node.opset >= 9:
        cut = _sides(node, "input", [rank_of(s.value) for s in scans])
        joined = _sides(node, "output", [None] * outputs)
        return [t.value for t in _scan(Whole(node, body, states, scans, cut, joined))]
    if node.optional(0) is not None:
        raise Unsupported("a Scan with sequence lengths", "Export with opset 9 or later.")
    directions = node.ints("directions", [0] * count)
    ranks = [len(v.shape) for v in values]
    require(node, min(ranks) > 0 and min(ranks[-count:]) > 1, f"inputs of ranks {ranks} have no batch")
    require(node, len(directions) == count, f"{len(directions)} directions of {count} inputs")
    cut, joined = [Side(0, d == 1) for d in directions], [Side(0, False)] * outputs
    batch = _count(build, [value.shape[0] for value in values])
    if isinstance(batch, str):
        return [*_for_each(Whole(node, body, states, scans, cut, joined), batch)]
    each = range(batch)
    runs = [_scan(Whole(node, body, _each(states, b), _each(scans, b), cut, joined, f"{b}/")) for b in each]
    return [stack(parts, 0).value for parts in zip(*runs, strict=True)]


def _for_each(whole: Whole, batch: Dim) -> list[SSAValue]:
    """A scan for each element of a batch, as a loop over them."""
    build, count = whole.scans[0].build, len(whole.states)
    values = [value.reshape(batch, *value.shape[1:]) for value in (*whole.states, *whole.scans)]
    types = [tensor_type(value.shape[1:], value.element) for value in values]
    with region([tensor_type([], i64), *types]) as block:
        given = [Term(build.inside(block), argument) for argument in block.args[1:]]
        made = _scan(replace(whole, states=given[:count], scans=given[count:]))
        end_region(block, [term.value for term in made])
        return loop(build, block, scans=[value.value for value in values], steps=batch)


def _each(values: Sequence[Term], element: int) -> list[Term]:
    return [value.at(0, element) for value in values]


def _sides(node: Node, which: str, ranks: Sequence[int | None]) -> list[Side]:
    axes = node.ints(f"scan_{which}_axes", [0] * len(ranks))
    directions = node.ints(f"scan_{which}_directions", [0] * len(ranks))
    require(node, len(axes) == len(directions) == len(ranks), f"axes {axes} and directions {directions}")
    # The rank of an output is known when there is one.
    sides = zip(axes, directions, ranks, strict=True)
    return [Side(axis if rank is None else front_axis(node, axis, rank), d == 1) for axis, d, rank in sides]


def _scan(whole: Whole) -> list[Term]:
    """The last states, and what the iterations give beside them, side by side."""
    cut = zip(whole.scans, whole.cut, strict=True)
    lengths = [scan.shape[side.axis] for scan, side in cut]
    known = {length for length in lengths if isinstance(length, int)}
    require(whole.node, len(known) < 2, f"the scanned inputs have {sorted(known)} slices")
    steps = _count(whole.scans[0].build, lengths)
    if isinstance(steps, str):
        return _scan_op(whole, steps)
    if steps == 0 and whole.joined:
        raise Unsupported("what a scan of nothing collects has no shape", "Remove the scan.")
    written_out = partial(_unrolled_scan, whole, steps)
    decided = partial(_scan_op, whole, steps)
    if whole.body.nodes(steps) <= FEW_NODES:
        return written_out()
    return whole.body.first_of(decided, written_out)


def _count(build: Builder, lengths: Sequence[Dim]) -> Dim:
    """The size that all of some are, a number if one of them is; calls are held to it."""
    if "?" in lengths:
        raise Unsupported("a size depends on values in a loop or branch", "Compute it outside of them.")
    (steps, *_) = [*(length for length in lengths if isinstance(length, int)), *lengths]
    for length in lengths:
        build.hold(equal(size_of(length), size_of(steps)))
    return steps


def _scan_op(whole: Whole, steps: Dim) -> list[Term]:
    """The scan as an operation, which cuts and joins along the first axis."""
    node, states, build = whole.node, whole.states, whole.scans[0].build
    moved = [_front_first(scan, side.axis) for scan, side in zip(whole.scans, whole.cut, strict=True)]
    moved = [scan.reshape(steps, *scan.shape[1:]) for scan in moved]
    given = [s.value.type for s in states]
    given += [tensor_type(scan.shape[1:], scan.element) for scan in moved]
    backwards = [i for i, side in enumerate((*whole.cut, *whole.joined)) if side.reverse]
    values = [[t.value for t in terms] for terms in (states, moved)]
    with region([tensor_type([], i64), *given]) as block:
        inside = build.inside(block)
        outputs = [tensor(node, value) for value in whole.body.iterate("", block.args[1:], block)]
        kept = [keep_shape(inside, v, s) for v, s in zip(outputs, values[0], strict=False)]
        end_region(block, [*kept, *outputs[len(kept) :]])
        made = loop(build, block, states=values[0], scans=values[1], steps=steps, backwards=backwards)
    collected = zip(made[len(states) :], whole.joined, strict=True)
    return [
        *(Term(build, v) for v in made[: len(states)]),
        *(_put_back(node, Term(build, v), side) for v, side in collected),
    ]


def _front_first(term: Term, axis: int) -> Term:
    return term.transpose(axis, *(i for i in range(len(term.shape)) if i != axis))


def _put_back(node: Node, term: Term, side: Side) -> Term:
    """The first axis moved to where it is wanted."""
    axis, order = front_axis(node, side.axis, len(term.shape)), list(range(1, len(term.shape)))
    return term.transpose(*order[:axis], 0, *order[axis:])


def _unrolled_scan(whole: Whole, steps: int) -> list[Term]:
    """The scan written out."""
    node, states, build = whole.node, whole.states, whole.scans[0].build
    whole.body.check(steps)
    collected: list[list[SSAValue]] = []
    for step in range(steps):
        slices = [
            scan.at(side.axis, steps - 1 - step if side.reverse else step)
            for scan, side in zip(whole.scans, whole.cut, strict=True)
        ]
        given = [term.value for term in (*states, *slices)]
        made = [tensor(node, value) for value in whole.body.iterate(f"{whole.path}{step}", given)]
        states = [Term(build, value) for value in made[: len(states)]]
        collected.append(made[len(states) :])
    parts = [[Term(build, v) for v in values] for values in zip(*collected, strict=True)]
    return [*states, *(_joined(node, p, side) for p, side in zip(parts, whole.joined, strict=True))]


def _joined(node: Node, parts: Sequence[Term], side: Side) -> Term:
    axis = front_axis(node, side.axis, rank_of(parts[0].value) + 1)
    return stack(parts[::-1] if side.reverse else parts, axis)
