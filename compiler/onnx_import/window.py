"""How importers read a sliding window: defaults, automatic padding and rounding up are resolved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xdsl.ir import Attribute, SSAValue

from penstock.dialects.graph.base import Dim, dim_of, integers, rank_of, shape_of, size_of
from penstock.dialects.graph.movement import counts_attr
from penstock.dialects.sizes import Extent, maximum, minimum
from penstock.errors import ModelError
from penstock.onnx_import.axes import require
from penstock.onnx_import.node import Node


@dataclass(frozen=True)
class Window:
    """A window over the spatial dims; pads are (low..., high...)."""

    kernel: tuple[Dim, ...]
    strides: tuple[int, ...]
    pads: tuple[Dim, ...]
    dilations: tuple[int, ...]

    def properties(self) -> dict[str, Attribute]:
        """The properties that every windowed op has."""
        return {
            "strides": integers(self.strides),
            "pads": counts_attr(self.pads),
            "dilations": integers(self.dilations),
        }

    def spans(self) -> list[Extent]:
        """How many elements the window covers along each dim."""
        return [d * (size_of(k) - 1) + 1 for k, d in zip(self.kernel, self.dilations, strict=True)]


def read_window(node: Node, x: SSAValue, kernel: Sequence[Dim] | None = None) -> Window:
    """The window of a convolution or pooling over `x`, with its padding in numbers."""
    window = explicit_window(node, x, kernel)
    automatic = auto_pad(node)
    if automatic == "NOTSET":
        return window
    if automatic == "VALID":
        return replace(window, pads=(0,) * len(window.pads))
    totals = [_same_padding(x, window, axis) for axis in range(len(window.kernel))]
    return replace(window, pads=split_padding(totals, extra_high=automatic == "SAME_UPPER"))


def explicit_window(node: Node, x: SSAValue, kernel: Sequence[Dim] | None = None) -> Window:
    """The window as the attributes give it, with their defaults."""
    n = rank_of(x) - 2
    taps = node.ints("kernel_shape") if kernel is None or node.has("kernel_shape") else tuple(kernel)
    window = Window(
        taps, node.ints("strides", [1] * n), node.ints("pads", [0] * 2 * n), node.ints("dilations", [1] * n)
    )
    lengths = (len(taps), len(window.strides), len(window.dilations))
    fits = n > 0 and lengths == (n, n, n) and len(window.pads) == 2 * n and min(window.strides) > 0
    require(node, fits, f"the window of {node.op_type} does not fit an input of rank {rank_of(x)}: {window}")
    if kernel is not None:
        text = f"kernel_shape of {node.op_type} is {list(taps)}, its filter has {list(kernel)}"
        require(node, tuple(kernel) == taps, text)
    return window


def auto_pad(node: Node) -> str:
    """The way of automatic padding, one of four words."""
    word = node.string("auto_pad", "NOTSET")
    if word not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise ModelError(
            f"auto_pad of {node.op_type} is {word!r}", node=node.name, remedy="Export the model again."
        )
    return word


def _same_padding(x: SSAValue, window: Window, axis: int) -> Extent:
    """The padding that makes `ceil(size / stride)` windows fit along a spatial axis."""
    stride, span = window.strides[axis], window.spans()[axis]
    if stride == 1:
        return span - 1
    size = size_of(shape_of(x)[axis + 2])
    return maximum(((size + (stride - 1)) // stride - 1) * stride + span - size, 0)


def split_padding(totals: Sequence[Extent], extra_high: bool) -> tuple[Dim, ...]:
    """Padding halved per dim, the odd element at the high or the low end.

    >>> split_padding([3], extra_high=True), split_padding([3], extra_high=False)
    ((1, 2), (2, 1))
    """
    lows = [total // 2 if extra_high else total - total // 2 for total in totals]
    return (*map(dim_of, lows), *(dim_of(total - low) for total, low in zip(totals, lows, strict=True)))


def rounded_up(x: SSAValue, window: Window) -> Window:
    """The window with high pads such that a last, partial window fits, if it starts before the high padding.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html states the rule.
    """
    n = len(window.kernel)
    highs = [_high_padding(x, window, axis) for axis in range(n)]
    return replace(window, pads=(*window.pads[:n], *highs))


def _high_padding(x: SSAValue, window: Window, axis: int) -> Dim:
    n, stride, span = len(window.kernel), window.strides[axis], window.spans()[axis]
    low, high = (size_of(window.pads[i]) for i in (axis, n + axis))
    if stride == 1:
        return dim_of(high)
    size = size_of(shape_of(x)[axis + 2])
    # The last window starts before the high padding.
    most = (size + low - 1) // stride
    steps = minimum((size + low + high - span + (stride - 1)) // stride, most)
    return dim_of(maximum(steps * stride + span - size - low, 0))
