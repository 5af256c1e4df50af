"""A compiled model in words: size, kernels, memory, numerics."""

from collections.abc import Iterable, Sequence

from penstock.package import Package
from penstock.staged_package import StagedPackage


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


def requirements_text(requirements: Sequence[str]) -> str:
    """What must hold of the sizes of a call besides their bounds."""
    return "\n".join(["what the model needs of its sizes:", *(f"  {each}" for each in requirements)])
