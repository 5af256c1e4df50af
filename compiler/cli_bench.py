"""What `penstock bench` tells of a profile and of the machine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rich.table import Table

from penstock.cli_tables import table_of
from penstock.machine_speed import MachineSpeed
from penstock.package import KernelInfo
from penstock.profiling import Profile

HEADER = (
    "kernel",
    "ms",
    "share",
    "calls",
    "MFLOP",
    "GFLOP/s",
    "of peak",
    "MB",
    "of roofline",
    "loops",
    "nodes",
)
SHOWN_NODES = 2
NANO = 1e-9


@dataclass(frozen=True)
class Row:
    """A line of a profile: calls of one kernel, the nanoseconds that they took, the nodes that they serve."""

    kernel: KernelInfo
    calls: int
    time: int
    nodes: Sequence[str]

    @property
    def flops(self) -> int:
        """Their floating-point operations."""
        return self.calls * self.kernel.flops

    @property
    def moved(self) -> int:
        """The bytes that they read and write."""
        return self.calls * self.kernel.moved


def rows_by_call(profile: Profile) -> list[Row]:
    """A row for each call, in order."""
    kernels = {kernel.name: kernel for kernel in profile.package.kernels}
    pairs = zip(profile.package.calls, profile.fastest, strict=True)
    return [Row(kernels[call.kernel], 1, time, call.nodes) for call, time in pairs]


def rows_by_kernel(profile: Profile) -> list[Row]:
    """A row for each kernel, the one that takes most time first."""
    times: dict[str, int] = {}
    for call, time in zip(profile.package.calls, profile.fastest, strict=True):
        times[call.kernel] = times.get(call.kernel, 0) + time
    kernels = profile.package.kernels
    rows = [Row(kernel, kernel.calls, times[kernel.name], kernel.nodes) for kernel in kernels]
    return sorted(rows, key=lambda row: -row.time)


def profile_table(rows: Iterable[Row], speed: MachineSpeed) -> Table:
    """The rows with their shares of the whole time and of what the machine can do."""
    shown = list(rows)
    whole = sum(row.time for row in shown)
    return table_of(HEADER, [_cells(row, whole, speed) for row in shown], numbers=HEADER[1:9])


def _cells(row: Row, whole: int, speed: MachineSpeed) -> tuple[str, ...]:
    seconds = max(row.time, 1) * NANO
    rate = row.flops / seconds
    least = row.calls * speed.least_seconds(row.kernel.flops, row.kernel.moved)
    return (
        row.kernel.name,
        f"{row.time / 1e6:.3f}",
        f"{row.time / max(whole, 1):.1%}",
        str(row.calls),
        f"{row.flops / 1e6:.2f}",
        f"{rate / 1e9:.1f}",
        f"{rate / speed.peak:.0%}",
        f"{row.moved / 1e6:.2f}",
        f"{least / seconds:.0%}",
        row.kernel.loops,
        short_nodes(row.nodes),
    )


def short_nodes(nodes: Sequence[str]) -> str:
    """The last parts of the first nodes' names, and how many more there are."""
    distinct = list(dict.fromkeys(nodes))
    told = " ".join("/".join(PurePosixPath(node).parts[-2:]) for node in distinct[:SHOWN_NODES])
    more = len(distinct) - SHOWN_NODES
    return f"{told} +{more}" if more > 0 else told


def profile_summary(profile: Profile, speed: MachineSpeed) -> str:
    """The whole model: its time, arithmetic and bytes, and what profiling itself costs."""
    rows = rows_by_call(profile)
    flops, moved, best = sum(r.flops for r in rows), sum(r.moved for r in rows), sum(r.time for r in rows)
    rate, threads = flops / (profile.plain * NANO), profile.package.threads
    how = "all parts on one thread" if threads > 1 else f"{profile.overhead:+.1%} against one call"
    return (
        f"one call{f' on {threads} threads' * (threads > 1)}: {profile.plain / 1e6:.3f} ms, "
        f"{flops / 1e9:.3f} GFLOP, {rate / 1e9:.1f} GFLOP/s, {rate / speed.peak:.0%} of one core's peak; "
        f"its kernels move {moved / 1e6:.1f} MB\n"
        f"kernel by kernel: {profile.profiled / 1e6:.3f} ms for {len(rows)} calls, {how}; "
        f"{best / 1e6:.3f} ms with the best time of each; {profile.repetitions} repetitions"
    )


def speed_text(speed: MachineSpeed) -> str:
    """The measured limits in a line."""
    rates = ", ".join(f"{each.where} {each.rate / 1e9:.1f} GB/s" for each in speed.bandwidths)
    return f"one core: {speed.peak / 1e9:.1f} GFLOP/s of multiply-adds; {rates}"


def speed_table(speed: MachineSpeed) -> Table:
    """The measured limits of one core."""
    rates = [
        (f"bandwidth, {each.where}", f"{each.rate / 1e9:.1f} GB/s", f"{each.size:,}")
        for each in speed.bandwidths
    ]
    header = ("one core", "measured", "bytes")
    peak = ("fused multiply-adds", f"{speed.peak / 1e9:.1f} GFLOP/s", "")
    return table_of(header, [peak, *rates], numbers=header[1:])
