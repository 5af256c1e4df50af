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
    "YieldOp",
    "parallel",
    "reduction",
]

Nest = Dialect("nest", [ComputeOp, ApplyOp, ConstantOp, YieldOp], [DimAttr, AccessAttr])
