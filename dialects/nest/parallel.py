"""Work shared among threads: what a nest, a call and `main` say of it, from the schedule to the llvm level.

A loop marked `thread` runs from `part * extent / parts` to `(part + 1) * extent / parts`, both rounded up,
once its kernel is lowered: the kernel then takes `part` and `parts`.  A call of such a kernel says
`nest.parallel = parts`.  A `main` made for threads says `nest.threads`: at the llvm level it takes the
function that runs the parts.  So does a function that it calls to run a loop, and the call then hands it on.

A buffer that holds a copy for each part says along which axis, `nest.copies = axis`: nests speak of the first
copy, element 0 along that axis, and the lowering moves part p to element p.
"""

from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Operation, SSAValue

from penstock.dialects.narrowing import integer_value
from penstock.dialects.nest.ops import ComputeOp, DimAttr

THREAD = "thread"
PARTS_PER_THREAD = 4
"""Parts that a kernel is cut into at most, for each thread."""
COPIES = "nest.copies"
_PARTS = "nest.parallel"
_THREADS = "nest.threads"


def is_shared(dim: DimAttr) -> bool:
    """Whether the iterations of a loop are shared out among threads."""
    return dim.mark.data == THREAD


def shares_work(nest: ComputeOp) -> bool:
    """Whether a nest has a loop that is shared out."""
    return any(map(is_shared, nest.loops))


def parts_of(call: Operation) -> int | None:
    """The parts that a call is made in; `None` when it is one whole."""
    return _number(call, _PARTS)


def set_parts(call: Operation, parts: int) -> None:
    """Say in how many parts a call is made."""
    call.attributes[_PARTS] = IntegerAttr(parts, i64)


def threads_of(main: Operation) -> int | None:
    """The threads that a function, or a call of one, is made for; `None` when that is not its matter."""
    return _number(main, _THREADS)


def set_threads(main: Operation, threads: int) -> None:
    """Say how many threads a function, or a call of one, is made for."""
    main.attributes[_THREADS] = IntegerAttr(threads, i64)


def set_copies(allocation: Operation, axis: int) -> None:
    """Say that a buffer has a copy for each part, along an axis."""
    allocation.attributes[COPIES] = IntegerAttr(axis, i64)


def copies_of(function: func.FuncOp) -> dict[SSAValue, int]:
    """The arguments of a kernel that hold a copy for each part, and along which axis."""
    if function.arg_attrs is None:
        return {}
    pairs = zip(function.body.block.args, function.arg_attrs.data, strict=True)
    axes = ((argument, marks.data.get(COPIES)) for argument, marks in pairs)
    return {argument: integer_value(axis) for argument, axis in axes if axis is not None}


def _number(op: Operation, name: str) -> int | None:
    given = op.attributes.get(name)
    return None if given is None else integer_value(given)
