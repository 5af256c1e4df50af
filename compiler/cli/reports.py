"""What `compile` and `inspect` tell of a compiled model: size, kernels, memory."""

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table

from penstock.cli.tables import table_of
from penstock.dialects.memory_plan import Placement, Plan
from penstock.package import STRINGS, KernelInfo, Package, Symbol, TensorInfo
from penstock.staged_package import StagedPackage

PICTURE_WIDTH = 48


def summary(package: Package) -> str:
    """A compiled model in a line or two."""
    calls = sum(kernel.calls for kernel in package.kernels)
    if isinstance(package, StagedPackage):
        place = staged_text(package)
    else:
        place = f"{package.memory.arena:,} of arena (lower bound {package.memory.bound:,}){at_hints(package)}"
    lines = [
        f"{package.name} for {package.target.name}: {len(package.kernels)} kernels in {calls} calls, "
        f"{package.code_bytes:,} bytes of code, {package.weights_bytes:,} of weights, {place}",
    ]
    stated = numerics_text(package.numerics)
    return "\n".join([*lines, f"beyond exact rewriting: {stated}" if stated else "all passes were exact"])


def at_hints(package: Package) -> str:
    """The sizes for which figures are told that depend on them."""
    return " at " + ", ".join(f"{n} = {size}" for n, size in package.hints.items()) if package.hints else ""


def staged_text(package: StagedPackage) -> str:
    """How a model runs that does not run at once."""
    count, called = len(list(package.stages)), ", ".join(package.host_functions)
    stages = f"in {count} stages" if count != 1 else "in 1 stage"
    reason = f"with host operations run by Python: {called}" if called else "as values of a run decide sizes"
    return f"{stages}, {reason}"


def numerics_text(stated: Iterable[str]) -> str:
    """What passes did beyond exact rewriting, by kind: `contracts (contract-fma)`."""
    by_kind: dict[str, list[str]] = {}
    for each in stated:
        name, _, kind = each.partition(": ")
        by_kind.setdefault(kind, []).append(name)
    return ", ".join(f"{kind} ({', '.join(names)})" for kind, names in by_kind.items())


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


def requirements_text(requirements: Sequence[str]) -> str:
    """What must hold of the sizes of a call besides their bounds."""
    return "\n".join(["what the model needs of its sizes:", *(f"  {each}" for each in requirements)])


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
