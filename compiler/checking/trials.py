"""Arguments to try a kernel on, and what it must make of them by the nest level's own meaning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod, sqrt

import numpy as np
from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from penstock.backends.nest_interpreter import run_nests
from penstock.checking.comparison import Difference, bounded_difference, epsilon
from penstock.checking.judgement import FLOOR, relative_error
from penstock.checking.slices import is_written
from penstock.checking.widening import is_real, widened, widened_arrays
from penstock.dialects import arith_ext
from penstock.dialects.element_types import is_float
from penstock.dialects.nest.ops import ComputeOp, element_of
from penstock.dialects.resources import Array
from penstock.passes.expand_math import EXPANSIONS

SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 100.0, -100.0, 1000.0, -1000.0)
SPECIAL_SHARE = 0.2
SMALL = 9
"""Most random integers are this small, so that divisions and comparisons have something to tell apart."""

_DIVISIONS = (
    arith.DivSIOp,
    arith.DivUIOp,
    arith.RemSIOp,
    arith.RemUIOp,
    arith.FloorDivSIOp,
    arith.CeilDivSIOp,
    arith.CeilDivUIOp,
    arith.ShLIOp,
    arith.ShRSIOp,
    arith.ShRUIOp,
)
"""Not every integer is right for these."""
_CONVERSIONS = (arith_ext.FPToSIOp, arith_ext.FPToUIOp)
"""Nobody says what becomes of a number that the integer cannot hold."""


@dataclass(frozen=True)
class Kernel:
    """A function over buffers of the nest level, alone in a module."""

    name: str
    module: ModuleOp

    @cached_property
    def function(self) -> FuncOp:
        """The function itself."""
        return next(f for f in self.module.ops if isinstance(f, FuncOp) and f.sym_name.data == self.name)

    @cached_property
    def nests(self) -> list[ComputeOp]:
        """Its nests."""
        return [op for op in self.function.walk() if isinstance(op, ComputeOp)]

    @cached_property
    def written(self) -> list[bool]:
        """Which arguments it writes to."""
        return [is_written(a) for a in self.function.args]

    @property
    def longest_sum(self) -> int:
        """The most terms that one result is folded from."""
        return max((prod(d.size for d in n.loops if d.is_reduction) for n in self.nests), default=1)

    @property
    def is_reproducible(self) -> bool:
        """Whether executors agree on every bit: folds in the order of the loops, none but exact functions."""
        marked = [n for n in self.nests if any(d.is_reduction and d.mark.data == "vector" for d in n.loops)]
        is_reordered = any(is_float(element_of(out)) for n in marked for out in n.outs)
        return not is_reordered and not self.has(*EXPANSIONS)

    def has(self, *kinds: type[Operation]) -> bool:
        """Whether one of its nests holds an op of these kinds."""
        return any(isinstance(op, kinds) for op in self.function.walk())

    def is_constant(self, index: int) -> bool:
        """Whether an argument is the same weight at every call."""
        marks = self.function.arg_attrs
        return marks is not None and "nest.constant" in marks.data[index].data

    def run(self, arrays: Sequence[Array], *, in_order: bool = False) -> list[Array]:
        """Its arguments as it leaves them."""
        copies = [np.array(a, order="C") for a in arrays]
        run_nests(self.module, self.name, copies, in_order=in_order)
        return copies


class Trial:
    """Arguments of one kernel, and what it makes of them."""

    def __init__(self, kernel: Kernel, arrays: Sequence[Array]):
        self.kernel, self.arrays = kernel, arrays

    @cached_property
    def expected(self) -> list[Array]:
        """The arguments afterwards, sums rounded once; of short formats step by step, as there it matters."""
        return self.in_order if self._is_short else self.kernel.run(self.arrays)

    @cached_property
    def in_order(self) -> list[Array]:
        """The arguments afterwards, every step of a sum rounded in the order of the loops."""
        return self.kernel.run(self.arrays, in_order=True)

    @property
    def _is_short(self) -> bool:
        return any(is_real(a) and a.itemsize < 4 for a in self.arrays)

    @cached_property
    def _exact(self) -> list[Array] | None:
        """The arguments afterwards in double precision, if there is one for the kernel."""
        wide = widened(self.kernel.module)
        return None if wide is None else Kernel(self.kernel.name, wide).run(widened_arrays(self.arrays))

    @cached_property
    def errors(self) -> list[float]:
        """The rounding error of each argument afterwards, against double precision."""
        return self._errors_of(self.expected)

    @cached_property
    def errors_in_order(self) -> list[float]:
        """The same where every step of a sum is rounded, as machines do: of numbers that cancel, far more."""
        return self._errors_of(self.in_order)

    def _errors_of(self, made: Sequence[Array]) -> list[float]:
        if self._exact is None:
            return [FLOOR * _unit(a) for a in self.arrays]
        pairs = zip(made, self._exact, strict=True)
        return [relative_error(m, x) + FLOOR * _unit(m) for m, x in pairs]

    def difference(self, made: Sequence[Array], ulps: float) -> Difference | None:
        """How code differs that adds up in another order, by functions with errors of their own."""
        found = bounded_difference(self.expected, made, self.bounds(ulps))
        if found is None or found.is_allowed:
            return found
        return bounded_difference(self.expected, made, self._bounds_of(self.errors_in_order, ulps))

    def bounds(self, ulps: float) -> list[float]:
        """What is allowed to code where the rounding error of sums that are rounded once is enough."""
        return self._bounds_of(self.errors, ulps)

    def _bounds_of(self, errors: Sequence[float], ulps: float) -> list[float]:
        growth = 2 * (FLOOR + sqrt(self.kernel.longest_sum) + ulps)
        return [growth * error for error in errors]


def _unit(array: Array) -> float:
    return epsilon(array) if is_real(array) else 0.0


def trials_of(kernel: Kernel, recorded: Sequence[Array], seed: int) -> Iterator[Trial]:
    """The arguments of a call that was seen; random ones of like size; numbers at the ends of the range."""
    yield Trial(kernel, recorded)
    generator = np.random.default_rng(seed)
    makers = [_random]
    if _takes_everything(kernel):
        makers.append(_special)
    for make in makers:
        arrays = [
            given if _is_fixed(kernel, index, given) else make(generator, given)
            for index, given in enumerate(recorded)
        ]
        trial = Trial(kernel, arrays)
        if _is_defined(trial):
            yield trial


def _is_defined(trial: Trial) -> bool:
    """Whether the kernel can be run on what was made up."""
    try:
        return len(trial.expected) > 0
    except (IndexError, ValueError, ZeroDivisionError):
        return False


def _is_fixed(kernel: Kernel, index: int, given: Array) -> bool:
    whole = kernel.has(*_DIVISIONS, memref.StoreOp) and not is_real(given)
    return kernel.written[index] or kernel.is_constant(index) or whole


def _takes_everything(kernel: Kernel) -> bool:
    """Whether a kernel works point by point: a sum of huge numbers may overflow in one order alone."""
    sums = any(n.reduces for n in kernel.nests)
    return not sums and not kernel.has(*_CONVERSIONS, memref.LoadOp, memref.StoreOp)


def _random(generator: np.random.Generator, like: Array) -> Array:
    if is_real(like):
        numbers = like.astype(np.float64)
        numbers = numbers[np.isfinite(numbers)]
        size = float(np.sqrt(np.mean(np.square(numbers)))) if numbers.size else 0.0
        return (generator.standard_normal(like.shape) * (size or 1.0)).astype(like.dtype)
    if like.dtype == np.bool_:
        return generator.integers(0, 2, like.shape).astype(like.dtype)
    limits = np.iinfo(like.dtype.str)
    small = generator.integers(max(-SMALL, limits.min), SMALL, like.shape)
    large = generator.integers(
        limits.min, limits.max, like.shape, np.dtype(like.dtype.str).type, endpoint=True
    )
    return np.where(generator.random(like.shape) < SPECIAL_SHARE, large, small).astype(like.dtype)


def _special(generator: np.random.Generator, like: Array) -> Array:
    usual = _random(generator, like)
    if not is_real(like):
        return usual
    with np.errstate(all="ignore"):
        chosen = generator.choice(np.array(SPECIAL), like.shape).astype(like.dtype)
    return np.where(generator.random(like.shape) < SPECIAL_SHARE, chosen, usual).astype(like.dtype)
