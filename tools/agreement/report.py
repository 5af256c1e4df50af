"""Writes the verdicts over models as a page for readers and as data, beside those of runs before."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from tools.agreement.judge import GOOD, MEANINGS, NOT_RUN, Verdict

NAME = "model_agreement"
MODELS, GRAPHS = "models", "graphs"
TITLES = {MODELS: "Published models", GRAPHS: "Graphs with random weights"}
"""Group -> its heading, in the order of the page."""
Results: TypeAlias = Mapping[str, Mapping[str, Verdict]]
"""The verdicts by group and name."""


@dataclass(frozen=True)
class Group:
    """The verdicts of one run, and the names of all that there are in its group."""

    name: str
    all: Sequence[str]
    verdicts: Mapping[str, Verdict]


def write_report(group: Group, folder: Path) -> None:
    """Write both files: new verdicts replace old ones, and models that are no longer there go."""
    folder.mkdir(parents=True, exist_ok=True)
    results = {**read_results(folder)}
    known = {**results.get(group.name, {}), **group.verdicts}
    results[group.name] = {name: known.get(name, Verdict(NOT_RUN)) for name in group.all}
    data = {group: {name: _plain(v) for name, v in made.items()} for group, made in results.items()}
    (folder / f"{NAME}.json").write_text(json.dumps(data, indent=1) + "\n")
    (folder / f"{NAME}.md").write_text("\n".join(page(results)) + "\n")


def read_results(folder: Path) -> dict[str, dict[str, Verdict]]:
    """The verdicts as written last; none where nothing was."""
    path = folder / f"{NAME}.json"
    if not path.is_file():
        return {}
    data = cast(dict[str, dict[str, dict[str, Any]]], json.loads(path.read_text()))
    return {group: {name: Verdict(**each) for name, each in made.items()} for group, made in data.items()}


def _plain(verdict: Verdict) -> dict[str, object]:
    """What is kept of a verdict: times are those of one machine on one day."""
    kept = {"status": verdict.status, "difference": verdict.difference, "told": verdict.told}
    return {name: value for name, value in kept.items() if value not in (None, "")}


def page(results: Results) -> Iterator[str]:
    """The lines of the page; the line in bold is the summary."""
    yield from (
        "# Agreement with ONNX Runtime",
        "",
        "Models of others and what became of each: compiled, run, and compared with ONNX Runtime on the same",
        "inputs.  Graphs of the ONNX model zoo have random weights, which makes some of them depend on the",
        "last digits of their numbers.  [Checking](checking.md) tells how models are compared.",
        "Written by `python -m tools.agreement --out docs`, graphs with `--zoo`.",
        "",
        f"**{'; '.join(_headline(name, results[name]) for name in TITLES if name in results)}.**",
        "",
        "| verdict | models | meaning |",
        "| --- | ---: | --- |",
    )
    count = Counter(verdict.status for made in results.values() for verdict in made.values())
    yield from (f"| {status} | {count[status]} | {told} |" for status, told in MEANINGS.items())
    for name in (name for name in TITLES if name in results):
        yield from _table(TITLES[name], results[name])


def _headline(group: str, verdicts: Mapping[str, Verdict]) -> str:
    good = sum(verdict.status in GOOD for verdict in verdicts.values())
    return f"{good} of {len(verdicts)} {group} are right"


def _table(title: str, verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    yield from (
        "",
        f"## {title}",
        "",
        "The difference is the largest, by the largest magnitude of its output.",
        "",
    )
    yield from ("| model | verdict | difference | |", "| --- | --- | ---: | --- |")
    for name, verdict in sorted(verdicts.items()):
        apart = "" if verdict.difference is None else f"{verdict.difference:.1e}"
        yield f"| {name} | {verdict.status} | {apart} | {verdict.told.replace('|', chr(92) + '|')} |"
