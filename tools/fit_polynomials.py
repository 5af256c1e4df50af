"""Fits the polynomials of the pass `expand-math` and writes them as passes/math_expansions/coefficients.py.

Each fit minimises the largest weighted error `|weight(x) * (target(x) - p(x))|` by Remez' second algorithm
on a dense Chebyshev grid (E. Remez, 1934; J.-M. Muller, Elementary Functions, 3rd ed., sections 3.5 and
4.5). The coefficients are then rounded to their format; the errors reported are those of the rounded ones.
Usage: python tools/fit_polynomials.py [--check]
"""

import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mpmath import mp, mpf  # from PyPI; only this script needs it

WORKING_BITS = 200
OUTPUT = Path(__file__).resolve().parent.parent / "passes" / "math_expansions" / "coefficients.py"
GRID_POINTS_PER_TERM = 24
EXCHANGES = 30

Number = mpf
Function = Callable[[Number], Number]


@dataclass(frozen=True)
class Fit:
    """One polynomial: what it approximates, where, how closely it is looked at, and its size and format."""

    name: str
    meaning: str
    target: Function
    weight: Function
    low: Number
    high: Number
    terms: int
    single: bool = False


def rounded(value: Number, single: bool) -> float:
    """The nearest number of the format."""
    return struct.unpack("f", struct.pack("f", float(value)))[0] if single else float(value)


def chebyshev_grid(low: Number, high: Number, count: int) -> list[Number]:
    """Points of an interval, dense towards its ends."""
    middle, half = (low + high) / 2, (high - low) / 2
    return [middle - half * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]


def extrema(errors: Sequence[Number], count: int) -> list[int]:
    """Indices of `count` alternating extrema of the error, the largest ones kept."""
    runs: list[int] = []
    for i, error in enumerate(errors):
        if runs and (errors[runs[-1]] > 0) == (error > 0):
            runs[-1] = max(runs[-1], i, key=lambda k: abs(errors[k]))
        else:
            runs.append(i)
    while len(runs) > count:
        runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
    return runs


def solve(points: Sequence[Number], values: Sequence[Number], weights: Sequence[Number]) -> list[Number]:
    """Coefficients whose weighted error has one size and alternating signs at the points."""
    terms = len(points) - 1
    matrix = mp.matrix(len(points), len(points))
    for row, (point, weight) in enumerate(zip(points, weights, strict=True)):
        for power in range(terms):
            matrix[row, power] = point**power
        matrix[row, terms] = (-1) ** row / weight
    return list(mp.lu_solve(matrix, mp.matrix(values)))[:terms]


def weighted_errors(
    coefficients: Sequence[Number | float],
    grid: Sequence[Number],
    values: Sequence[Number],
    weights: Sequence[Number],
) -> list[Number]:
    """What a polynomial leaves of the values, as the fit looks at it."""
    return [
        weight * (value - mp.polyval(list(coefficients[::-1]), point))
        for point, value, weight in zip(grid, values, weights, strict=True)
    ]


def remez(
    grid: Sequence[Number], values: Sequence[Number], weights: Sequence[Number], terms: int
) -> list[Number]:
    """The polynomial of so many terms with the least largest weighted error on the grid."""
    chosen = [round(i * (len(grid) - 1) / terms) for i in range(terms + 1)]
    coefficients: list[Number] = []
    for _ in range(EXCHANGES):
        coefficients = solve(*([column[i] for i in chosen] for column in (grid, values, weights)))
        exchanged = extrema(weighted_errors(coefficients, grid, values, weights), terms + 1)
        if exchanged == chosen:
            break
        chosen = exchanged
    return coefficients


def fit(task: Fit) -> tuple[list[float], float]:
    """The rounded coefficients of a fit, lowest power first, and the largest weighted error they leave."""
    grid = chebyshev_grid(task.low, task.high, GRID_POINTS_PER_TERM * task.terms)
    values = [task.target(point) for point in grid]
    weights = [abs(task.weight(point)) for point in grid]
    coefficients = [rounded(c, task.single) for c in remez(grid, values, weights, task.terms)]
    return coefficients, float(max(map(abs, weighted_errors(coefficients, grid, values, weights))))


def exponential_fits() -> list[Fit]:
    """Powers of e and of 2 on half a binade to either side of 1."""
    half_ln2 = mp.log(2) / 2 * (1 + mpf(2) ** -12)
    half = mpf(1) / 2 * (1 + mpf(2) ** -12)

    def tail_of_exp(r: Number) -> Number:
        return (mp.expm1(r) - r) / r**2

    def slope_of_exp2(r: Number) -> Number:
        return mp.expm1(r * mp.log(2)) / r

    exp = ("exp(r) = 1 + r + r^2 p(r), relative to exp(r)", tail_of_exp, lambda r: r**2 / mp.exp(r))
    expm1 = ("exp(r) - 1 = r + r^2 p(r), relative to it", tail_of_exp, lambda r: r**2 / mp.expm1(r))
    exp2 = ("2^r = 1 + r p(r), relative to 2^r", slope_of_exp2, lambda r: r / mpf(2) ** r)
    return [
        Fit("EXP_SINGLE", *exp, -half_ln2, half_ln2, 5, True),
        Fit("EXP_DOUBLE", *exp, -half_ln2, half_ln2, 10),
        Fit("EXPM1_SINGLE", *expm1, -half_ln2, half_ln2, 6, True),
        Fit("EXPM1_DOUBLE", *expm1, -half_ln2, half_ln2, 11),
        Fit("EXP2_SINGLE", *exp2, -half, half, 6, True),
        Fit("EXP2_DOUBLE", *exp2, -half, half, 11),
        Fit("EXP2_FOR_SINGLE", *exp2, -half, half, 7),
    ]


def logarithm_fits() -> list[Fit]:
    """The logarithm between sqrt(1/2) and sqrt(2), as a polynomial and by the atanh series."""
    low, high = mp.sqrt(mpf(1) / 2) - 1, mp.sqrt(2) - 1
    square = ((high / (2 + high)) ** 2) * (1 + mpf(2) ** -20)

    def tail_of_log1p(f: Number) -> Number:
        return (mp.log1p(f) - f) / f**2

    def tail_of_atanh(z: Number) -> Number:
        return 2 * (mp.atanh(mp.sqrt(z)) - mp.sqrt(z)) / mp.sqrt(z) ** 3

    log = ("log(1 + f) = f + f^2 p(f), relative to it", tail_of_log1p, lambda f: f**2 / mp.log1p(f))
    atanh = (
        "2 atanh(s) = 2s + s^3 p(s^2), relative to it",
        tail_of_atanh,
        lambda z: mp.sqrt(z) ** 3 / (2 * mp.atanh(mp.sqrt(z))),
    )
    atanh_tail = (
        "2 atanh(s) = 2s + 2/3 s^3 + s^5 p(s^2), relative to it",
        lambda z: (tail_of_atanh(z) - mpf(2) / 3) / z,
        lambda z: mp.sqrt(z) ** 5 / (2 * mp.atanh(mp.sqrt(z))),
    )
    return [
        Fit("LOG_SINGLE", *log, low, high, 9, True),
        Fit("LOG_DOUBLE", *atanh, mpf(0), square, 7),
        Fit("LOG_FOR_SINGLE", *atanh, mpf(0), square, 4),
        Fit("LOG_EXTENDED", *atanh_tail, mpf(0), square, 8),
    ]


def circular_fits() -> list[Fit]:
    """Sine and cosine on an eighth of a turn with a margin, arcsine up to 1/2, arctangent."""
    eighth = (mp.pi / 4 * (1 + mpf(2) ** -7)) ** 2
    root = mp.sqrt
    sine = (
        "sin(r) = r + r^3 p(r^2), relative to it",
        lambda z: (mp.sin(root(z)) - root(z)) / root(z) ** 3,
        lambda z: root(z) ** 3 / mp.sin(root(z)),
    )
    cosine = (
        "cos(r) = 1 - r^2/2 + r^4 p(r^2), relative to it",
        lambda z: (mp.cos(root(z)) - 1 + z / 2) / z**2,
        lambda z: z**2 / mp.cos(root(z)),
    )
    arcsine = (
        "asin(x) = x + x^3 p(x^2), relative to it",
        lambda z: (mp.asin(root(z)) - root(z)) / root(z) ** 3,
        lambda z: root(z) ** 3 / mp.asin(root(z)),
    )
    arctangent = (
        "atan(t) = t + t^3 p(t^2), relative to it",
        lambda z: (mp.atan(root(z)) - root(z)) / root(z) ** 3,
        lambda z: root(z) ** 3 / mp.atan(root(z)),
    )
    quarter, octant = mpf(1) / 4, (root(2) - 1) ** 2 * (1 + mpf(2) ** -20)
    return [
        Fit("SIN_SINGLE", *sine, mpf(0), eighth, 3, True),
        Fit("SIN_DOUBLE", *sine, mpf(0), eighth, 6),
        Fit("COS_SINGLE", *cosine, mpf(0), eighth, 3, True),
        Fit("COS_DOUBLE", *cosine, mpf(0), eighth, 6),
        Fit("ASIN_SINGLE", *arcsine, mpf(0), quarter, 5, True),
        Fit("ASIN_DOUBLE", *arcsine, mpf(0), quarter, 12),
        Fit("ATAN_SINGLE", *arctangent, mpf(0), mpf(1), 9, True),
        Fit("ATAN_DOUBLE", *arctangent, mpf(0), octant, 11),
    ]


def other_fits() -> list[Fit]:
    """The error function below and above 1, and a first guess of the cube root."""

    def slope_of_erf(z: Number) -> Number:
        return mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1

    def fourth_root_of_erfc(t: Number) -> Number:
        return mp.root(mp.erfc(t + mpf(5) / 2), 4)

    def scaled_erfc(t: Number) -> Number:
        return mp.erfc(t + mpf(7) / 2) * mp.exp((t + mpf(7) / 2) ** 2)

    near = ("erf(x) = x + x p(x^2), relative to it", slope_of_erf, lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)))
    far = (
        "erf(x) = 1 - p(x - 5/2)^4, relative to it",
        fourth_root_of_erfc,
        lambda t: 4 * fourth_root_of_erfc(t) ** 3 / mp.erf(t + mpf(5) / 2),
    )
    scaled = (
        "erf(x) = 1 - exp(-x^2) p(x - 7/2), relative to it",
        scaled_erfc,
        lambda t: mp.exp(-((t + mpf(7) / 2) ** 2)) / mp.erf(t + mpf(7) / 2),
    )
    root = ("cbrt(m) = p(m), relative to it", mp.cbrt, lambda m: 1 / mp.cbrt(m))
    return [
        Fit("ERF_NEAR_SINGLE", *near, mpf(0), mpf(1), 7, True),
        Fit("ERF_NEAR_DOUBLE", *near, mpf(0), mpf(1), 13),
        Fit("ERF_FAR_SINGLE", *far, mpf(-3) / 2, mpf(3) / 2, 9, True),
        Fit("ERF_FAR_DOUBLE", *scaled, mpf(-5) / 2, mpf(5) / 2, 21),
        Fit("CBRT_SINGLE", *root, mpf(1), mpf(2), 4, True),
        Fit("CBRT_DOUBLE", *root, mpf(1), mpf(2), 6),
    ]


def source() -> str:
    """The text of the module of coefficients."""
    mp.prec = WORKING_BITS
    lines = [
        '"""Minimax coefficients for `expand-math`, lowest power first; made by tools/fit_polynomials.py."""'
    ]
    for task in exponential_fits() + logarithm_fits() + circular_fits() + other_fits():
        coefficients, error = fit(task)
        print(f"{task.name}: {task.terms} terms, error 2^{mp.log(error, 2)}", file=sys.stderr)
        interval = f"[{mp.nstr(task.low, 5)}, {mp.nstr(task.high, 5)}]"
        lines += ["", f"# {task.meaning}, on {interval}: error at most {error:.1e}.", f"{task.name} = ("]
        lines += [f"    {coefficient!r}," for coefficient in coefficients]
        lines += [")"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the module, or with --check say whether it is up to date."""
    text = source()
    if "--check" not in sys.argv[1:]:
        OUTPUT.write_text(text)
        return 0
    return int(OUTPUT.read_text() != text)


if __name__ == "__main__":
    sys.exit(main())
