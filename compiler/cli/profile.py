"""What `penstock bench` measures and tells of a model's kernels and of the machine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import click
from rich.table import Table

from penstock.cli.summary import at_hints
from penstock.cli.tables import Array, show, table_of
from penstock.machine_speed import MachineSpeed, machine_speed
from penstock.model import CompiledModel
from penstock.package import KernelInfo
from penstock.profiling import Profile, profile
from penstock.timeline import write_timeline

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


def show_profile(
    compiled: CompiledModel,
    arrays: Mapping[str, Array],
    seconds: float,
    shows_calls: bool,
    trace_file: Path | None,
) -> None:
    """Measure a model kernel by kernel, show it, and write the timeline if one is wanted."""
    speed = machine_speed()
    profiled = profile(compiled, arrays, budget=seconds)
    rows = rows_by_call(profiled) if shows_calls else rows_by_kernel(profiled)
    show(profile_table(rows, speed))
    click.echo(f"{profile_summary(profiled, speed)}\n{speed_text(speed)}")
    if trace_file is not None:
        write_timeline(profiled, trace_file)
        click.echo(f"{trace_file}  {trace_file.stat().st_size:,} bytes")


def show_machine(seconds: float) -> None:
    """Measure what one core can do, and show it."""
    show(speed_table(machine_speed(seconds)))


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


def rows_by_call(measured: Profile) -> list[Row]:
    """A row for each call, in order."""
    kernels = {kernel.name: kernel for kernel in measured.package.kernels}
    pairs = zip(measured.package.calls, measured.fastest, strict=True)
    return [Row(kernels[call.kernel], 1, time, call.nodes) for call, time in pairs]


def rows_by_kernel(measured: Profile) -> list[Row]:
    """A row for each kernel, the one that takes most time first."""
    times: dict[str, int] = {}
    for call, time in zip(measured.package.calls, measured.fastest, strict=True):
        times[call.kernel] = times.get(call.kernel, 0) + time
    kernels = measured.package.kernels
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


def profile_summary(measured: Profile, speed: MachineSpeed) -> str:
    """The whole model: its time, arithmetic and bytes, and what profiling itself costs."""
    rows = rows_by_call(measured)
    flops, moved, best = sum(r.flops for r in rows), sum(r.moved for r in rows), sum(r.time for r in rows)
    rate, threads = flops / (measured.plain * NANO), measured.package.threads
    where = f"{f' on {threads} threads' * (threads > 1)}{at_hints(measured.package)}"
    how = "all parts on one thread" if threads > 1 else f"{measured.overhead:+.1%} against one call"
    return (
        f"one call{where}: {measured.plain / 1e6:.3f} ms, "
        f"{flops / 1e9:.3f} GFLOP, {rate / 1e9:.1f} GFLOP/s, {rate / speed.peak:.0%} of one core's peak; "
        f"its kernels move {moved / 1e6:.1f} MB\n"
        f"kernel by kernel: {measured.profiled / 1e6:.3f} ms for {len(rows)} calls, {how}; "
        f"{best / 1e6:.3f} ms with the best time of each; {measured.repetitions} repetitions"
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
