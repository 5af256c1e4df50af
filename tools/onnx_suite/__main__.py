"""Runs ONNX's official conformance suite, and writes down what is supported.

\b
python -m tools.onnx_suite               all cases; writes docs/onnx_support.md and .json
python -m tools.onnx_suite --mode constant   the same with inputs turned into constants
python -m tools.onnx_suite --mode dynamic    the same with every size of every input open
python -m tools.onnx_suite --filter conv some cases; prints what does not pass
python -m tools.onnx_suite --sample 25   every 25th case that passed; fails if one no longer does
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from tools.onnx_suite.cases import Case, load_cases
from tools.onnx_suite.judge import GOOD, RUNS, STATIC, Outcome, ending, judge
from tools.onnx_suite.report import Result, read_results, write_report
from tools.pool import Ended, run_all

DOCS = Path(__file__).parent.parent.parent / "docs"


@click.command(help=__doc__)
@click.option(
    "--mode", type=click.Choice(list(RUNS)), default=STATIC, show_default=True, help="What inputs are."
)
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Cases at a time.")
@click.option("--timeout", default=300.0, show_default=True, help="Seconds that a case may take.")
@click.option("--filter", "part", default="", help="Only cases with this in their names; writes no report.")
@click.option("--sample", default=0, help="Only every n-th of the cases that passed; writes no report.")
@click.option("--out", default=DOCS, type=Path, show_default=True, help="Where the report goes.")
def main(mode: str, jobs: int, timeout: float, part: str, sample: int, out: Path) -> None:
    """The command."""
    cases = chosen(load_cases(), mode, part, sample, out)
    results = run(cases, mode, jobs, timeout)
    if not part and not sample:
        write_report(results, out, mode)
    bad = [result for result in results if result.outcome.status not in GOOD]
    for result in bad if part or sample else []:
        click.echo(f"{result.case}: {result.outcome.status}: {result.outcome.reason}")
    click.echo(f"{len(results) - len(bad)} of {len(results)} cases pass")
    sys.exit(1 if sample and bad else 0)


def chosen(cases: Sequence[Case], mode: str, part: str, sample: int, out: Path) -> list[Case]:
    """The cases to run."""
    named = [case for case in cases if part in case.name]
    if not sample:
        return named
    passed = {name for name, outcome in read_results(out, mode).items() if outcome.status in GOOD}
    return [case for case in named if case.key in passed][::sample]


def run(cases: Sequence[Case], mode: str, jobs: int, timeout: float) -> list[Result]:
    """Run cases in worker processes under a progress bar; the results in the order of the cases."""
    outcomes: dict[int, Outcome] = {}
    # A thread that refreshes the bar would be forked with the workers.
    with Progress(console=Console(stderr=True), auto_refresh=False) as progress:
        bar = progress.add_task("cases", total=len(cases))
        for number, result in run_all(lambda i: judge(cases[i], mode), range(len(cases)), jobs, timeout):
            outcomes[number] = ending(result.how) if isinstance(result, Ended) else result
            progress.update(bar, advance=1, refresh=True)
    return [
        Result(case.key, case.operators if case.is_on_disk else [], outcomes[i])
        for i, case in enumerate(cases)
    ]


if __name__ == "__main__":
    main()
