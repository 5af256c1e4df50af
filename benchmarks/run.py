"""Penstock beside the other engines that are installed, on the same models, inputs and threads, in turn.

    python -m benchmarks.run examples/digits/digits.onnx
    python -m benchmarks.run all --folder build/models --torch /path/to/python/with/torch
    python -m benchmarks.run resnet50-v1-12 mobilenetv2-12 --zoo path/to/zoo --threads 2

A model is a file, a name in the folder of models, a graph of the zoo, or one of the models that
benchmarks/export.py makes (`all`: each of them).  Every engine runs in a process of its own; they take turns,
round after round, so that a machine that slows down slows down all of them.  docs/performance.md tells what
each column means.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks import report
from benchmarks.models import NAMED, Places, SourceError, subject
from benchmarks.results import OURS, Comparison, ModelResult
from benchmarks.rounds import Plan, compare
from benchmarks.worker import ENGINES
from penstock.backends.targets import cpu_model
from penstock.machine_speed import machine_speed


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("models", nargs="+", metavar="MODEL", help="file or name; `all` for the models that can be exported")
    add("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES), help="default: all installed")
    add("--threads", type=_count, default=1, help="threads of every engine (default: 1)")
    add("--rounds", type=_count, default=10, help="turns of each engine on each model (default: 10)")
    add("--seconds", type=float, default=0.5, help="length of a turn (default: 0.5)")
    add("--folder", type=Path, default=Path("build/models"), help="models by name (default: build/models)")
    add("--zoo", type=Path, help="folder of graphs without weights, with its materialize.py")
    add("--torch", default=sys.executable, metavar="PYTHON", help="interpreter that exports: it has torch")
    add("--dim", action="append", default=[], type=_size, metavar="NAME=SIZE", help="size of an open dim")
    add("--shape", action="append", default=[], type=_shape, metavar="NAME=2x3", help="shape of an input")
    add("--tolerance", type=float, default=1e-3, help="error up to which outputs agree (default: 1e-3)")
    add("--output", type=Path, default=Path("build/bench"), help="folder to write to (default: build/bench)")
    return parser.parse_args()


def _count(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return int(text)


def _size(text: str) -> tuple[str, int]:
    name, _, size = text.rpartition("=")
    return name, int(size)


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, shape = text.rpartition("=")
    return name, tuple(map(int, shape.split("x")))


def measured(arguments: argparse.Namespace, engines: Sequence[str]) -> list[ModelResult]:
    """Every model that can be had, one after the other, until all are done or someone interrupts."""
    places = Places(arguments.folder, arguments.zoo, arguments.torch)
    plan = Plan(arguments.threads, arguments.rounds, arguments.seconds)
    results: list[ModelResult] = []
    for wanted in (name for given in arguments.models for name in (NAMED if given == "all" else [given])):
        try:
            chosen = subject(places.find(wanted), dict(arguments.dim), dict(arguments.shape))
            results.append(compare(chosen, engines, plan))
        except SourceError as error:
            print(f"{wanted}: left out: {error}", file=sys.stderr)
        except KeyboardInterrupt:
            print(f"{wanted}: interrupted, and what follows is left out", file=sys.stderr)
            break
        else:
            print(told(results[-1]), file=sys.stderr, flush=True)
    return results


def told(result: ModelResult) -> str:
    """A model in a line, while others still run."""
    parts = [
        f"{each.engine} {'failed' if each.failure else f'{each.fastest * 1e3:.3f} ms'}"
        for each in result.engines
    ]
    ratio = "" if result.ratio is None else f", best other / ours {result.ratio:.2f}"
    return f"{result.model}: {', '.join(parts)}{ratio}"


def drawn(found: Comparison, path: Path) -> list[Path]:
    """The picture, where matplotlib is there to draw it."""
    if find_spec("matplotlib") is None:
        print("no picture: matplotlib is not installed (pip install 'penstock[bench]')", file=sys.stderr)
        return []
    from benchmarks.plot import draw

    draw(found, path)
    return [path]


def main() -> int:
    """Compare, write and print; 1 when no model was measured or outputs of ours do not agree."""
    arguments = parsed()
    lacking = {name: ENGINES[name].lacks() for name in arguments.engines}
    skipped = {name: reason for name, reason in lacking.items() if reason}
    for name, reason in skipped.items():
        print(f"{name} takes no part: {reason}", file=sys.stderr)
    before = machine_speed()
    models = measured(arguments, [name for name in arguments.engines if name not in skipped])
    # The better of two measurements, as for the times: noise only ever slows down.
    speed = max(before, machine_speed(), key=lambda each: each.peak)
    rates = {each.where: each.rate for each in speed.bandwidths}
    found = Comparison(
        cpu_model(), arguments.threads, speed.peak, rates, skipped, models, arguments.tolerance
    )
    written = [*report.write(found, arguments.output), *drawn(found, arguments.output / "results.svg")]
    print(report.markdown(found))
    print("\n".join(map(str, written)))
    return int(not models or any(result.engine == OURS for _, result in found.disagreements))


if __name__ == "__main__":
    sys.exit(main())
