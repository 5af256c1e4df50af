"""What it costs to share a kernel among threads: `python benchmarks/fork_join.py`.

A model of equal kernels, one after the other, runs with every kernel shared out and with none, for kernels
of several sizes.  The cost of a fork and join is what a shared kernel takes more than its even share of the
time that it takes alone.  Where it is half of that time, the caller was done before another thread came.
Minima and medians of many calls, all kinds in turn: other work on the machine makes threads wait for a core.
"""

import argparse
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

from onnx import ModelProto, TensorProto, helper
from rich.console import Console
from rich.table import Table

import penstock
from penstock.backends.llvm import NativeImage
from penstock.backends.llvm.threads import Threads
from penstock.dialects.thread_pool import DEFAULT_SPINS
from penstock.package import ENTRY, Package
from penstock.passes.parallelize import ParallelizePass
from penstock.weights import aligned_bytes

KERNELS = 40
CHANNELS = (2, 8, 32, 128, 512)
SIDE = 16


def chain(channels: int) -> ModelProto:
    """Poolings one after the other: each needs its neighbours of the one before, so none is fused."""
    nodes = [
        helper.make_node("MaxPool", [f"x{i}"], [f"x{i + 1}"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        for i in range(KERNELS)
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, channels, SIDE, SIDE))
        for name in ("x0", f"x{KERNELS}")
    ]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def caller(package: Package, addresses: Sequence[int], threads: int, spins: int) -> Callable[[], None]:
    """A call of the model with nothing around it."""
    image = NativeImage(package.image)
    main = image.function(ENTRY)
    if threads == 1:
        return lambda: main(*addresses)
    pool = Threads(image, threads, spins)
    return lambda: pool.call(main, addresses)


def in_turn(calls: Sequence[Callable[[], None]], count: int) -> list[list[float]]:
    """Microseconds per kernel, for each call."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(count):
        for call, times in zip(calls, found, strict=True):
            start = perf_counter()
            call()
            times.append((perf_counter() - start) * 1e6 / KERNELS)
    return found


def rows(channels: int, threads: int, every: Sequence[int], count: int) -> list[tuple[str, ...]]:
    """One size of kernel: alone, and shared with each number of spins."""
    shared = [ParallelizePass(threads=threads, grain=1)]
    serial = penstock.compile(chain(channels)).package
    parallel = penstock.compile(chain(channels), passes={"schedule": shared}).package
    tensors = aligned_bytes(2 * 4 * channels * SIDE * SIDE), aligned_bytes(parallel.memory.arena)
    start = tensors[0].ctypes.data
    addresses = [start, start + tensors[0].nbytes // 2, tensors[1].ctypes.data, parallel.weights.ctypes.data]
    calls = [caller(serial, addresses, 1, 0), *(caller(parallel, addresses, threads, s) for s in every)]
    alone, *others = in_turn(calls, count)
    return [
        (
            f"{min(alone):.1f} / {median(alone):.1f}",
            str(spins),
            f"{min(times):.1f} / {median(times):.1f}",
            f"{min(times) - min(alone) / threads:.1f} / {median(times) - median(alone) / threads:.1f}",
        )
        for spins, times in zip(every, others, strict=True)
    ]


def main() -> None:
    """Print a line for each size of kernel and number of spins."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--spins", type=int, nargs="+", default=[DEFAULT_SPINS])
    parser.add_argument("--calls", type=int, default=2000)
    arguments = parser.parse_args()
    table = Table("us per kernel alone", "spins", "shared", "cost of fork and join")
    for channels in CHANNELS:
        for row in rows(channels, arguments.threads, arguments.spins, arguments.calls):
            table.add_row(*row)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
