"""A comparison as a picture: how fast each engine is on each model, beside the fastest of them."""

from pathlib import Path

from matplotlib import pyplot

from benchmarks.results import Comparison

BAR = 0.8
INCHES_PER_BAR = 0.18


def draw(found: Comparison, path: Path) -> None:
    """Draw a group of bars for each model; the fastest engine's reaches to 1."""
    models = [model for model in found.models if any(not r.failure for r in model.engines)]
    names = list(dict.fromkeys(r.engine for model in models for r in model.engines if not r.failure))
    height = BAR / max(len(names), 1)
    inches = 1.5 + INCHES_PER_BAR * len(models) * (len(names) + 1)
    # The same figures give the same bytes.
    pyplot.rcParams["svg.hashsalt"] = "penstock"
    figure, axes = pyplot.subplots(figsize=(8, inches), layout="constrained")
    best = [min(r.fastest for r in model.engines if not r.failure) for model in models]
    for place, name in enumerate(names):
        ran = [model.of(name) for model in models]
        lengths = [0.0 if r is None else least / r.fastest for r, least in zip(ran, best, strict=True)]
        axes.barh([i + place * height for i in range(len(models))], lengths, height, label=name)
    axes.set_yticks([i + (BAR - height) / 2 for i in range(len(models))], [m.model for m in models])
    axes.invert_yaxis()
    axes.set_xlabel(f"speed beside the fastest engine, {found.threads} thread{'s' * (found.threads > 1)}")
    figure.legend(loc="outside lower center", ncols=max(len(names), 1))
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)
