"""What a comparison found, as data: per engine and model, and of the machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from statistics import fmean, median

OURS = "penstock"


@dataclass
class EngineResult:
    """One engine on one model."""

    engine: str
    version: str = ""
    instructions: str = ""
    """The instruction set that it chose, as far as it tells."""
    load_seconds: float = 0.0
    """From the file of the model to the first possible call: for Penstock, that is to compile it."""
    load_peak_bytes: int = 0
    """The peak memory of the process that compiled, where that is another one; else 0."""
    peak_bytes: int = 0
    """The peak memory of the process that ran the model, Python and NumPy included."""
    nanoseconds: list[int] = field(default_factory=list[int])
    """Every counted call, round after round."""
    error: float = 0.0
    """Largest difference from the reference, relative to the largest magnitude of that output."""
    flops: int = 0
    """Floating-point operations of a call, where the engine tells."""
    failure: str = ""
    """Why there are no times."""

    @property
    def fastest(self) -> float:
        """Seconds of the fastest call."""
        return min(self.nanoseconds) / 1e9

    @property
    def typical(self) -> float:
        """Seconds of the median call."""
        return median(self.nanoseconds) / 1e9


@dataclass(frozen=True)
class ModelResult:
    """All engines on one model; the first that ran and is not ours is the reference for outputs."""

    model: str
    engines: Sequence[EngineResult]

    def of(self, engine: str) -> EngineResult | None:
        """What an engine did, if it ran."""
        return next((r for r in self.engines if r.engine == engine and not r.failure), None)

    @property
    def best_other(self) -> EngineResult | None:
        """The fastest of the other engines."""
        others = [r for r in self.engines if r.engine != OURS and not r.failure]
        return min(others, key=lambda r: r.fastest, default=None)

    @property
    def ratio(self) -> float | None:
        """Time of the best other engine over ours: above 1, ours is faster."""
        ours, best = self.of(OURS), self.best_other
        return None if ours is None or best is None else best.fastest / ours.fastest

    def ratio_to(self, engine: str) -> float | None:
        """Time of an engine over ours."""
        ours, other = self.of(OURS), self.of(engine)
        return None if ours is None or other is None else other.fastest / ours.fastest


@dataclass(frozen=True)
class Comparison:
    """A whole run."""

    cpu: str
    threads: int
    peak: float
    """Floating-point operations per second of one core, measured in this run."""
    bandwidths: Mapping[str, float]
    """Bytes per second of one core, by where the buffers lay."""
    skipped: Mapping[str, str]
    """Engine -> why it took no part."""
    models: Sequence[ModelResult]
    tolerance: float
    """The error up to which outputs agree."""

    @property
    def disagreements(self) -> Sequence[tuple[str, EngineResult]]:
        """The models, and the engines whose outputs for them do not agree with the reference."""
        ran = ((m.model, each) for m in self.models for each in m.engines if not each.failure)
        return [(model, each) for model, each in ran if not each.error <= self.tolerance]

    def share_of_peak(self, result: ModelResult, engine: str) -> float | None:
        """The model's arithmetic over time and peak; the arithmetic is that of our kernels for it."""
        ours, found = result.of(OURS), result.of(engine)
        if ours is None or found is None or not ours.flops:
            return None
        return ours.flops / found.fastest / (self.peak * self.threads)


def geometric_mean(ratios: Sequence[float]) -> float | None:
    """The mean that is the same whichever way round the ratios are."""
    return exp(fmean(map(log, ratios))) if ratios else None
