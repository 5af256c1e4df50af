"""A comparison as files: `results.json` and `results.csv` with all figures, `results.md` for people."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.results import OURS, Comparison, EngineResult, ModelResult, geometric_mean

FIELDS = (
    "model",
    "engine",
    "version",
    "instructions",
    "threads",
    "fastest_ms",
    "median_ms",
    "calls",
    "over_penstock",
    "share_of_peak",
    "error",
    "load_s",
    "load_peak_mb",
    "peak_mb",
    "failure",
)
MEGA = 1e6


def write(found: Comparison, folder: Path) -> list[Path]:
    """Write all files; the picture is `benchmarks.plot`'s."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "results.json": json.dumps(asdict(found), indent=1) + "\n",
        "results.md": markdown(found),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    with open(folder / "results.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([FIELDS, *rows(found)])
    return [*(folder / name for name in texts), folder / "results.csv"]


def rows(found: Comparison) -> Iterator[Sequence[object]]:
    """A row for each engine on each model, in the order of `FIELDS`."""
    for model in found.models:
        for result in model.engines:
            yield (model.model, *_identity(result), found.threads, *_figures(found, model, result))


def _identity(result: EngineResult) -> Sequence[object]:
    return result.engine, result.version, result.instructions


def _figures(found: Comparison, model: ModelResult, result: EngineResult) -> Sequence[object]:
    if result.failure:
        return (*[""] * 9, result.failure)
    share, ratio = found.share_of_peak(model, result.engine), model.ratio_to(result.engine)
    return (
        f"{result.fastest * 1e3:.4f}",
        f"{result.typical * 1e3:.4f}",
        len(result.nanoseconds),
        "" if ratio is None else f"{ratio:.4f}",
        "" if share is None else f"{share:.4f}",
        f"{result.error:.3e}",
        f"{result.load_seconds:.3f}",
        f"{result.load_peak_bytes / MEGA:.1f}",
        f"{result.peak_bytes / MEGA:.1f}",
        "",
    )


def markdown(found: Comparison) -> str:
    """The tables: times, then what loading takes, then who took part."""
    names = list(dict.fromkeys(r.engine for model in found.models for r in model.engines))
    parts = [
        _conditions(found),
        _table(["model", *(f"{name} ms" for name in names), "best other / ours", "of peak", "error"])
        + "\n".join(_times(found, model, names) for model in found.models),
        "\n".join(_means(found, names)),
        "Seconds to load (for Penstock: to compile, without its cache) and peak memory in MB of the process "
        "that runs the model (for Penstock, with that of the compiler behind it):",
        _table(["model", *names]) + "\n".join(_loading(model, names) for model in found.models),
        "\n".join(_engines(found)),
        "\n".join(_failures(found)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _conditions(found: Comparison) -> str:
    rates = ", ".join(f"{where} {rate / 1e9:.1f} GB/s" for where, rate in found.bandwidths.items())
    return (
        f"{found.cpu}, {found.threads} thread{'s' * (found.threads > 1)}. Measured in this run, one core: "
        f"{found.peak / 1e9:.1f} GFLOP/s of multiply-adds; {rates}.\n\n"
        "Times are fastest / median call in milliseconds. A ratio above 1 means that Penstock is faster."
    )


def _table(header: Sequence[str]) -> str:
    return f"| {' | '.join(header)} |\n|{' --- |' * len(header)}\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _times(found: Comparison, model: ModelResult, names: Sequence[str]) -> str:
    share = found.share_of_peak(model, OURS)
    ours, reference = model.of(OURS), model.best_other
    return _line(
        [
            model.model,
            *(_time(model.of(name)) for name in names),
            _number(model.ratio, ".2f"),
            _number(share, ".0%"),
            _number(ours.error if ours is not None and reference is not None else None, ".0e"),
        ]
    )


def _time(result: EngineResult | None) -> str:
    return "-" if result is None else f"{result.fastest * 1e3:.3f} / {result.typical * 1e3:.3f}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _means(found: Comparison, names: Sequence[str]) -> Iterator[str]:
    """A line for the best of the others and for each of them."""
    ratios = [model.ratio for model in found.models if model.ratio is not None]
    yield _mean("the best other engine", ratios)
    for name in (name for name in names if name != OURS):
        ratios = [ratio for model in found.models if (ratio := model.ratio_to(name)) is not None]
        yield _mean(name, ratios)


def _mean(name: str, ratios: Sequence[float]) -> str:
    mean = geometric_mean(ratios)
    told = (
        "no model" if mean is None else f"**{mean:.3f}** over {len(ratios)} model{'s' * (len(ratios) != 1)}"
    )
    return f"* geometric mean of the time of {name} over ours: {told}"


def _loading(model: ModelResult, names: Sequence[str]) -> str:
    return _line([model.model, *(_load(model.of(name)) for name in names)])


def _load(result: EngineResult | None) -> str:
    if result is None:
        return "-"
    compiler = f" ({result.load_peak_bytes / MEGA:.0f})" if result.load_peak_bytes else ""
    return f"{result.load_seconds:.2f} s, {result.peak_bytes / MEGA:.0f}{compiler}"


def _engines(found: Comparison) -> Iterator[str]:
    """A line for each engine: version, and the instruction sets it chose."""
    results = [result for model in found.models for result in model.engines if not result.failure]
    for name in dict.fromkeys(result.engine for result in results):
        own = [result for result in results if result.engine == name]
        chosen = dict.fromkeys(result.instructions.partition(" (")[0] for result in own)
        yield f"* {name} {own[0].version}: {', '.join(chosen)}"
    for name, reason in found.skipped.items():
        yield f"* {name} took no part: {reason}"


def _failures(found: Comparison) -> Iterator[str]:
    for name, result in found.disagreements:
        yield f"* {name}: the outputs of {result.engine} do not agree, error {result.error:.1e}"
    for model in found.models:
        for result in (result for result in model.engines if result.failure):
            yield f"* {model.model}: {result.engine} failed: {' '.join(result.failure.split())[:300]}"
