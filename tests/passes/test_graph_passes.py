"""Every text test of a graph pass is run before and after it, on ordinary numbers and on extreme ones."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.pipeline import graph_passes
from penstock.registry import PASSES, context, pass_loader
from penstock.testing import assert_pass_keeps_meaning, inputs_for, parse, run

FOLDER = Path(__file__).parents[1] / "filecheck" / "passes"
CONTEXT = context()
NAMES = sorted({"recognize-attention", *(each.name for each in graph_passes())})
SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, -3.4e38, 2.5, -2.5)


def parts() -> Iterator[tuple[str, str]]:
    """The parts of the text test of each graph pass."""
    for name in NAMES:
        for part in (FOLDER / f"{name}.mlir").read_text().split("// -----\n"):
            lines = [line for line in part.splitlines() if not line.startswith("//")]
            yield name, "\n".join(lines)


CASES = list(parts())


def label(case: object) -> str | None:
    """The function of a part."""
    return case.partition("@")[2].partition("(")[0] if isinstance(case, str) and "@" in case else None


def made(name: str) -> ModulePass:
    """The pass of a name."""
    return pass_loader(PASSES[name])()()


def module_of(text: str) -> ModuleOp:
    """The module of a part, its function called as the executor wants it."""
    return parse(text.replace(f"@{label(text)}(", "@main("), CONTEXT)


def extreme(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Special numbers in place of reals."""
    if array.dtype.kind != "f":
        return array
    return np.resize(np.array(SPECIAL, array.dtype), array.shape)


@pytest.mark.parametrize(("name", "text"), CASES, ids=label)
def test_meaning_is_kept(name: str, text: str) -> None:
    module = module_of(text)
    assert_pass_keeps_meaning(module, made(name), inputs_for(module), CONTEXT)


EXACT = [(name, text) for name, text in CASES if getattr(made(name), "numerics", "exact") == "exact"]


@pytest.mark.parametrize(("name", "text"), EXACT, ids=label)
def test_extreme_numbers_are_kept(name: str, text: str) -> None:
    before = module_of(text)
    after = before.clone()
    made(name).apply(CONTEXT, after)
    inputs = [extreme(each) for each in inputs_for(before)]
    with np.errstate(all="ignore"):
        pairs = list(zip(run(before, inputs), run(after, inputs), strict=True))
    for old, new in pairs:
        np.testing.assert_array_equal(new, old)
        if old.dtype.kind == "f":
            # Zeros of either sign compare equal; a NaN has no sign that counts.
            np.testing.assert_array_equal(np.signbit(new) & ~np.isnan(new), np.signbit(old) & ~np.isnan(old))


@pytest.mark.parametrize(("name", "text"), CASES, ids=label)
def test_nothing_is_left_to_do(name: str, text: str) -> None:
    module = module_of(text)
    made(name).apply(CONTEXT, module)
    once = str(module)
    made(name).apply(CONTEXT, module)
    assert str(module) == once
