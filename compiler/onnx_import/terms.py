"""What importers add to formulas over tensors: sizes that only a call tells, and what it is held to."""

from collections.abc import Sequence

from penstock.dialects.graph.base import Dim, dim_of, size_of
from penstock.dialects.graph.formulas import Formula, Number
from penstock.dialects.requirements import equal
from penstock.dialects.sizes import Extent
from penstock.onnx_import.builder import Builder


class Term(Formula[Builder]):
    """A value of a model that is imported, with Python's operators."""

    def number(self, size: Extent) -> "Term | Number":
        """A size as a number to compute with: a value of the same element type where only a call tells it."""
        return size if isinstance(size, int) else self.like(self.build.size(dim_of(size), self.element))

    def held_to(self, *shape: Dim) -> "Term":
        """Under the shape that it must have: calls are held to it where sizes are open."""
        sizes = (*self.shape, *shape)
        is_known = all(isinstance(size, int) for size in sizes)
        if is_known or "?" in sizes or len(self.shape) != len(shape):
            return self
        for have, want in zip(self.shape, shape, strict=True):
            self.build.hold(equal(size_of(have), size_of(want)))
        return self.reshape(*shape)


def concat(parts: Sequence[Term], axis: int) -> Term:
    """Terms behind one another along an axis."""
    return parts[0].like(parts[0].build.concat([part.value for part in parts], axis))


def stack(parts: Sequence[Term], axis: int) -> Term:
    """Terms of one shape side by side along a new axis."""
    return concat([p.reshape(*p.shape[:axis], 1, *p.shape[axis:]) for p in parts], axis)
