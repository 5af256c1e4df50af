"""What `doctor --json` prints for programs: one object, without what tables take to import."""

import json
from dataclasses import asdict

import click

from penstock.diagnosis import Diagnosis
from penstock.graph_work import GraphWork

SCHEMA = 1
"""Of the JSON object: grows when a field goes or changes its meaning; new fields may come at any time."""


def show_json(found: Diagnosis) -> None:
    """Print one JSON object; docs/doctor.md describes it."""
    work = found.work
    told = {
        "schema": SCHEMA,
        "file": found.file,
        "verdict": found.verdict,
        "problems": [asdict(problem) for problem in found.problems],
        "host_nodes": [asdict(node) for node in found.host_nodes],
        "open_sizes": [asdict(size) for size in found.open_sizes],
        "open_problems": [asdict(problem) for problem in found.open_problems],
        "operators": dict(found.operators),
        "opsets": {domain or "ai.onnx": version for domain, version in found.opsets.items()},
        "work": None if work is None else work_fields(work, is_part=bool(found.problems)),
    }
    click.echo(json.dumps(told, indent=1))


def work_fields(work: GraphWork, is_part: bool) -> dict[str, object]:
    """The costs as fields of the JSON object."""
    return {
        "is_lower_bound": is_part or not work.is_complete,
        "weight_bytes": work.weights,
        "parameters": work.parameters,
        "multiply_adds": work.multiply_adds,
        "memory_bytes": work.memory,
        "moved_bytes": work.moved,
        "intensity": round(work.intensity, 3),
    }
