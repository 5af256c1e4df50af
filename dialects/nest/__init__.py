"""The `nest` dialect: buffers and scheduled loop nests (see `ops`) over linear index maps (see `access`)."""

from xdsl.ir import Dialect

from penstock.dialects.nest.access import Access, AccessAttr
from penstock.dialects.nest.ops import (
    ApplyOp,
    ComputeOp,
    ConstantOp,
    DimAttr,
    Read,
    Write,
    YieldOp,
    parallel,
    reduction,
)
from penstock.dialects.nest.sizes import RowOp, SizeAttr, SizeOp, SizesAttr, ViewOp

__all__ = [
    "Access",
    "AccessAttr",
    "ApplyOp",
    "ComputeOp",
    "ConstantOp",
    "DimAttr",
    "Read",
    "Write",
    "Nest",
    "RowOp",
    "SizeAttr",
    "SizeOp",
    "SizesAttr",
    "ViewOp",
    "YieldOp",
    "parallel",
    "reduction",
]

Nest = Dialect(
    "nest",
    [ComputeOp, ApplyOp, ConstantOp, YieldOp, SizeOp, ViewOp, RowOp],
    [DimAttr, AccessAttr, SizeAttr, SizesAttr],
)
