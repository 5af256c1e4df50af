"""What `doctor` finds out about a model, as data: imports neither the passes nor LLVM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from penstock.collector import collector_paused
from penstock.dialects.graph.host import HostOp
from penstock.dialects.hints import Bounds, Hints
from penstock.dialects.narrowing import strings
from penstock.errors import Problem
from penstock.graph_work import GraphWork, work_of
from penstock.onnx_import.examination import Examination, OpenSize, examine
from penstock.registry import Plugin, importers
from penstock.symbols import check_ranges

COMPILES, OPEN, DECLINED = "compiles", "needs sizes", "declined"
EXIT_CODES = {COMPILES: 0, DECLINED: 1, OPEN: 3}
"""Verdict -> exit code of the command; 2 is that of a wrong command line."""


@dataclass(frozen=True)
class HostNode:
    """A node of the model that runs in Python, and what it is there."""

    node: str
    op: str


@dataclass(frozen=True)
class Diagnosis:
    """All that can be told of a model without compiling it."""

    file: str
    problems: tuple[Problem, ...]
    host_nodes: tuple[HostNode, ...]
    open_sizes: tuple[OpenSize, ...]
    operators: Mapping[str, int]
    opsets: Mapping[str, int]
    work: GraphWork | None
    """Lower bounds when there are problems; `None` when nothing of the graph could be imported."""
    open_problems: tuple[Problem, ...] = ()
    """What stands in the way only while sizes are open."""

    @property
    def verdict(self) -> str:
        """Whether the model compiles as it is, only with numbers for its open sizes, or not."""
        return DECLINED if self.problems else OPEN if self.open_problems else COMPILES


def diagnose(
    model: "str | PathLike[str]",
    *,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
    dims: Mapping[str, int] | None = None,
    bounds: Bounds | None = None,
    hints: Hints | None = None,
    plugins: Sequence[Plugin] = (),
) -> Diagnosis:
    """Look at a model; costs are those at the sizes given, and at the hints or usual ones where none are."""
    with collector_paused():
        found = examine(model, shapes=shapes, dims=dims, hints=hints, importers=importers(plugins))
        if not found.problems:
            check_ranges([size.name for size in found.open_sizes], bounds or {}, hints or {})
        return _diagnosis(str(Path(model)), found)


def _diagnosis(file: str, found: Examination) -> Diagnosis:
    module = found.module
    return Diagnosis(
        file,
        found.problems,
        () if module is None else tuple(_host_nodes(module)),
        found.open_sizes,
        found.operators,
        found.opsets,
        None if module is None else work_of(module),
        found.open_problems,
    )


def _host_nodes(module: ModuleOp) -> list[HostNode]:
    found = (op for op in module.walk() if isinstance(op, HostOp))
    nodes = [HostNode(", ".join(strings(op.attributes.get("nodes"))), op.function.data) for op in found]
    return list(dict.fromkeys(nodes))
