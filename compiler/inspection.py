"""What `penstock inspect` knows of a model: its text at every level, and each kernel on its way down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.ir import Operation

from penstock.backends.targets import Target
from penstock.build import function_modules
from penstock.descent import descend, text_of_code
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.schedule import INNER, Schedule
from penstock.errors import PenstockError
from penstock.listing import function_texts
from penstock.package import ENTRY
from penstock.pipeline import Phase

LEVELS = ("graph", "nest", "schedule", "loops", "llvm", "ll", "asm")
TITLES = {
    "schedule": "nest, scheduled",
    "loops": "loops",
    "llvm": "llvm",
    "ll": "LLVM IR, as LLVM gets it",
    "asm": "assembly",
}


@dataclass(frozen=True)
class Inspection:
    """A model that was taken down to scheduled nests, with what it was on the way."""

    ctx: Context
    target: Target
    later: Sequence[Phase]
    texts: Mapping[str, str]
    """Phase -> the module it left."""
    graph: ModuleOp
    unscheduled: Mapping[str, str]
    """Function -> its text before scheduling."""
    scheduled: ModuleOp

    def text(self, level: str) -> str:
        """The whole model at a level."""
        if level in self.texts:
            return self.texts[level]
        if level not in LEVELS:
            raise PenstockError(f"there is no level '{level}'", remedy=f"The levels are: {', '.join(LEVELS)}.")
        return text_of_code(self.ctx, self.scheduled, self.target, self.later, level)

    def kernel(self, name: str) -> str:
        """One kernel from the graph's operations that it does to its assembly."""
        part = next((p for p in function_modules(self.scheduled) if name == next(iter(function_texts(p)))), None)
        known = [n for n in function_texts(self.scheduled) if n != ENTRY]
        if name not in known or part is None:
            raise PenstockError(f"there is no kernel '{name}'", remedy=f"The kernels are: {', '.join(known)}.")
        return "\n\n".join(f"// ---- {title}\n\n{text}" for title, text in self._steps(name, part))

    def _steps(self, name: str, part: ModuleOp) -> Iterator[tuple[str, str]]:
        nodes = set(served_nodes(self.scheduled, name))
        ops = [str(op) for op in self.graph.walk() if nodes & set(nodes_of(op))]
        yield f"graph: what serves {', '.join(sorted(nodes))}", "\n".join(ops)
        yield "nest", self.unscheduled.get(name, "")
        texts = descend(self.ctx, part, self.target, self.later).texts
        yield from ((TITLES[level], texts[level]) for level in TITLES)


def served_nodes(module: ModuleOp, kernel: str) -> list[str]:
    """The nodes of the model that calls of a kernel serve, in order."""
    calls = [op for op in module.walk() if isinstance(op, func.CallOp) and op.callee.string_value() == kernel]
    return list(dict.fromkeys(node for call in calls for node in nodes_of(call)))


def nodes_of(op: Operation) -> list[str]:
    """The nodes of the model that an operation comes from."""
    nodes = op.attributes.get("nodes")
    return [n.data for n in nodes.data if isinstance(n, StringAttr)] if isinstance(nodes, ArrayAttr) else []


def schedules(module: ModuleOp) -> dict[str, str]:
    """Kernel -> the schedule of its nests in short."""
    functions = [op for op in module.ops if isinstance(op, func.FuncOp)]
    return {f.sym_name.data: schedule_text(f) for f in functions}


def schedule_text(function: func.FuncOp) -> str:
    """The schedules of the nests of a function, each once: `oh ow oc/32 | ow.r x6, oc.r in 16 lanes`."""
    nests = [op for op in function.walk() if isinstance(op, ComputeOp)]
    found = [Schedule.of(nest) for nest in nests]
    return "; ".join(dict.fromkeys(short(each) for each in found if each is not None))


def short(schedule: Schedule) -> str:
    """One schedule: the order of the loops with the sizes of their tiles, what is unrolled, and the lanes."""
    order = " ".join(f"{n}/{schedule.tiles[n]}" if n in schedule.tiles else n for n in schedule.order)
    unrolled = [n for n in schedule.unroll if n.removesuffix(INNER) not in schedule.order]
    parts = [order, f"unroll {' '.join(unrolled)}" if unrolled else "", _lanes(schedule)]
    return ", ".join(part for part in parts if part)


def _lanes(schedule: Schedule) -> str:
    return f"{schedule.lanes} lanes of {schedule.vector}" if schedule.vector else ""
