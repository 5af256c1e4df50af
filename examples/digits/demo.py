"""Compiles the digits model, asks it about a picture, and shows what the compiler did on the way."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from penstock.api import compile
from penstock.cli.arrays import read_image
from penstock.cli.progress import followed
from penstock.cli.summary import summary
from penstock.cli.tables import show, table_of, timing_table
from penstock.driver import inspected
from penstock.inspection import LEVELS
from penstock.pass_statistics import PassRecord, PassStatistics
from penstock.timing import measure

FOLDER = Path(__file__).parent
MODEL, PICTURE = FOLDER / "digits.onnx", FOLDER / "seven.png"
SHADES = " ░▒▓█"
BAR = 40
SAID = {
    "graph": "tensors, one operation per mathematical idea",
    "nest": "buffers and loop nests, fused into kernels",
    "schedule": "the same, tiled, packed, vectorised, placed in memory",
    "loops": "explicit loops and vectors",
    "llvm": "the llvm dialect",
    "ll": "LLVM IR",
    "asm": "assembly",
}


def main() -> None:
    """Compile, run, measure, and tell."""
    console = Console(highlight=False)
    counted = PassStatistics()
    model = followed(partial(compile, MODEL), [counted])
    console.print(summary(model.package), style="bold", soft_wrap=True)
    image = read_image(PICTURE, model.inputs[0])
    probabilities = model({"image": image})["probabilities"][0]
    console.print(f"\n{PICTURE.name}, as the model sees it:\n")
    console.print(picture(image[0, 0]), style="cyan")
    for line in answer(probabilities):
        console.print(line)
    texts = inspected(MODEL)
    show(levels_table({level: texts.text(level) for level in LEVELS}, counted))
    show(timing_table("one call of the model", measure(partial(model, {"image": image}), budget=1.0)))


def picture(pixels: NDArray[np.generic]) -> str:
    """A picture in shades, two rows of it in each line, since letters are twice as high as wide."""
    rows = pixels.astype(np.float64).reshape(16, 2, 32).mean(axis=1)
    return "\n".join("  " + "".join(SHADES[round(p * (len(SHADES) - 1))] for p in row) for row in rows)


def answer(probabilities: NDArray[np.generic]) -> Iterable[str]:
    """The probability of each digit as a bar, the greatest marked."""
    numbers = probabilities.astype(np.float64)
    yield ""
    for digit, p in enumerate(numbers):
        mark = "[bold green]" if digit == numbers.argmax() else "[dim]"
        yield f"  {mark}{digit}  {p:8.3%}  {'█' * round(p * BAR)}[/]"


def levels_table(texts: dict[str, str], counted: PassStatistics) -> Table:
    """Each level: what is said there, how long its text is, the passes that lead to it, their time."""
    rows = [level_row(level, text, counted) for level, text in texts.items()]
    header = ("level", "what is said there", "lines", "passes", "time")
    return table_of(header, rows, numbers=header[2:])


def level_row(level: str, text: str, counted: PassStatistics) -> tuple[str, ...]:
    """One level of the table; LLVM makes the last one, unless the kernels were in the cache."""
    passes: list[PassRecord] = [each for each in counted.records if each.phase == level]
    seconds = sum(each.seconds for each in passes)
    took = f"{seconds * 1e3:.0f} ms" if passes else ""
    if level == "asm" and counted.code_seconds:
        took = f"{sum(counted.code_seconds.values()) * 1e3:.0f} ms"
    elif level in ("loops", "llvm", "asm") and not passes:
        took = "from cache"
    return level, SAID[level], f"{text.count(chr(10)) + 1:,}", str(len(passes) or ""), took


if __name__ == "__main__":
    main()
