"""Models of one node for each way an operator of arithmetic, windows, reductions or norms can be written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from penstock.dialects.graph.base import Array

Attributes = Mapping[str, int | float | str | Sequence[int] | Sequence[float] | Sequence[str]]


@dataclass(frozen=True)
class Case:
    """A node, the arrays it gets, which of them are initializers, and how many outputs it has."""

    op_type: str
    opset: int
    inputs: Sequence[Array | None]
    attributes: Attributes = field(default_factory=dict[str, int])
    constants: Sequence[int] = ()
    outputs: int = 1

    def __str__(self) -> str:
        first = self.inputs[0]
        shape = "x".join(map(str, () if first is None else first.shape))
        given = "-".join(f"{name}={value}" for name, value in self.attributes.items())
        return f"{self.op_type}-{self.opset}-{shape}-{given}".replace(" ", "")


def reals(*shape: int, dtype: type[np.generic] = np.float32) -> Array:
    """Reals without much structure."""
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def positive(*shape: int) -> Array:
    """Reals above 0."""
    return np.random.default_rng(sum(shape)).uniform(0.1, 2, shape).astype(np.float32)


def whole(*shape: int, dtype: type[np.generic] = np.int32, low: int = -9) -> Array:
    """Small integers."""
    return np.random.default_rng(sum(shape)).integers(low, 9, shape).astype(dtype)


def axes(*values: int) -> Array:
    """A list of integers."""
    return np.array(values, np.int64)


def scalar(value: float, dtype: type[np.generic] = np.float32) -> Array:
    """A number."""
    return np.array(value).astype(dtype)


X = reals(2, 3, 4)
IMAGE = reals(1, 4, 7, 6)
TRUTH = np.array([True, False, True])

ARITHMETIC = [
    *(
        Case(op, opset, [reals(2, 1, 4), positive(3, 1)])
        for op in ("Add", "Sub", "Mul", "Div")
        for opset in (7, 14)
    ),
    *(Case(op, 14, [whole(3, 4), whole(4, low=1)]) for op in ("Add", "Sub", "Mul", "Div")),
    *(
        Case(op, opset, [X, reals(4), reals(3, 1)])
        for op in ("Sum", "Mean", "Max", "Min")
        for opset in (8, 13)
    ),
    *(
        Case(op, 13, [X])
        for op in ("Abs", "Neg", "Ceil", "Floor", "Exp", "Tanh", "Erf", "Sign", "Reciprocal")
    ),
    *(Case(op, 13, [positive(3, 4)]) for op in ("Log", "Sqrt")),
    *(Case(op, 11, [reals(3, 4)]) for op in ("Round", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh")),
    *(Case(op, 9, [np.tanh(reals(3, 4))]) for op in ("Asin", "Acos", "Atanh")),
    Case("Acosh", 9, [np.cosh(reals(3, 4))]),
    Case("Mod", 13, [whole(3, 5), whole(5, low=1)]),
    Case("Mod", 13, [whole(3, 5), whole(5, low=1)], {"fmod": 1}),
    Case("Mod", 13, [reals(3, 5), positive(5)], {"fmod": 1}),
    Case("Pow", 7, [positive(3, 4), reals(4)]),
    Case("Pow", 15, [reals(3, 4), whole(4, low=0)]),
    Case("Pow", 15, [whole(3, 4, low=1), scalar(0.5)]),
    Case("Clip", 7, [X], {"min": -0.5, "max": 0.25}),
    Case("Clip", 13, [X, scalar(-0.5), scalar(0.25)], constants=(1, 2)),
    Case("Clip", 13, [X, None, scalar(0.25)], constants=(2,)),
    Case("Clip", 13, [X, scalar(-0.5), scalar(0.25)]),
    Case("Clip", 13, [whole(3, 4, dtype=np.int64), scalar(2**62, np.int64)], constants=(1,)),
    Case("Cast", 13, [reals(3, 4)], {"to": 7}),
    Case("Cast", 13, [whole(3, 4)], {"to": 10}),
    Case("CastLike", 15, [reals(3, 4), whole(1)]),
]

COMPARISON = [
    *(Case(op, 13, [whole(3, 4), whole(4)]) for op in ("Equal", "Less", "Greater")),
    *(Case(op, 16, [reals(3, 4), reals(4)]) for op in ("LessOrEqual", "GreaterOrEqual")),
    *(Case(op, 7, [TRUTH, TRUTH[:, None]]) for op in ("And", "Or", "Xor", "Equal")),
    Case("Not", 7, [TRUTH]),
    *(Case(op, 18, [whole(3, 4), whole(4)]) for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")),
    Case("BitwiseNot", 18, [whole(3, 4)]),
    *(
        Case(
            "BitShift",
            11,
            [whole(3, 4, dtype=np.uint32, low=0), whole(4, dtype=np.uint32, low=0)],
            {"direction": d},
        )
        for d in ("LEFT", "RIGHT")
    ),
    Case("Where", 16, [TRUTH, reals(2, 3), scalar(7)]),
    Case("IsNaN", 13, [np.array([np.nan, np.inf, 1], np.float32)]),
    *(
        Case("IsInf", 10, [np.array([np.nan, np.inf, -np.inf, 1], np.float32)], signs)
        for signs in (
            {},
            {"detect_positive": 0},
            {"detect_negative": 0},
            {"detect_positive": 0, "detect_negative": 0},
        )
    ),
]

ACTIVATION = [
    *(Case(op, 14, [X]) for op in ("Relu", "Sigmoid", "Softplus", "Softsign", "Selu", "Elu", "HardSwish")),
    Case("Relu", 14, [whole(3, 4)]),
    Case("Elu", 6 + 1, [X], {"alpha": 0.3}),
    Case("Selu", 7, [X], {"alpha": 0.3, "gamma": 2.0}),
    Case("Celu", 12, [X], {"alpha": 0.7}),
    Case("LeakyRelu", 16, [X]),
    Case("LeakyRelu", 7, [X], {"alpha": 0.3}),
    Case("PRelu", 16, [X, reals(3, 1)]),
    Case("ThresholdedRelu", 10, [X], {"alpha": 0.4}),
    Case("HardSigmoid", 7, [X]),
    Case("HardSigmoid", 7, [X], {"alpha": 0.6, "beta": 0.1}),
    Case("Shrink", 9, [X], {"lambd": 0.4, "bias": 0.1}),
    Case("Gelu", 20, [X]),
    Case("Gelu", 20, [X], {"approximate": "tanh"}),
    Case("Mish", 18, [X]),
]

BYTES = whole(1, 2, 5, 5, dtype=np.uint8, low=0)

LINEAR = [
    Case("Conv", 11, [IMAGE, reals(6, 4, 3, 2), reals(6)], {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    Case("Conv", 11, [IMAGE, reals(6, 2, 3, 2)], {"group": 2, "dilations": [2, 1]}),
    Case("Conv", 11, [reals(1, 4, 9), reals(4, 1, 3)], {"group": 4, "pads": [1, 1]}),
    *(
        Case("Conv", 7, [IMAGE, reals(6, 4, 3, 2)], {"auto_pad": pad, "strides": [2, 3]})
        for pad in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ),
    Case(
        "ConvTranspose", 11, [IMAGE, reals(4, 3, 3, 2), reals(3)], {"strides": [2, 3], "pads": [1, 0, 0, 1]}
    ),
    Case("ConvTranspose", 11, [IMAGE, reals(4, 3, 3, 2)], {"group": 2, "dilations": [2, 1]}),
    Case("ConvTranspose", 11, [IMAGE, reals(4, 3, 3, 2)], {"strides": [2, 2], "output_padding": [1, 0]}),
    Case("ConvTranspose", 11, [IMAGE, reals(4, 3, 3, 2)], {"strides": [2, 2], "output_shape": [14, 13]}),
    Case("ConvTranspose", 11, [IMAGE, reals(4, 3, 3, 3)], {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    Case("ConvInteger", 10, [BYTES, BYTES[:, :, :2, :2], scalar(3, np.uint8), scalar(2, np.uint8)]),
    Case("MatMul", 13, [reals(2, 3, 4), reals(4, 5)]),
    Case("MatMul", 13, [reals(4), reals(2, 4, 5)]),
    Case("MatMul", 13, [reals(2, 3, 4), reals(4)]),
    Case("MatMul", 13, [reals(4), reals(4)]),
    Case("MatMulInteger", 10, [BYTES[0, 0], BYTES[0, 1], scalar(3, np.uint8), scalar(2, np.uint8)]),
    Case("Gemm", 7, [reals(3, 4), reals(4, 5), reals(5)]),
    Case("Gemm", 13, [reals(4, 3), reals(5, 4)], {"transA": 1, "transB": 1, "alpha": 0.5}),
    Case("Gemm", 13, [reals(3, 4), reals(4, 5), reals(3, 1)], {"beta": 0.25}),
    *(
        Case("Einsum", 12, [reals(*a), reals(*b)], {"equation": equation})
        for equation, a, b in (
            ("ij,jk->ki", (2, 3), (3, 4)),
            ("bhqd,bhkd->bhqk", (1, 2, 3, 4), (1, 2, 5, 4)),
            ("i,j", (3,), (4,)),
            ("...ij,...jk", (2, 3, 4), (2, 4, 2)),
            ("abc,cda->db", (2, 3, 4), (4, 5, 2)),
            ("ii,ij->i", (3, 3), (3, 2)),
        )
    ),
]

ROUNDED = {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1}
PADDED = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}
POOLING = [
    Case("MaxPool", 12, [IMAGE], PADDED),
    Case("MaxPool", 12, [IMAGE], {**PADDED, "dilations": [2, 1]}),
    Case("MaxPool", 12, [IMAGE], ROUNDED),
    Case("MaxPool", 12, [IMAGE], {"kernel_shape": [2, 2], "strides": [1, 2], "auto_pad": "SAME_LOWER"}),
    Case("MaxPool", 12, [IMAGE], PADDED, outputs=2),
    Case("MaxPool", 12, [IMAGE], {**PADDED, "storage_order": 1}, outputs=2),
    Case("MaxPool", 12, [whole(1, 2, 6, dtype=np.int8)], {"kernel_shape": [3], "pads": [1, 1]}),
    *(Case("AveragePool", 11, [IMAGE], {**PADDED, "count_include_pad": count}) for count in (0, 1)),
    *(Case("AveragePool", 19, [IMAGE], {**ROUNDED, "count_include_pad": count}) for count in (0, 1)),
    Case("AveragePool", 19, [IMAGE], {**PADDED, **ROUNDED, "count_include_pad": 1}),
    Case("LpPool", 11, [IMAGE], PADDED),
    Case("LpPool", 11, [IMAGE], {**PADDED, "p": 1}),
    Case("LpPool", 11, [IMAGE], {**PADDED, "p": 3}),
    *(Case(op, 7, [IMAGE]) for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")),
    Case(
        "MaxUnpool",
        11,
        [np.array([[[[5, 6]]]], np.float32), axes(5, 3).reshape(1, 1, 1, 2)],
        {"kernel_shape": [2, 2], "strides": [2, 2]},
    ),
]

REDUCTIONS = (
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSumExp",
    "ReduceSumSquare",
)
REDUCTION = [
    *(Case(op, 11, [X], {"axes": [0, -1], "keepdims": keep}) for op in REDUCTIONS for keep in (0, 1)),
    *(Case(op, 18, [X, axes(-2)], constants=(1,)) for op in REDUCTIONS),
    *(Case(op, 18, [X], {"keepdims": 0}) for op in REDUCTIONS),
    Case("ReduceLogSum", 11, [positive(3, 4)], {"axes": [1]}),
    Case("ReduceSum", 13, [X, axes()], {"noop_with_empty_axes": 1}, constants=(1,)),
    Case("ReduceMax", 13, [whole(3, 4)], {"axes": [0]}),
    *(
        Case(op, 13, [whole(3, 4, dtype=np.float32)], {"axis": -1, "keepdims": 0, "select_last_index": last})
        for op in ("ArgMax", "ArgMin")
        for last in (0, 1)
    ),
    Case("CumSum", 14, [X, scalar(-2, np.int64)], {"exclusive": 1}, constants=(1,)),
    Case("CumSum", 14, [X, scalar(1, np.int64)], {"reverse": 1}, constants=(1,)),
    Case("CumSum", 14, [X, scalar(0, np.int64)], {"exclusive": 1, "reverse": 1}, constants=(1,)),
    Case("TopK", 11, [X, axes(2)], {"axis": 1}, (1,), outputs=2),
    Case("TopK", 11, [X, axes(2)], {"largest": 0}, (1,), outputs=2),
    Case("TopK", 7, [X], {"k": 3}, outputs=2),
    *(Case(op, 13, [X], {"axis": axis}) for op in ("Softmax", "LogSoftmax", "Hardmax") for axis in (0, -1)),
    *(Case(op, 11, [X], {"axis": axis}) for op in ("Softmax", "LogSoftmax", "Hardmax") for axis in (0, 1, 2)),
]

CHANNELS = [reals(4), reals(4)]
NORMALIZATION = [
    Case("BatchNormalization", 9, [IMAGE, *CHANNELS, reals(4), positive(4)], {"epsilon": 0.01}),
    Case("BatchNormalization", 15, [IMAGE, *CHANNELS, reals(4), positive(4)]),
    Case("InstanceNormalization", 7, [IMAGE, *CHANNELS], {"epsilon": 0.01}),
    Case("LayerNormalization", 17, [X, reals(4), reals(4)]),
    Case("LayerNormalization", 17, [X, reals(3, 4)], {"axis": 1, "epsilon": 0.01}, outputs=3),
    Case("GroupNormalization", 21, [IMAGE, *CHANNELS], {"num_groups": 2}),
    Case("LpNormalization", 7, [X], {"axis": 1, "p": 1}),
    Case("LpNormalization", 7, [X]),
    Case("LRN", 13, [IMAGE], {"size": 3, "alpha": 0.2, "beta": 0.6, "bias": 1.5}),
    Case("MeanVarianceNormalization", 13, [IMAGE]),
]

CASES = [*ARITHMETIC, *COMPARISON, *ACTIVATION, *LINEAR, *POOLING, *REDUCTION, *NORMALIZATION]
