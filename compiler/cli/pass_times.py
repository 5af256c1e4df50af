"""What `compile --timing` tells: each pass with its time and what it changed, and what LLVM took."""

from rich.table import Table

from penstock.cli.tables import table_of
from penstock.pass_statistics import PassStatistics, slowest

SHOWN_CHANGES = 3
SHOWN_KERNELS = 5


def statistics_table(counted: PassStatistics) -> Table:
    """Each pass in order: its time, and what it changed."""
    header = ("phase", "pass", "time", "ops before", "ops after", "changed most")
    rows = [
        (
            each.phase,
            each.name,
            f"{each.seconds * 1e3:.1f} ms",
            f"{each.before:,}",
            f"{each.after:,}",
            each.largest(SHOWN_CHANGES),
        )
        for each in counted.records
    ]
    return table_of(header, rows, numbers=header[2:5])


def code_summary(counted: PassStatistics) -> str:
    """Where the machine code came from, and what LLVM took for it."""
    seconds = counted.code_seconds
    passes = sum(each.seconds for each in counted.records)
    longest = ", ".join(f"{name} {s * 1e3:.0f} ms" for name, s in slowest(seconds, SHOWN_KERNELS))
    return "\n".join(
        [
            f"passes: {passes:.2f} s",
            f"LLVM: {sum(seconds.values()):.2f} s for {len(seconds)} functions"
            + (f", {longest}" * bool(longest)),
            f"from the cache: {len(counted.from_cache)} functions",
        ]
    )
