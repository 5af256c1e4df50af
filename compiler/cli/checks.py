"""What `penstock check` and `penstock compile --check` do: follow the steps of a check, then show them."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from penstock.checking.report import CheckStep, summary
from penstock.cli.options import Build
from penstock.cli.tables import checks_table, show

Check = Callable[[Callable[[str], None]], Iterable[CheckStep]]
"""A check that tells what it does next."""


def check_steps(model: Path, seed: int, build: Build, tuning: Path | None = None) -> bool:
    """Check a model and show the outcome; whether every pass kept its word."""
    from penstock.driver import check as check_model

    started = partial(check_model, model, seed=seed, tuning=tuning, **build)
    return followed(model, lambda progress: started(progress=progress))


def followed(model: Path, check: Check) -> bool:
    """Run a check, telling on a terminal what is being done; its table is shown even when it fails."""
    steps: list[CheckStep] = []
    console = Console(stderr=True)
    try:
        if not console.is_terminal:
            steps.extend(check(_silent))
        else:
            with console.status(f"checking {model.name}") as status:
                for step in check(lambda what: status.update(f"checking {model.name}: {what}")):
                    steps.append(step)
    finally:
        _show(steps)
    return all(step.passed for step in steps)


def _silent(what: str) -> None:
    """Nobody watches."""


def _show(steps: Sequence[CheckStep]) -> None:
    if steps:
        show(checks_table(summary(steps)))
