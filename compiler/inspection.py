"""What `penstock inspect` knows of a model: its text at every level, and each kernel on its way down."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from io import StringIO
from math import prod

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.printer import Printer

from penstock.backends.targets import Target
from penstock.build import function_modules
from penstock.descent import descend, text_of_code
from penstock.dialects.hints import Hints, all_hinted, hints_of
from penstock.dialects.narrowing import strings
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.schedule import Schedule
from penstock.errors import PenstockError
from penstock.listing import function_texts, module_text
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
    left: Mapping[str, ModuleOp]
    """Phase -> the module that it left."""

    @property
    def scheduled(self) -> ModuleOp:
        """The module before its functions go their own ways."""
        if "schedule" not in self.left:
            raise PenstockError(
                "the model is run in stages, each compiled by itself: below the graph it is no whole",
                remedy="Look at it with --level graph.",
            )
        return self.left["schedule"]

    def text(self, level: str) -> str:
        """The whole model at a level."""
        if level in self.left:
            return module_text(self.left[level])
        if level not in LEVELS:
            raise PenstockError(
                f"there is no level '{level}'", remedy=f"The levels are: {', '.join(LEVELS)}."
            )
        return text_of_code(self.ctx, self.scheduled, self.target, self.later, level)

    def kernel(self, name: str) -> str:
        """One kernel from the graph's operations that it does to its assembly."""
        part = next(
            (p for p in function_modules(self.scheduled) if name == next(iter(function_texts(p)))), None
        )
        known = [n for n in function_texts(self.scheduled) if n != ENTRY]
        if name not in known or part is None:
            raise PenstockError(
                f"there is no kernel '{name}'", remedy=f"The kernels are: {', '.join(known)}."
            )
        return "\n\n".join(f"// ---- {title}\n\n{text}" for title, text in self._steps(name, part))

    def _steps(self, name: str, part: ModuleOp) -> Iterator[tuple[str, str]]:
        nodes = set(served_nodes(self.scheduled, name))
        yield f"graph: {', '.join(sorted(nodes))}", "\n".join(graph_lines(self.left["graph"], nodes))
        yield "nest", function_texts(self.left["nest"]).get(name, "")
        texts = descend(self.ctx, part, self.target, self.later).texts
        yield from ((TITLES[level], texts[level]) for level in TITLES)


def graph_lines(module: ModuleOp, nodes: Set[str]) -> Iterator[str]:
    """The operations of a graph that come from some nodes; values keep the names they have in the whole."""
    text = StringIO()
    printer = Printer(stream=text)
    for op in (op for function in module.ops for block in function.regions[0].blocks for op in block.ops):
        text.seek(0)
        text.truncate()
        printer.print_op(op)
        if nodes & set(nodes_of(op)):
            yield text.getvalue()


def served_nodes(module: ModuleOp, kernel: str) -> list[str]:
    """The nodes of the model that calls of a kernel serve, in order."""
    calls = [op for op in module.walk() if isinstance(op, func.CallOp) and op.callee.string_value() == kernel]
    return list(dict.fromkeys(node for call in calls for node in nodes_of(call)))


def nodes_of(op: Operation) -> list[str]:
    """The nodes of the model that an operation comes from."""
    return list(strings(op.attributes.get("nodes")))


def schedules(module: ModuleOp) -> dict[str, str]:
    """Kernel -> the schedule of its nests in short."""
    functions, hints = [op for op in module.ops if isinstance(op, func.FuncOp)], hints_of(module)
    return {f.sym_name.data: schedule_text(f, hints) for f in functions}


def schedule_text(function: func.FuncOp, hints: Hints) -> str:
    """The schedule of the nest largest at the hints, as `o0 oc/16 k0 k1, unroll k1, 16 lanes of oc`."""
    nests = [op for op in function.walk() if isinstance(op, ComputeOp)]
    if not nests:
        return ""
    main = max(nests, key=lambda nest: prod(all_hinted([d.iterations for d in nest.loops], hints)))
    schedule = Schedule.of(main)
    told = short(schedule) if schedule is not None else "as written"
    return f"{told} (and {len(nests) - 1} more)" if len(nests) > 1 else told


def short(schedule: Schedule) -> str:
    """One schedule: the order of the loops with the sizes of their tiles, what is unrolled, and the lanes."""
    order = " ".join(f"{n}/{schedule.tiles[n]}" if n in schedule.tiles else n for n in schedule.order)
    unrolled = f"unroll {' '.join(schedule.unroll)}" if schedule.unroll else ""
    lanes = f"{schedule.lanes} lanes of {schedule.vector}" if schedule.vector else ""
    return ", ".join(part for part in (order, unrolled, lanes) if part)
