"""Writes the results of the suite as a page for readers and as data for comparisons."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from tools.onnx_suite.judge import (
    CONSTANT,
    DYNAMIC,
    FIXED,
    FOLDED,
    GOOD,
    PASSED,
    STATIC,
    STATUSES,
    Outcome,
)

NAME = "onnx_support"
TOLD = {
    STATIC: (
        "ONNX's own conformance suite, run on the machine code: each case is compiled, executed, and",
        "compared with its expected outputs under its own tolerances.  A case whose shapes depend on the",
        "values of inputs is compiled for these values; its other inputs stay inputs.",
    ),
    CONSTANT: (
        "ONNX's own conformance suite with the inputs of each case turned into constants: folding them while",
        "compiling must give the expected outputs, under the suite's own tolerances.  What folding leaves,",
        "since its results are much larger than what they are made of, is compiled and executed.",
    ),
    DYNAMIC: (
        "ONNX's own conformance suite with every size of every input a symbol of its own: each case is",
        "compiled so, executed at its sizes, and compared with its expected outputs.",
        "A case that needs the values of inputs besides, for sizes or ranks, is compiled for these values.",
    ),
}
"""Mode -> what is done in it."""


@dataclass(frozen=True)
class Result:
    """A case, the operators of its model, and what came of it."""

    case: str
    operators: Sequence[str]
    outcome: Outcome


def file_name(mode: str, suffix: str) -> str:
    """The file of a mode: the static one is the page that others are found from."""
    return f"{NAME}{suffix}" if mode == STATIC else f"{NAME}_{mode}{suffix}"


def write_report(results: Sequence[Result], folder: Path, mode: str = STATIC) -> None:
    """Write both files."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {r.case: {name: text for name, text in asdict(r.outcome).items() if text} for r in results}
    (folder / file_name(mode, ".json")).write_text(json.dumps(data, indent=1) + "\n")
    others = [other for other in TOLD if other != mode and (folder / file_name(other, ".md")).exists()]
    (folder / file_name(mode, ".md")).write_text("\n".join(page(results, mode, others)) + "\n")


def read_results(folder: Path, mode: str = STATIC) -> dict[str, Outcome]:
    """The outcomes by case, as written last."""
    data = cast(dict[str, dict[str, str]], json.loads((folder / file_name(mode, ".json")).read_text()))
    return {case: Outcome(**each) for case, each in data.items()}


def page(results: Sequence[Result], mode: str, others: Sequence[str] = ()) -> Iterator[str]:
    """The lines of the page, which leads to those of other modes; the line in bold is the summary."""
    count = Counter(r.outcome.status for r in results)
    links = [f"[{other}]({file_name(other, '.md')})" for other in others]
    yield from (
        f"# Support of ONNX, {mode} mode",
        "",
        *TOLD[mode],
        f"Written by `python -m tools.onnx_suite --mode {mode}`.  Other modes: {', '.join(links)}.",
        "",
        f"**{_headline(mode, count)}**",
        "",
    )
    yield from _summary(results)
    yield from _by_operator(results)
    yield from _failures(results)
    # In the constant mode it is what all should be.
    yield from _folded(results) if mode == STATIC else ()


def _headline(mode: str, count: Counter[str]) -> str:
    passed, folded, cases = count[PASSED], count[FOLDED], count.total()
    if mode == CONSTANT:
        return f"{passed + folded} of {cases} cases pass, {folded} of them by folding alone."
    if mode == DYNAMIC:
        return f"{passed} of {cases} cases pass, {count[FIXED]} more for given values of some inputs."
    return f"{passed} of {cases} cases pass; {folded} more are right, but computed while compiling."


def _summary(results: Sequence[Result]) -> Iterator[str]:
    yield from ("| outcome | cases | meaning |", "| --- | ---: | --- |")
    for status, meaning in STATUSES.items():
        count = sum(r.outcome.status == status for r in results)
        if count or status != FIXED:
            yield f"| {status} | {count} | {meaning} |"
    yield ""


def _by_operator(results: Sequence[Result]) -> Iterator[str]:
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        if len(result.operators) == 1:
            groups[result.operators[0]].append(result)
    yield from ("## By operator", "", "Over the cases whose models use one operator only.", "")
    yield from ("| operator | passed | of |", "| --- | ---: | ---: |")
    for operator, group in sorted(groups.items()):
        yield f"| {operator} | {sum(r.outcome.status in GOOD for r in group)} | {len(group)} |"
    yield ""


def _failures(results: Sequence[Result]) -> Iterator[str]:
    yield from ("## What does not pass", "")
    for status, meaning in STATUSES.items():
        groups: dict[str, list[str]] = defaultdict(list)
        for result in results:
            if result.outcome.status == status and status not in GOOD:
                groups[result.outcome.reason].append(result.case)
        if groups:
            yield from (f"### {status}: {meaning}", "")
        for reason, cases in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
            yield f"* {reason or status} ({len(cases)}): {', '.join(cases)}"
        if groups:
            yield ""


def _folded(results: Sequence[Result]) -> Iterator[str]:
    yield from ("## Computed while compiling", "", "The values of all inputs decide shapes.", "")
    yield ", ".join(r.case for r in results if r.outcome.status == FOLDED)
