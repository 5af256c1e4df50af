"""Regions of branches and loops that are decided at run time: what they read from outside, what they give."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from penstock.dialects.graph.base import Dim, element_of, integer, shape_of, size_of, tensor_of
from penstock.dialects.graph.binding import BindOp, is_needed
from penstock.dialects.graph.control import IfOp, LoopOp, YieldOp
from penstock.dialects.graph.elementwise import CastOp, SubOp
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.requirements import equal
from penstock.dialects.sizes import subtracted
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.unsupported import Unsupported


@contextmanager
def region(types: Sequence[Attribute] = ()) -> Generator[Block]:
    """A block to be filled; if that fails, nothing of it is left."""
    block = Block(arg_types=types)
    try:
        yield block
    except Exception:
        discard(block)
        raise


def discard(block: Block) -> None:
    """Let a block that nobody needs read nothing any more."""
    for op in block.ops:
        op.drop_all_references()


def end_region(block: Block, values: Sequence[SSAValue]) -> None:
    """End a block with what it gives, without what was needed only to know sizes and constants."""
    block.add_op(YieldOp(values))
    erase_unused(block)


def erase_unused(block: Block) -> None:
    """Drop what nothing reads but the import."""
    for op in reversed(list(block.ops)):
        if not isinstance(op, BindOp | ReturnOp | YieldOp) and not is_needed(op):
            op.detach()
            op.erase()


def keep_shape(build: Builder, value: SSAValue, state: SSAValue) -> SSAValue:
    """What becomes of a state, under the formulas of its sizes: where they differ, a call has to be right."""
    old, new = shape_of(state), shape_of(value)
    pairs = [pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]]
    if len(old) != len(new) or not pairs or not all(_may_be_equal(a, b) for a, b in pairs):
        return value
    for a, b in pairs:
        build.hold(equal(size_of(b), size_of(a)))
    return build.reshape(value, old)


def _may_be_equal(a: Dim, b: Dim) -> bool:
    """Whether two sizes with different formulas are equal in some call."""
    return "?" not in (a, b) and not isinstance(subtracted(size_of(a), size_of(b)), int)


def isolate(blocks: Sequence[Block]) -> list[SSAValue]:
    """Turn what blocks read from outside into arguments, behind those that they have; the values."""
    read = (operand for block in blocks for op in block.ops for operand in op.operands)
    outside = list(dict.fromkeys(value for value in read if home_of(value) not in blocks))
    for block in blocks:
        inside = {value: block.insert_arg(value.type, len(block.args)) for value in outside}
        for op in block.ops:
            op.operands = [inside.get(operand, operand) for operand in op.operands]
    return outside


def home_of(value: SSAValue) -> Block | None:
    """The block where a value is made."""
    owner = value.owner
    return owner.parent_block() if isinstance(owner, Operation) else owner


def scalar(build: Builder, value: SSAValue) -> SSAValue:
    """A tensor of one element without dims; `Unsupported` when it has more."""
    sizes = [size for size in shape_of(value) if size != 1]
    if sizes:
        raise Unsupported(f"a condition or count of shape {list(shape_of(value))}", "Give one number.")
    return build.reshape(value, [])


def count(build: Builder, value: SSAValue) -> SSAValue:
    """A tensor of one integer as a number of 64 bits."""
    number = scalar(build, value)
    return number if element_of(number) == i64 else build.op(CastOp, [number], {"to": i64})


def branch(build: Builder, condition: SSAValue, then: Block, otherwise: Block) -> list[SSAValue]:
    """What one of two blocks gives; both are ended, and read from outside as they like."""
    for a, b in zip(_given(then), _given(otherwise), strict=True):
        if a.type != b.type:
            reason = f"its branches give {_told(a)} and {_told(b)}"
            raise Unsupported(reason, "Export it so that both branches give the same shape.")
    flag, captures = scalar(build, condition), isolate([then, otherwise])
    return build.add(IfOp.of(flag, captures, then, otherwise))


def only_branch(
    build: Builder, condition: SSAValue, wanted: bool, values: Sequence[SSAValue]
) -> list[SSAValue]:
    """What a branch gives whose other branch cannot be computed: that one is a position outside."""
    flag = build.op(CastOp, [scalar(build, condition)], {"to": i64})
    if wanted:
        flag = build.op(SubOp, [build.constant(np.array(1)), flag])
    place = {"axis": integer(0)}
    message = (
        f"its condition is {str(not wanted).lower()}, and that branch does not fit the shapes of the inputs"
    )
    return [build.indexing(GatherOp, [build.unsqueeze(value, [0]), flag], place, message) for value in values]


def loop(
    build: Builder,
    body: Block,
    *,
    limit: SSAValue | None = None,
    going: SSAValue | None = None,
    states: Sequence[SSAValue] = (),
    scans: Sequence[SSAValue] = (),
    steps: Dim | None = None,
    backwards: Sequence[int] = (),
    is_conditional: bool = False,
) -> list[SSAValue]:
    """The last states of a loop and what it collects; the block is ended, and reads what it likes."""
    following = _given(body)[is_conditional:]
    for old, new in zip(states, following, strict=False):
        if old.type != new.type or "?" in shape_of(old):
            reason = f"a state of its loop begins as {_told(old)} and becomes {_told(new)}"
            raise Unsupported(reason, "Export the loop with states that keep their type and shape.")
    length_is_known = not is_conditional and limit is None and going is None
    if len(following) > len(states) and not length_is_known:
        reason = "what its loop collects has a length that is known only when it has run"
        raise Unsupported(reason, "Export the loop for a fixed number of iterations.")
    captures = isolate([body])
    return build.add(
        LoopOp.of(
            body,
            limit=limit,
            going=going,
            states=states,
            scans=scans,
            captures=captures,
            steps=steps,
            backwards=backwards,
            is_conditional=is_conditional,
        )
    )


def _given(block: Block) -> Sequence[SSAValue]:
    assert isinstance(block.last_op, YieldOp), "the block was ended"
    return block.last_op.values


def _told(value: SSAValue) -> str:
    return f"{list(shape_of(value))} of {tensor_of(value).get_element_type()}"
