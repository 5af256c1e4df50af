"""Models of one node for each way an operator that moves, picks or resamples elements can be written."""

from collections.abc import Iterator, Sequence

import numpy as np

from penstock.dialects.graph.base import Array
from tests.onnx_import.operator_cases import Case, reals

X = reals(2, 3, 4)
IMAGE = reals(1, 2, 5, 7)
Attribute = int | float | str | Sequence[int]
RULES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric")
BLOCKS = reals(1, 8, 2, 3)


def ints(*values: int) -> Array:
    """A list of integers."""
    return np.array(values, np.int64)


def floats(*values: float) -> Array:
    """A list of reals."""
    return np.array(values, np.float32)


def with_constants(
    op_type: str, opset: int, x: Array, *constants: Array | None, **attributes: Attribute
) -> Case:
    """A node whose inputs after the first are initializers."""
    return Case(op_type, opset, [x, *constants], attributes, range(1, 1 + len(constants)))


def shape_cases() -> Iterator[Case]:
    """Reshape, Flatten, Squeeze, Unsqueeze, Expand."""
    yield with_constants("Reshape", 7, X, ints(4, -1))
    yield with_constants("Reshape", 13, X, ints(0, -1))
    yield with_constants("Reshape", 14, reals(0, 3), ints(3, 0), allowzero=1)
    yield with_constants("Reshape", 13, reals(1, 1), np.zeros(0, np.int64))
    for axis in (0, 1, 3):
        yield Case("Flatten", 9, [X], {"axis": axis})
    yield Case("Flatten", 13, [X], {"axis": -1})
    yield Case("Squeeze", 11, [reals(1, 3, 1)], {"axes": [0]})
    yield Case("Squeeze", 11, [reals(1, 3, 1)])
    yield with_constants("Squeeze", 13, reals(1, 3, 1), ints(-1))
    yield Case("Unsqueeze", 11, [X], {"axes": [0, 4]})
    yield with_constants("Unsqueeze", 13, X, ints(-1, 1))
    yield with_constants("Expand", 13, reals(3, 1), ints(2, 1, 4))
    yield with_constants("Expand", 13, reals(3, 4), ints(1))


def order_cases() -> Iterator[Case]:
    """Transpose, Concat, Split, Slice."""
    yield Case("Transpose", 13, [X])
    yield Case("Transpose", 13, [X], {"perm": [1, 2, 0]})
    yield Case("Concat", 13, [X, reals(2, 1, 4)], {"axis": 1})
    yield Case("Concat", 13, [X, X, X], {"axis": -1})
    yield Case("Concat", 13, [X], {"axis": 0})
    yield Case("Split", 11, [X], {"axis": 2, "split": [1, 3]}, outputs=2)
    yield Case("Split", 13, [X], {"axis": -1}, outputs=2)
    yield Case("Split", 13, [X, ints(1, 2)], {"axis": 1}, [1], outputs=2)
    yield Case("Split", 18, [reals(7)], {"num_outputs": 3}, outputs=3)
    yield Case("Slice", 9, [X], {"starts": [0, 1], "ends": [9, -1], "axes": [0, 2]})
    yield Case("Slice", 9, [X], {"starts": [1], "ends": [2]})
    yield with_constants("Slice", 13, X, ints(1, 0), ints(2**63 - 1, 3), ints(1, -1), ints(1, 2))
    yield with_constants("Slice", 13, X, ints(-1), ints(-(2**63)), ints(2), ints(-1))
    yield with_constants("Slice", 13, X, ints(9), ints(0), ints(2), ints(-2))
    yield with_constants("Slice", 13, X, ints(3), ints(1), ints(2))
    yield with_constants("Slice", 13, X, ints(-3, 1), ints(-1, 2), ints(2, 0))


def pad_cases() -> Iterator[Case]:
    """Pad, Tile, CenterCropPad."""
    yield Case("Pad", 10, [IMAGE], {"pads": [0, 0, 1, 2, 0, 0, 3, 0], "value": 2.5})
    for mode in ("constant", "reflect", "edge"):
        yield with_constants("Pad", 13, IMAGE, ints(0, 0, 1, 2, 0, 1 - (mode == "reflect"), 3, 0), mode=mode)
    yield with_constants("Pad", 13, IMAGE, ints(0, 0, -1, 2, 0, 0, 1, -3), floats(7.0))
    yield with_constants("Pad", 13, IMAGE, ints(0, 0, -1, 2, 0, 0, 1, -3), mode="edge")
    yield with_constants("Pad", 19, IMAGE, ints(1, 2), None, ints(3), mode="wrap")
    yield with_constants("Pad", 18, IMAGE.astype(np.int32), ints(1, 2), np.array(9, np.int32), ints(-1))
    yield with_constants("Tile", 13, X, ints(2, 1, 3))
    yield with_constants("Tile", 13, X, ints(1, 0, 1))
    yield with_constants("CenterCropPad", 18, IMAGE, ints(8, 4), axes=[2, 3])
    yield with_constants("CenterCropPad", 18, IMAGE, ints(4, 8), axes=[-2, -1])


def block_cases() -> Iterator[Case]:
    """DepthToSpace, SpaceToDepth."""
    yield Case("DepthToSpace", 9, [BLOCKS], {"blocksize": 2})
    yield Case("DepthToSpace", 13, [BLOCKS], {"blocksize": 2, "mode": "CRD"})
    yield Case("SpaceToDepth", 13, [reals(2, 3, 4, 6)], {"blocksize": 2})


def index_cases() -> Iterator[Case]:
    """Gather and Scatter in all forms, OneHot."""
    picks = np.array([[0, -1], [2, 1]], np.int64)
    yield Case("Gather", 13, [X, picks], {"axis": 1})
    yield Case("Gather", 13, [X, np.array(-1, np.int32)], {"axis": -1})
    yield Case("GatherElements", 13, [X, np.array([[[0, -1, 2, 1]]] * 2, np.int32)], {"axis": 1})
    yield Case("GatherND", 13, [X, np.array([[1, 2], [0, -1]], np.int64)])
    yield Case("GatherND", 13, [X, np.array([[[1], [2]], [[0], [0]]], np.int64)], {"batch_dims": 1})
    elements = [X, np.array([[[0, 2, 2, 1]]], np.int64), reals(1, 1, 4)]
    yield Case("Scatter", 9, elements, {"axis": 1})
    yield Case("ScatterElements", 13, elements, {"axis": -2})
    repeated = [reals(4), ints(1, 1, -1), reals(3)]
    slices = [X, np.array([[1], [1]], np.int64), reals(2, 3, 4)]
    for reduction in ("add", "mul", "max", "min"):
        yield Case("ScatterElements", 18, repeated, {"reduction": reduction})
        yield Case("ScatterND", 18, slices, {"reduction": reduction})
    yield Case("ScatterND", 13, [X, np.array([[1, 2], [0, -1]], np.int64), reals(2, 4)])
    yield with_constants("OneHot", 11, ints(0, -1, 3, 7), np.array(4), floats(-1, 2))
    yield with_constants("OneHot", 11, np.array([[1.0, 0.0]], np.float32), np.array(3), ints(0, 1), axis=0)


def position_cases() -> Iterator[Case]:
    """Shape, Size, Range, Trilu, EyeLike, ReverseSequence, Compress, ConstantOfShape, Dropout."""
    yield Case("Shape", 13, [X])
    yield Case("Shape", 15, [X], {"start": -2, "end": 9})
    yield Case("Size", 13, [X])
    for bounds in ((1.5, -2.0, -0.5), (0.0, 1.0, 0.3), (3.0, 1.0, 1.0)):
        yield Case("Range", 11, [np.array(v, np.float32) for v in bounds], constants=range(3))
    for upper, k in ((1, 1), (0, -1), (1, -9), (0, 9)):
        yield with_constants("Trilu", 14, reals(2, 4, 5), np.array(k), upper=upper)
    yield Case("EyeLike", 9, [reals(3, 5)], {"k": 1, "dtype": 7})
    for time in (0, 1):
        lengths = ints(4, 1, 2) if time == 0 else ints(0, 3, 2, 1)
        axes = {"time_axis": time, "batch_axis": 1 - time}
        yield Case("ReverseSequence", 10, [reals(4, 3, 2), lengths], axes)
    yield with_constants("Compress", 11, X, np.array([True, False, True]), axis=1)
    yield with_constants("Compress", 11, X, np.array([False, True, True, False, True]))
    yield Case("ConstantOfShape", 9, [ints(2, 3)], constants=[0])
    yield Case("ConstantOfShape", 9, [ints(5, 7)], constants=[0])
    yield Case("Dropout", 7, [X])
    yield Case("Dropout", 12, [X], outputs=2)
    yield Case("Identity", 13, [X])


def resize_cases() -> Iterator[Case]:
    """Upsample and Resize."""
    yield Case("Upsample", 7, [IMAGE], {"scales": [1.0, 1.0, 2.0, 3.0]})
    yield with_constants("Upsample", 9, IMAGE, floats(1, 1, 2, 2), mode="linear")
    yield with_constants("Resize", 10, IMAGE, floats(1, 1, 0.6, 1.5))
    for mode in ("linear", "cubic", "nearest"):
        for rule in RULES:
            sizes = (IMAGE, None, None, ints(1, 2, 8, 3))
            yield with_constants("Resize", 19, *sizes, mode=mode, coordinate_transformation_mode=rule)
    for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        scales = (IMAGE, None, floats(1, 1, 2.5, 0.4))
        yield with_constants("Resize", 13, *scales, nearest_mode=rounding)
    yield with_constants("Resize", 13, IMAGE, None, floats(1, 1, 2, 2), mode="cubic", cubic_coeff_a=-0.5)
    yield with_constants("Resize", 13, IMAGE, None, floats(1, 1, 2, 2), mode="cubic", exclude_outside=1)
    for policy in ("not_larger", "not_smaller"):
        sizes = (IMAGE, None, None, ints(9, 10))
        yield with_constants("Resize", 18, *sizes, axes=[2, 3], keep_aspect_ratio_policy=policy)
    region = floats(0, 0, 0.2, 0.1, 1, 1, 0.7, 1.2)
    crop = {
        "mode": "linear",
        "coordinate_transformation_mode": "tf_crop_and_resize",
        "extrapolation_value": 9.0,
    }
    yield Case("Resize", 13, [IMAGE, region, None, ints(1, 2, 4, 6)], crop, range(1, 4))
    yield with_constants("Resize", 13, IMAGE.astype(np.uint8), None, floats(1, 1, 2, 2), mode="nearest")


CASES: Sequence[Case] = [
    *shape_cases(),
    *order_cases(),
    *pad_cases(),
    *block_cases(),
    *index_cases(),
    *position_cases(),
    *resize_cases(),
]
