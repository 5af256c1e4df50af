"""A profile as a timeline: the trace event format that chrome://tracing and ui.perfetto.dev open.

The format: "Trace Event Format", Google, complete events (`"ph": "X"`) with times in microseconds.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from penstock.package import CallInfo, KernelInfo
from penstock.profiling import Profile, Span

PROCESS, THREAD = 1, 1


def write_timeline(profile: Profile, path: Path) -> None:
    """Write the fastest repetition, an event for each call of a kernel."""
    path.write_text(json.dumps(timeline(profile), indent=1) + "\n", encoding="utf-8")


def timeline(profile: Profile) -> dict[str, object]:
    """The fastest repetition as an object of the trace event format."""
    package = profile.package
    kernels = {kernel.name: kernel for kernel in package.kernels}
    origin = profile.run[0].start
    events = [
        _event(kernels[call.kernel], call, span, origin)
        for call, span in zip(package.calls, profile.run, strict=True)
    ]
    names = [_named("process_name", f"penstock: {package.name}"), _named("thread_name", "kernels")]
    return {
        "traceEvents": [*names, *events],
        "displayTimeUnit": "ns",
        "otherData": {"model": package.name, "target": package.target.name},
    }


def _named(what: str, name: str) -> Mapping[str, object]:
    return {"ph": "M", "name": what, "pid": PROCESS, "tid": THREAD, "args": {"name": name}}


def _event(kernel: KernelInfo, call: CallInfo, span: Span, origin: int) -> Mapping[str, object]:
    return {
        "ph": "X",
        "name": kernel.name,
        "cat": "kernel",
        "pid": PROCESS,
        "tid": THREAD,
        "ts": (span.start - origin) / 1e3,
        "dur": span.duration / 1e3,
        "args": {
            "nodes": list(call.nodes),
            "flops": kernel.flops,
            "bytes": kernel.moved,
            "GFLOP/s": round(kernel.flops / max(span.duration, 1), 3),
            "loops": kernel.loops,
        },
    }
