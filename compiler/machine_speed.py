"""What one core of this machine can do at most, measured: fused multiply-adds per second, bytes per second.

The loops that are measured go through the same passes and the same code generator as the kernels of a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from xdsl.dialects import arith, func, math
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FloatAttr,
    FunctionType,
    MemRefType,
    ModuleOp,
    UnitAttr,
    f32,
)
from xdsl.ir import Attribute, Block, Region, SSAValue

from penstock.backends.llvm import NativeImage
from penstock.backends.targets import Target, host
from penstock.build import build_image
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import ComputeOp, DimAttr, Read, Write, parallel, reduction, region
from penstock.extensions import extended
from penstock.phase_runs import later_phases, prepare
from penstock.timing import measure
from penstock.weights import aligned_bytes

PEAK, STREAM = "peak", "stream"
FLOAT_BITS = 32
FLOAT_BYTES = 4
STEPS = 100_000
"""Iterations of the loop of multiply-adds."""
UNROLLED = 4
"""Vectors in one iteration of the loop that streams."""
BUFFERS = 3
"""The loop that streams reads two buffers and writes a third."""
BEYOND_CACHES = 4
"""How many times the last cache a buffer set must be to lie in memory."""
LEAST_MEMORY, MOST_MEMORY = 64 << 20, 512 << 20


@dataclass(frozen=True)
class Bandwidth:
    """Bytes per second of one core, read and written, on buffers of `size` bytes together."""

    where: str
    size: int
    rate: float


@dataclass(frozen=True)
class MachineSpeed:
    """The limits of one core: floating-point operations per second, and bandwidths, nearest cache first."""

    peak: float
    bandwidths: tuple[Bandwidth, ...]

    def bandwidth(self, moved: int) -> float:
        """The bandwidth of the nearest place where so many bytes were measured."""
        near = (each.rate for each in self.bandwidths if moved <= each.size)
        return next(near, self.bandwidths[-1].rate)

    def least_seconds(self, flops: int, moved: int) -> float:
        """The roofline: no kernel with this arithmetic on so many bytes takes less."""
        return max(flops / self.peak, moved / self.bandwidth(moved))


def machine_speed(seconds: float = 1.0) -> MachineSpeed:
    """Measure this machine, the time shared out among the loops."""
    machine = host()
    sizes = {
        "L2": machine.l2 // 2,
        "L3": machine.l3 // 2,
        "memory": min(max(machine.l3 * BEYOND_CACHES, LEAST_MEMORY), MOST_MEMORY),
    }
    lanes = max(machine.vector_bits // FLOAT_BITS, 1)
    counts = {where: size // (BUFFERS * FLOAT_BYTES) for where, size in sizes.items()}
    image = _image(machine, lanes, counts)
    share = seconds / (1 + len(sizes))
    peak = _peak(image, lanes, _accumulators(machine), share)
    rates = {where: _bandwidth(image, where, count, share) for where, count in counts.items()}
    return MachineSpeed(peak, tuple(Bandwidth(where, sizes[where], rate) for where, rate in rates.items()))


def _accumulators(machine: Target) -> int:
    """Sums in flight: enough to hide the latency of two units, few enough to stay in registers."""
    return machine.vector_registers * 3 // 4


def _image(machine: Target, lanes: int, counts: dict[str, int]) -> NativeImage:
    streams = [_stream(f"{STREAM}_{where}", lanes, count) for where, count in counts.items()]
    module = ModuleOp([_multiply_adds(lanes, _accumulators(machine)), *streams])
    known = extended()
    prepare(module, machine)
    return NativeImage(build_image(known.context(), module, machine, later_phases(known)))


def _multiply_adds(lanes: int, sums: int) -> func.FuncOp:
    """`for t: for l: sum_i[l] = fma(x[l], y[l], sum_i[l])`, with sums that start apart and so stay apart."""

    def body(block: Block) -> Sequence[SSAValue]:
        x, y, *accumulators = block.args
        each = [math.FmaOp(x, y, accumulator) for accumulator in accumulators]
        block.add_ops(each)
        return [op.result for op in each]

    dims = [reduction("t", STEPS), _vector("l", lanes)]
    vector, matrix = MemRefType(f32, [lanes]), MemRefType(f32, [sums, lanes])
    block = Block(arg_types=[vector, vector, matrix])
    x, y, out = block.args
    here = Access.of(2, 1)
    nest = ComputeOp.of(
        dims,
        [Read(x, here), Read(y, here)],
        [Write(out, Access.of(2, ({}, i), 1)) for i in range(sums)],
        region([f32] * (2 + sums), body),
        init=[FloatAttr(float(i), f32) for i in range(sums)],
        epilogue=region([f32] * sums, lambda end: end.args),
    )
    return _kernel(PEAK, block, nest)


def _stream(name: str, lanes: int, count: int) -> func.FuncOp:
    """`for i: z[i] = x[i] + y[i]`."""

    def body(block: Block) -> Sequence[SSAValue]:
        total = arith.AddfOp(block.args[0], block.args[1])
        block.add_op(total)
        return [total.result]

    step = UNROLLED * lanes
    dims = [
        parallel("i", count // step),
        parallel("u", UNROLLED).marked("unroll"),
        _vector("l", lanes),
    ]
    block = Block(arg_types=[MemRefType(f32, [count])] * BUFFERS)
    x, y, z = block.args
    here = Access.of(3, {0: step, 1: lanes, 2: 1})
    nest = ComputeOp.of(dims, [Read(x, here), Read(y, here)], [Write(z, here)], region([f32, f32], body))
    return _kernel(name, block, nest)


def _vector(label: str, lanes: int) -> DimAttr:
    return parallel(label, lanes).marked("vector", lanes)


def _kernel(name: str, block: Block, nest: ComputeOp) -> func.FuncOp:
    """A function of one nest, its buffers apart from each other as those of every kernel are."""
    block.add_ops([nest, func.ReturnOp()])
    apart = DictionaryAttr({"llvm.noalias": UnitAttr()})
    result = DictionaryAttr({"llvm.noalias": UnitAttr(), "nest.result": UnitAttr()})
    kinds: Sequence[Attribute] = block.arg_types
    marks = ArrayAttr([*[apart] * (len(kinds) - 1), result])
    function = func.FuncOp(name, FunctionType.from_lists(kinds, []), Region(block), arg_attrs=marks)
    function.attributes["nest.kernel"] = UnitAttr()
    return function


def _floats(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Aligned numbers: sums of products of them neither overflow nor get small."""
    array = aligned_bytes(count * FLOAT_BYTES).view(np.float32)
    array[:] = 0.5
    return array


def _peak(image: NativeImage, lanes: int, sums: int, seconds: float) -> float:
    buffers = [_floats(lanes), _floats(lanes), _floats(lanes * sums)]
    run = partial(image.function(PEAK), *(buffer.ctypes.data for buffer in buffers))
    return 2 * STEPS * lanes * sums / min(measure(run, budget=seconds).seconds)


def _bandwidth(image: NativeImage, where: str, count: int, seconds: float) -> float:
    buffers = [_floats(count) for _ in range(BUFFERS)]
    run = partial(image.function(f"{STREAM}_{where}"), *(buffer.ctypes.data for buffer in buffers))
    return BUFFERS * FLOAT_BYTES * count / min(measure(run, budget=seconds).seconds)
