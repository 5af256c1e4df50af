"""What `doctor` prints for people: tables."""

from collections.abc import Iterable

import click
from rich.table import Table

from penstock.cli.tables import problems_table, show, table_of
from penstock.diagnosis import COMPILES, DECLINED, Diagnosis
from penstock.graph_work import GraphWork
from penstock.onnx_import.examination import OpenSize


def show_diagnosis(found: Diagnosis) -> None:
    """Print what was found: the verdict, what stands in the way, and what the model costs."""
    click.echo(f"{found.file}: {verdict_text(found)}")
    if found.problems:
        show(problems_table(found.problems))
    if found.host_nodes:
        rows = [(node.node, node.op) for node in found.host_nodes]
        show(table_of(("node that runs in Python", "operation"), rows))
    if found.open_sizes:
        show(sizes_table(found.open_sizes))
    if found.open_problems and not found.problems:
        click.echo("what needs numbers for them:")
        show(problems_table(found.open_problems))
    show(operators_table(found))
    if found.work is not None:
        show(work_table(found.work, is_part=bool(found.problems)))


def verdict_text(found: Diagnosis) -> str:
    """The verdict in a line."""
    if found.verdict == DECLINED:
        count = len(found.problems)
        where = (
            ", at the sizes below: others may fit, given with --dim or --shape" if found.open_sizes else ""
        )
        return f"{count} {'thing stands' if count == 1 else 'things stand'} in the way{where}"
    if found.verdict == COMPILES:
        names = ", ".join(size.name for size in found.open_sizes)
        return f"nothing stands in the way{f', each call decides {names}' if names else ''}"
    flags = " ".join(f"--dim '{size.name}={size.assumed}'" for size in found.open_sizes)
    return f"nothing stands in the way but open sizes: give them, as in {flags}"


def sizes_table(sizes: Iterable[OpenSize]) -> Table:
    """The sizes that a model leaves open."""
    rows = [(size.name, ", ".join(size.places), str(size.assumed)) for size in sizes]
    return table_of(("open size", "of", "here taken as"), rows, numbers=("here taken as",))


def operators_table(found: Diagnosis) -> Table:
    """The operators of the model with the number of nodes, and of those that stand in the way."""
    bad = [problem.op for problem in found.problems]
    rows = [
        (name, str(count), str(bad.count(name)) if name in bad else "")
        for name, count in found.operators.items()
    ]
    return table_of(("operator", "nodes", "in the way"), rows, numbers=("nodes", "in the way"))


def work_table(work: GraphWork, is_part: bool) -> Table:
    """What a call costs; of a part of a model, or with unknown sizes, that is a lower bound."""
    least = "at least " if is_part or not work.is_complete else ""
    rows = [
        ("weights", f"{least}{work.weights:,} bytes in {work.parameters:,} numbers"),
        ("multiply-adds", f"{least}{work.multiply_adds:,}"),
        ("memory for values", f"{least}{work.memory:,} bytes, estimated"),
        ("moved", f"{least}{work.moved:,} bytes of weights, inputs and outputs"),
        ("intensity", f"{work.intensity:.1f} operations per byte moved"),
    ]
    return table_of(("cost", "of one call"), rows)
