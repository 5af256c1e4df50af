"""What came of all mutants: a table to read, and a file for each finding."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.fuzz.mutants import Mutant
from tools.fuzz.trial import Verdict


@dataclass
class Tally:
    """Counts of verdicts, and the findings by number of the mutant."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    findings: dict[int, Verdict] = field(default_factory=dict[int, Verdict])

    def add(self, number: int, verdict: Verdict) -> None:
        """Count a verdict."""
        self.counts[verdict.stage, verdict.ended] += 1
        if verdict.finding:
            self.findings[number] = verdict

    def show(self, console: Console, seconds: float) -> None:
        """Print the table."""
        total = self.counts.total()
        table = Table(title=f"{total:,} mutants in {seconds:,.0f} s, {len(self.findings)} findings")
        for title in ("stage", "ended", "mutants", "share"):
            table.add_column(title, justify="right" if title in ("mutants", "share") else "left")
        for (stage, ended), count in sorted(self.counts.items()):
            table.add_row(stage, ended, f"{count:,}", f"{count / total:.1%}")
        console.print(table)
        for number, verdict in sorted(self.findings.items()):
            console.print(f"{number}: {verdict.stage}: {verdict.finding}", markup=False, highlight=False)


def keep(folder: Path, found: Mutant, verdict: Verdict, command: str) -> None:
    """Write a mutant and how to repeat what it did."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{found.number}.onnx").write_bytes(found.data)
    lines = [f"from {found.seed}: {found.words}", f"{verdict.stage}: {verdict.finding}", command, ""]
    (folder / f"{found.number}.txt").write_text("\n".join(lines), encoding="utf-8")
