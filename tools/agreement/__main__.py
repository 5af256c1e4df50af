"""Compiles and runs models of others, and compares what they give with ONNX Runtime.

\b
python -m tools.agreement                     all models of ../shared/models
python -m tools.agreement mobilenet vad       those with one of these in their names
python -m tools.agreement --zoo               all graphs of ../shared/zoo, with random weights
python -m tools.agreement --dynamic           those with open sizes, each compiled once and run at two sizes
python -m tools.agreement --out docs          writes docs/model_agreement.md; what is not run anew stays in it

Each runs in a process of its own, within limits of time and memory: one that fails does not stop the rest.
Quantised models that differ are compared once more tensor by tensor, each from what ONNX Runtime computed.
The exit code is 1 when a model that compiles does not agree.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from penstock.cli.tables import show, table_of
from tools.agreement.apart import Ended, Limits, apart
from tools.agreement.dynamic import has_open_sizes, judge_at_sizes
from tools.agreement.judge import DECLINED, FAILED, GOOD, Verdict, judge
from tools.agreement.report import GRAPHS, MODELS, Group, write_report
from tools.agreement.subjects import Subject, graphs_in, models_in

SHARED = Path(__file__).parents[3] / "shared"
HEADER = ("model", "verdict", "compile", "run", "difference", "")
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(help=__doc__)
@click.argument("names", nargs=-1)
@click.option("--zoo", "is_zoo", is_flag=True, help="The graphs of the zoo instead of the models.")
@click.option("--dynamic", "is_dynamic", is_flag=True, help="Leave sizes open that the models leave open.")
@click.option("--shared", type=FOLDER, default=SHARED, help="Folder with the folders models and zoo.")
@click.option("--made", type=Path, default=Path("build/models"), help="Where graphs with weights are kept.")
@click.option("--exact", "is_exact", is_flag=True, help="The models of these names only.")
@click.option("--out", type=Path, help="Folder of the page and its data; none is written without.")
@click.option("--seconds", default=600.0, show_default=True, help="Time that a model may take.")
@click.option("--gigabytes", default=16.0, show_default=True, help="Memory that a model may take.")
def main(
    names: Sequence[str],
    is_zoo: bool,
    is_dynamic: bool,
    shared: Path,
    made: Path,
    is_exact: bool,
    out: Path | None,
    seconds: float,
    gigabytes: float,
) -> None:
    """The command."""
    if is_dynamic and out is not None:
        raise click.UsageError("the page holds models at fixed sizes: --out does not go with --dynamic")
    found = (
        graphs_in(shared / "zoo", made, sys.executable)
        if is_zoo
        else models_in(shared / "models", sys.executable)
    )
    chosen = [each for each in found if not names or is_named(each, names, is_exact)]
    if is_dynamic:
        chosen = [each for each in chosen if has_open_sizes(each.path())]
    judged = judge_at_sizes if is_dynamic else judge
    limits = Limits(seconds, int(gigabytes * 2**30))
    results: list[tuple[Subject, Verdict]] = []
    for each in chosen:
        results.append((each, verdict(apart(partial(judged, each), limits))))
        click.echo("  ".join(row(*results[-1])), err=True)
        if out is not None:
            # Written after each: a sweep takes long, and may be cut short.
            group, names_of_all = GRAPHS if is_zoo else MODELS, [subject.name for subject in found]
            write_report(Group(group, names_of_all, {each.name: results[-1][1]}), out)
    sys.exit(summary([verdict for _, verdict in results], [row(*result) for result in results]))


def summary(verdicts: Sequence[Verdict], rows: Sequence[Sequence[str]]) -> int:
    """Print the table and what it comes to; the exit code."""
    show(table_of(HEADER, rows, numbers=HEADER[2:5]))
    good = sum(verdict.status in GOOD for verdict in verdicts)
    declined = sum(verdict.status == DECLINED for verdict in verdicts)
    click.echo(f"{good} of {len(verdicts)} are right, {declined} are declined")
    return 0 if good + declined == len(verdicts) else 1


def is_named(subject: Subject, names: Sequence[str], is_exact: bool) -> bool:
    """Whether one of the names is that of a model, or a part of it."""
    return subject.name in names if is_exact else any(name in subject.name for name in names)


def verdict(ended: Ended[Verdict]) -> Verdict:
    """What came of a model whose process may have ended before it could tell."""
    return ended.result or Verdict(FAILED, told=ended.fate)


def row(subject: Subject, verdict: Verdict) -> tuple[str, ...]:
    """A model as the table shows it."""
    return (
        subject.name,
        verdict.status,
        "" if verdict.compiling is None else f"{verdict.compiling:.1f} s",
        "" if verdict.running is None else f"{verdict.running * 1e3:.1f} ms",
        "" if verdict.difference is None else f"{verdict.difference:.1e}",
        verdict.told,
    )


if __name__ == "__main__":
    main()
