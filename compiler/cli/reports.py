"""The tables of a compiled model: what it takes and gives, kernels, memory."""

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table

from penstock.cli.tables import table_of
from penstock.dialects.memory_plan import Placement, Plan
from penstock.package import STRINGS, KernelInfo, Symbol, TensorInfo

PICTURE_WIDTH = 48


def kernels_table(kernels: Iterable[KernelInfo], schedules: Mapping[str, str] | None = None) -> Table:
    """The distinct kernels, with the schedule in short where it is known."""
    header = ["kernel", "calls", "bytes of code", "nodes", *(["schedule"] if schedules is not None else [])]
    told = schedules or {}
    rows = [
        (k.name, str(k.calls), f"{k.size:,}", " ".join(dict.fromkeys(k.nodes)), told.get(k.name, ""))
        for k in kernels
    ]
    return table_of(header, [row[: len(header)] for row in rows], numbers=("calls", "bytes of code"))


def ends_table(inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> Table:
    """What a model takes and gives."""
    rows = [
        (
            role,
            t.name,
            t.dtype,
            "x".join(map(str, t.shape)) or "scalar",
            f"{t.nbytes:,}" if t.is_static and t.dtype != STRINGS else "",
        )
        for role, tensors in (("input", inputs), ("output", outputs))
        for t in tensors
    ]
    return table_of(("", "name", "type", "shape", "bytes"), rows, numbers=("bytes",))


def symbols_table(symbols: Iterable[Symbol]) -> Table:
    """The sizes that a call decides."""
    rows = [(s.name, str(s.least), "any" if s.most is None else str(s.most), str(s.hint)) for s in symbols]
    return table_of(
        ("size of a call", "least", "greatest", "hint"), rows, numbers=("least", "greatest", "hint")
    )


def memory_table(plan: Plan) -> Table:
    """The arena: where each value lies, and from which call to which it is alive."""
    last = max((p.interval.last for p in plan.placements), default=0)
    rows = [
        (
            p.interval.name,
            f"{p.offset:,}",
            f"{p.interval.size:,}",
            f"{p.interval.first}-{p.interval.last}",
            lifetime(p, last + 1),
        )
        for p in sorted(plan.placements, key=lambda p: (p.interval.first, p.offset))
    ]
    return table_of(("value", "offset", "bytes", "calls", "alive"), rows, numbers=("offset", "bytes"))


def lifetime(placed: Placement, steps: int) -> str:
    """A value's lifetime as a picture: one mark per call, or per several of them where there are many."""
    width = min(steps, PICTURE_WIDTH)
    first = placed.interval.first * width // steps
    last = max(placed.interval.last * width // steps, first)
    return "".join("█" if first <= at <= last else "·" for at in range(width))
