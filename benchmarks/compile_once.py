"""One compilation in a process of its own, for `compile_time`: what it took and how much memory, as JSON.

python -m benchmarks.compile_once REPORT compile model.onnx -o model.penstock
python -m benchmarks.compile_once REPORT load '{"path": "model.onnx", "shapes": {}}'
"""

import json
import resource
import sys
import time
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak() -> int:
    """Kilobytes that this process, or one that it made, had in memory at most.

    What the system tells the parent would hold the memory of the parent, which starts this process.
    """
    own = int(STATUS.read_text().partition("VmHWM:")[2].split()[0])
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def run(command: str, arguments: list[str]) -> None:
    """Run the command line, or compile in memory."""
    if command == "load":
        import penstock

        given = json.loads(arguments[0])
        penstock.compile(given["path"], shapes=given["shapes"])
        return
    from penstock.cli import cli

    cli([command, *arguments], standalone_mode=False)


def main() -> None:
    """The command."""
    report, command, *arguments = sys.argv[1:]
    start = time.perf_counter()
    run(command, arguments)
    found = {"seconds": time.perf_counter() - start, "peak": peak()}
    Path(report).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
