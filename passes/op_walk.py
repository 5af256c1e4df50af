"""All operations inside of one, for passes on kernels of ten thousand of them."""

from collections.abc import Iterator

from xdsl.ir import Operation


def every_op(op: Operation) -> Iterator[Operation]:
    """An operation and all inside of it, in order; nothing may be inserted or erased meanwhile.

    xDSL's own walk hands each operation up through a generator for every region that it stands in.
    """
    pending = [op]
    while pending:
        each = pending.pop()
        yield each
        for region in reversed(each.regions):
            for block in reversed(region.blocks):
                pending.extend(reversed(list(block.ops)))
