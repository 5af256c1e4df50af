"""The matrices of minimal filtering F(m, r): m outputs of a filter of r taps from m + r - 1 products.

    y = A^T [ (G g) * (B^T d) ]

They come from Toom-Cook interpolation at points: values of the filter and of the data at the points are
multiplied, and the transposed problem is the convolution (Lavin and Gray, "Fast Algorithms for Convolutional
Neural Networks", 2016; Blahut, "Fast Algorithms for Signal Processing", 2010, section 5).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
TAPS = 3
"""Taps of a filter along one dim."""

POINTS = {2: (0.0, 1.0, -1.0), 4: (0.0, 0.625, -0.625, 1.5, -1.5)}
"""Finite points by outputs per tile; infinity is the last one.

Pairs of opposite points halve the work of the transforms, and binary fractions make their coefficients exact.
For four outputs the error in single precision is three times that of the plain sum; with the usual points
0, 1, -1, 2, -2 it is six times (mean over random tiles of 64 channels).
"""


@dataclass(frozen=True)
class Filtering:
    """F(m, 3): the transforms of the data, of the filter and of the products."""

    outputs: int
    points: tuple[float, ...]

    @property
    def inputs(self) -> int:
        """Inputs, and products, of a tile along one dim."""
        return self.outputs + 2

    @cached_property
    def data(self) -> Matrix:
        """B^T, [inputs, inputs]: row i holds the coefficients of prod over j != i of (x - p_j)."""
        rows = [_polynomial([p for p in self.points if p != q]) for q in self.points]
        return np.array([*([*row, 0.0] for row in rows), _polynomial(self.points)])

    @cached_property
    def filter(self) -> Matrix:
        """G, [inputs, 3]: powers of a point over the product of its distances from the others."""
        weights = [np.prod([q - p for p in self.points if p != q]) for q in self.points]
        rows = [[q**k / w for k in range(3)] for q, w in zip(self.points, weights, strict=True)]
        return np.array([*rows, [0.0, 0.0, 1.0]])

    @cached_property
    def products(self) -> Matrix:
        """A^T, [outputs, inputs]: powers of the points."""
        rows = [[q**k for q in self.points] + [float(k == self.outputs - 1)] for k in range(self.outputs)]
        return np.array(rows)

    def transformed(self, weights: Matrix) -> Matrix:
        """Filters [3, 3, ...] at all pairs of points: [inputs, inputs, ...]."""
        rows = self.filter @ weights.reshape(TAPS, -1)
        both = np.matmul(self.filter, rows.reshape(self.inputs, TAPS, -1))
        return both.reshape(self.inputs, self.inputs, *weights.shape[2:])


@lru_cache
def filtering(outputs: int) -> Filtering:
    """F(outputs, 3) with its points."""
    return Filtering(outputs, POINTS[outputs])


def _polynomial(roots: "tuple[float, ...] | list[float]") -> list[float]:
    """Coefficients, lowest first, of the product of (x - root); what rounding made of zeros is zero."""
    coefficients = np.array([1.0])
    for root in roots:
        coefficients = np.convolve(coefficients, [-root, 1.0])
    return [0.0 if abs(c) < 1e-12 else float(c) for c in coefficients]
