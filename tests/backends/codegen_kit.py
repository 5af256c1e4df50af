"""What the tests of code generation share: numbers, and loops-level text made callable."""

from collections.abc import Sequence

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.dialects.math import Math
from xdsl.dialects.memref import MemRef
from xdsl.dialects.scf import Scf
from xdsl.dialects.vector import Vector
from xdsl.parser import Parser

from penstock.backends.llvm import NativeImage, ObjectCode, compile_module, link
from penstock.backends.targets import missing_features, target
from penstock.dialects.arith_ext import ARITH
from penstock.passes.lowering.loops_to_llvm import LowerLoopsToLLVM
from penstock.phase_runs import describe_machine

Array = NDArray[np.generic]

COUNT = 240
DTYPES: dict[str, np.dtype[np.generic]] = {
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "i1": np.dtype(np.bool_),
    "i8": np.dtype(np.int8),
    "i16": np.dtype(np.int16),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
}
SPECIALS = [
    *(0.0, -0.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-45, -1e-40, 5e-324),
    *(65504.0, 65520.0, 3.4028235e38, 3.4e38, 1e300, 1.00390625, 1.01171875),
    *(1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-8 + 2**-40),
]

CONSTANTS = "\n".join(f"%c{n} = arith.constant {n} : index" for n in range(17))


def lowered(text: str, target_name: str = "x86-64-v3") -> ModuleOp:
    """Parse the loops level, verify, lower for a machine, verify again."""
    context = Context()
    for dialect in (Builtin, Func, ARITH, Math, MemRef, Scf, Vector):
        context.load_dialect(dialect)
    module = Parser(context, text.replace("CONSTANTS", CONSTANTS)).parse_module()
    module.verify()
    describe_machine(module, target(target_name))
    LowerLoopsToLLVM().apply(context, module)
    module.verify()
    return module


def compile_loops(text: str, target_name: str = "x86-64-v3", *, with_assembly: bool = False) -> ObjectCode:
    """Machine code of the loops level."""
    return compile_module(lowered(text, target_name), target(target_name), with_assembly)


def load_loops(text: str, target_name: str = "x86-64-v3") -> NativeImage:
    """Loops-level text ready to be called; the test is skipped where the machine cannot run it."""
    if missing := missing_features(target(target_name)):
        pytest.skip(f"this machine lacks {missing}")
    return NativeImage(link([compile_loops(text, target_name).object]))


def call(image: NativeImage, name: str, arrays: Sequence[Array]) -> None:
    """Call a kernel on whole arrays."""
    assert all(array.flags.c_contiguous for array in arrays)
    image.function(name)(*(array.ctypes.data for array in arrays))


def run(text: str, arrays: Sequence[Array], target_name: str = "x86-64-v3") -> None:
    """Compile the functions of `text` and call `k`; CONSTANTS in it stands for %c0 ... %c16."""
    call(load_loops(text, target_name), "k", arrays)


def numbers(kind: str, seed: int) -> Array:
    """Ordinary and special numbers of a type, in an order of their own for each operand."""
    random = np.random.default_rng(seed)
    dtype = DTYPES[kind]
    if kind == "i1":
        return random.integers(0, 2, COUNT).astype(dtype)
    if dtype.kind == "i":
        info = np.iinfo(f"i{dtype.itemsize}")
        found = random.integers(info.min, info.max, COUNT, dtype=dtype, endpoint=True)
        found[:8] = random.permutation(np.array([0, 1, -1, 2, -2, info.min, info.max, info.min + 1], dtype))
        found[40:140] = random.integers(-20, 20, 100)
        return found
    found64 = random.standard_normal(COUNT) * 2.0 ** random.integers(-20, 20, COUNT)
    found64[::5] = random.choice(SPECIALS, len(found64[::5]))
    found64[1::5] = random.permutation(SPECIALS * 3)[: len(found64[1::5])]
    with np.errstate(all="ignore"):
        return found64.astype(dtype)


def same(actual: Array, expected: Array) -> bool:
    """Whether two arrays agree bit by bit; any NaN is as good as another."""
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return False
    if actual.dtype.kind in "iub":
        return bool((actual == expected).all())
    bits = f"u{actual.dtype.itemsize}"
    with np.errstate(invalid="ignore"):
        both_nan = np.isnan(actual) & np.isnan(expected)
    return bool((both_nan | (actual.view(bits) == expected.view(bits))).all())
