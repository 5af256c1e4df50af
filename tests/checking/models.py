"""Small models for the tests of the check: each makes some passes work."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Array = NDArray[np.generic]
Shape = Sequence[int]
FLOAT, INT32, INT8, BOOL = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT8, TensorProto.BOOL


def numbers(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Normal numbers, the same ones each time."""
    return np.random.default_rng(seed + sum(shape)).standard_normal(shape).astype(np.float32)


def node(kind: str, inputs: str, output: str, **attributes: object) -> NodeProto:
    """A node named like its output; the inputs are separated by spaces."""
    made = helper.make_node(kind, inputs.split(), output.split(), name=output.split()[0])
    made.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
    return made


def model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Shape],
    constants: Mapping[str, Array] | None = None,
    kind: int = FLOAT,
    result: int = FLOAT,
) -> ModelProto:
    """A model of opset 17 whose output is that of the last node."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(n, kind, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(nodes[-1].output[0], result, None)],
        [numpy_helper.from_array(a, n) for n, a in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def deep_convolution() -> ModelProto:
    """A convolution of enough channels for minimal filtering, behind one that puts them last, and a sum."""
    nodes = [
        node("Conv", "x w", "c"),
        node("Conv", "c w2 b", "d", pads=[1, 1, 1, 1]),
        node("Add", "d c", "s"),
        node("Relu", "s", "y"),
    ]
    constants = {"w": numbers(32, 3, 1, 1), "w2": numbers(32, 32, 3, 3), "b": numbers(32)}
    return model(nodes, {"x": [1, 3, 11, 14]}, constants)


def convolution() -> ModelProto:
    """A padded convolution with bias, batch norm and relu, twice, and a sum."""
    nodes = [
        node("Conv", "x w b", "c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c scale shift mean var", "n", epsilon=0.01),
        node("Relu", "n", "r"),
        node("Conv", "r w2", "d", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Conv", "r w3", "e", strides=[2, 2]),
        node("Add", "d e", "y"),
    ]
    constants = {
        "w": numbers(12, 3, 3, 3),
        "b": numbers(12),
        "scale": numbers(12, seed=1),
        "shift": numbers(12, seed=2),
        "mean": numbers(12, seed=3),
        "var": np.square(numbers(12, seed=4)) + np.float32(0.5),
        "w2": numbers(8, 12, 3, 3),
        "w3": numbers(8, 12, 1, 1),
    }
    return model(nodes, {"x": (1, 3, 9, 9)}, constants)


def plain_convolution() -> ModelProto:
    """A padded convolution with bias and nothing else."""
    nodes = [node("Conv", "x w b", "y", pads=[1, 1, 1, 1])]
    return model(nodes, {"x": (1, 3, 7, 7)}, {"w": numbers(18, 3, 3, 3), "b": numbers(18)})


def plain_clipped() -> ModelProto:
    """A convolution and a clip."""
    bounds = {"low": np.array(-1, np.float32), "high": np.array(1, np.float32)}
    nodes = [node("Conv", "x w", "c"), node("Clip", "c low high", "y")]
    return model(nodes, {"x": (1, 3, 7, 7)}, {"w": numbers(4, 3, 3, 3), **bounds})


def square_product() -> ModelProto:
    """A product of square matrices that are all inputs."""
    return model([node("MatMul", "a b", "y")], {"a": (40, 40), "b": (40, 40)})


def long_sum() -> ModelProto:
    """Sums of rows of a prime length."""
    return model([node("ReduceSum", "x axis", "y")], {"x": (3, 1009)}, {"axis": np.array([1], np.int64)})


def pointwise() -> ModelProto:
    """A convolution over single points and relu."""
    nodes = [node("Conv", "x w b", "c"), node("Relu", "c", "y")]
    return model(nodes, {"x": (1, 24, 6, 5)}, {"w": numbers(20, 24, 1, 1), "b": numbers(20)})


def residual() -> ModelProto:
    """Convolutions of as many channels as they read, and what the first one gives added to the last."""
    nodes = [
        node("Conv", "x w", "c"),
        node("Conv", "c w3", "d", pads=[1, 1, 1, 1]),
        node("Conv", "d w3", "e", pads=[1, 1, 1, 1]),
        node("Add", "e c", "s"),
        node("Conv", "s w", "y"),
    ]
    return model(nodes, {"x": (1, 8, 6, 5)}, {"w": numbers(8, 8, 1, 1), "w3": numbers(8, 8, 3, 3)})


def mirrored() -> ModelProto:
    """Something that is padded by copies and then scaled."""
    nodes = [node("Pad", "x pads", "p", mode="constant"), node("Exp", "p", "y")]
    return model(nodes, {"x": (2, 5, 6)}, {"pads": np.array([0, 1, 2, 0, 2, 1], np.int64)})


def fire() -> ModelProto:
    """Two convolutions of one value, put together along the channels and convolved again."""
    nodes = [
        node("Conv", "x w", "s"),
        node("Conv", "s a", "e"),
        node("Conv", "s b", "f", pads=[1, 1, 1, 1]),
        node("Concat", "e f", "c", axis=1),
        node("Conv", "c v", "y"),
    ]
    shapes = {"w": (8, 3, 3, 3), "a": (10, 8, 1, 1), "b": (10, 8, 3, 3), "v": (4, 20, 3, 3)}
    return model(nodes, {"x": (1, 3, 8, 8)}, {n: numbers(*s) for n, s in shapes.items()})


def perceptron() -> ModelProto:
    """Two dense layers with a function in between that needs an expansion."""
    nodes = [
        node("Gemm", "x w b", "h"),
        node("Tanh", "h", "t"),
        node("Gemm", "t v c", "y"),
    ]
    constants = {"w": numbers(10, 21), "b": numbers(21), "v": numbers(21, 5), "c": numbers(5)}
    return model(nodes, {"x": (3, 10)}, constants)


def constants_subtracted() -> ModelProto:
    """A difference of constants in a sum."""
    nodes = [node("Sub", "a b", "d"), node("Add", "x d", "y")]
    return model(nodes, {"x": (2, 5)}, {"a": numbers(5), "b": numbers(5, seed=1)})


def scaled_product() -> ModelProto:
    """A matrix product, less a vector and times another."""
    nodes = [node("MatMul", "x w", "m"), node("Sub", "m s", "d"), node("Mul", "d f", "y")]
    return model(nodes, {"x": (3, 6)}, {"w": numbers(6, 4), "s": numbers(4), "f": numbers(4, seed=1)})


def clips() -> ModelProto:
    """Two clips, one inside of the other."""
    nodes = [node("Clip", "x a b", "c"), node("Clip", "c d e", "y")]
    bounds = {"a": -1.0, "b": 0.5, "d": -0.25, "e": 2.0}
    return model(nodes, {"x": (4, 9)}, {n: np.array(v, np.float32) for n, v in bounds.items()})


def reciprocal() -> ModelProto:
    """One divided by something."""
    return model([node("Div", "one x", "y")], {"x": (4, 9)}, {"one": np.array(1, np.float32)})


def known_choice() -> ModelProto:
    """A choice between two inputs that is known."""
    nodes = [node("Where", "c a b", "y")]
    return model(nodes, {"a": (3, 4), "b": (3, 4)}, {"c": np.array(True)})


def negation() -> ModelProto:
    """A sum with something negated."""
    return model([node("Neg", "b", "n"), node("Add", "a n", "y")], {"a": (3, 4), "b": (3, 4)})


def transposes() -> ModelProto:
    """Two transposes that do not undo each other, and a product."""
    nodes = [
        node("Transpose", "x", "t", perm=[1, 2, 0]),
        node("Transpose", "t", "u", perm=[0, 2, 1]),
        node("Mul", "u w", "y"),
    ]
    return model(nodes, {"x": (3, 3, 3)}, {"w": numbers(3, 3, 3)})


def transposed_mean() -> ModelProto:
    """The mean of a transposed tensor along one axis."""
    nodes = [
        node("Transpose", "x", "t", perm=[2, 0, 1]),
        node("ReduceMean", "t", "m", axes=[0], keepdims=0),
        node("Exp", "m", "y"),
    ]
    return model(nodes, {"x": (4, 4, 4)})


def transposed_sum() -> ModelProto:
    """A transposed tensor plus a constant."""
    nodes = [node("Transpose", "x", "t", perm=[1, 2, 0]), node("Add", "t w", "a"), node("Exp", "a", "y")]
    return model(nodes, {"x": (3, 3, 3)}, {"w": numbers(3, 3, 3)})


def concatenations() -> ModelProto:
    """A concatenation of a concatenation."""
    nodes = [node("Concat", "b c", "i", axis=1), node("Concat", "a i", "y", axis=1)]
    return model(nodes, {"a": (2, 3), "b": (2, 3), "c": (2, 3)})


def shared_concatenations() -> ModelProto:
    """A concatenation whose parts are also in the middle of another one."""
    nodes = [
        node("Exp", "x", "p"),
        node("Neg", "x", "q"),
        node("Concat", "p q", "a", axis=1),
        node("Sin", "a", "s"),
        node("Concat", "x p q s", "c", axis=1),
        node("Exp", "c", "y"),
    ]
    return model(nodes, {"x": (2, 3, 4)})


def two_slopes() -> ModelProto:
    """The same op twice, with another slope."""
    nodes = [
        node("LeakyRelu", "x", "a", alpha=0.1),
        node("LeakyRelu", "x", "b", alpha=0.3),
        node("Mul", "a b", "y"),
    ]
    return model(nodes, {"x": (5, 7)})


def pools() -> ModelProto:
    """Padded pools of both kinds."""
    nodes = [
        node("MaxPool", "x", "m", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("AveragePool", "m", "y", kernel_shape=[2, 2], pads=[0, 0, 1, 1]),
    ]
    return model(nodes, {"x": (1, 5, 9, 9)})


def padded_by_ones() -> ModelProto:
    """A convolution of something that is padded with ones."""
    nodes = [node("Pad", "x pads one", "p"), node("Conv", "p w", "y")]
    constants: dict[str, Array] = {
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
        "one": np.array(1, np.float32),
        "w": numbers(4, 2, 3, 3),
    }
    return model(nodes, {"x": (1, 2, 6, 6)}, constants)


def sliced() -> ModelProto:
    """Part of a product, summed up: to slice both factors instead would read more."""
    nodes = [
        node("Mul", "a b", "e"),
        node("Slice", "e starts ends axes", "s"),
        node("ReduceSum", "s axes", "y"),
    ]
    constants = {n: np.array([v], np.int64) for n, v in {"starts": 2, "ends": 7, "axes": 1}.items()}
    return model(nodes, {"a": (3, 9), "b": (3, 9)}, constants)


def multiply_add() -> ModelProto:
    """Products and sums, point by point."""
    return model([node("Mul", "a b", "p"), node("Add", "p c", "y")], {n: (5, 33) for n in "abc"})


def exponentials() -> ModelProto:
    """An exponential of a difference."""
    return model([node("Sub", "a b", "d"), node("Exp", "d", "y")], {"a": (3, 21), "b": (3, 21)})


def norms() -> ModelProto:
    """Softmax along the last axis and the norm of another one: reductions that are vectorised."""
    nodes = [node("Softmax", "x", "s", axis=-1), node("ReduceSumSquare", "s", "y", axes=[1], keepdims=0)]
    return model(nodes, {"x": (2, 37)})


def two_kernels() -> ModelProto:
    """Two kernels of equal signature that compute different things."""
    nodes = [
        node("ReduceMax", "x", "a", axes=[1], keepdims=1),
        node("ReduceMin", "x", "b", axes=[1], keepdims=1),
        node("Transpose", "b", "t", perm=[1, 0]),
        node("MatMul", "a t", "y"),
    ]
    return model(nodes, {"x": (6, 11)})


def product() -> ModelProto:
    """A product along an axis that is no multiple of any vector."""
    return model([node("ReduceProd", "x", "y", axes=[1], keepdims=0)], {"x": (3, 37)})


def maximum() -> ModelProto:
    """The greater of two numbers."""
    return model([node("Max", "a b", "y")], {"a": (3, 21), "b": (3, 21)})


def channel_softmax() -> ModelProto:
    """A softmax over the channels between two convolutions."""
    nodes = [
        node("Conv", "x w", "a"),
        node("Conv", "a v", "b", pads=[1, 1, 1, 1]),
        node("Softmax", "b", "s", axis=1),
        node("Conv", "s u", "y", pads=[1, 1, 1, 1]),
    ]
    shapes = {"w": (12, 3, 1, 1), "v": (12, 12, 3, 3), "u": (8, 12, 3, 3)}
    return model(nodes, {"x": (1, 3, 6, 6)}, {n: numbers(*s) for n, s in shapes.items()})


def comparisons() -> ModelProto:
    """Integers compared and chosen from."""
    nodes = [node("Less", "a b", "l"), node("Where", "l a b", "y")]
    return model(nodes, {"a": (3, 21), "b": (3, 21)}, kind=INT32, result=INT32)


def widened_integers() -> ModelProto:
    """Small integers made large ones."""
    nodes = [node("Cast", "x", "w", to=INT32), node("Mul", "w w", "y")]
    return model(nodes, {"x": (3, 21)}, kind=INT8, result=INT32)


def gathered() -> ModelProto:
    """Rows of a table by number."""
    nodes = [node("Gather", "w x", "g"), node("Sin", "g", "y")]
    return model(nodes, {"x": (5,)}, {"w": numbers(7, 12)}, kind=INT32)


def attention() -> ModelProto:
    """One head of attention with a layer norm."""
    nodes = [
        node("MatMul", "x wq", "q"),
        node("MatMul", "x wk", "k"),
        node("MatMul", "x wv", "v"),
        node("Transpose", "k", "t", perm=[0, 2, 1]),
        node("MatMul", "q t", "s"),
        node("Softmax", "s", "p", axis=-1),
        node("MatMul", "p v", "o"),
        node("Add", "x o", "r"),
        node("LayerNormalization", "r g c", "y", axis=-1),
    ]
    names = ("wq", "wk", "wv")
    constants: dict[str, Array] = {n: numbers(16, 16, seed=i) for i, n in enumerate(names)}
    constants |= {"g": numbers(16, seed=5), "c": numbers(16, seed=6)}
    return model(nodes, {"x": (1, 7, 16)}, constants)


def branches() -> ModelProto:
    """A concatenation of two convolutions, of which one is depthwise, resized."""
    nodes = [
        node("Conv", "x w", "a"),
        node("Conv", "x d", "b", pads=[1, 1, 1, 1], group=6),
        node("Concat", "a b", "c", axis=1),
        node("Resize", "c  scales".replace("  ", " none "), "y", mode="nearest"),
    ]
    nodes[-1].input[1] = ""
    constants: dict[str, Array] = {
        "w": numbers(5, 6, 1, 1),
        "d": numbers(6, 1, 3, 3),
        "scales": np.array([1, 1, 2, 2], np.float32),
    }
    return model(nodes, {"x": (1, 6, 5, 5)}, constants)


def exponents_used_twice() -> ModelProto:
    """Exponentials of what is needed again behind them."""
    nodes = [
        node("ReduceMax", "x", "m", axes=[1], keepdims=1),
        node("Sub", "x m", "d"),
        node("Exp", "d", "e"),
        node("ReduceSumSquare", "d", "s", axes=[1], keepdims=1),
        node("ReduceLogSum", "e", "l", axes=[1], keepdims=1),
        node("Mul", "s l", "p"),
        node("Mul", "e p", "y"),
    ]
    return model(nodes, {"x": (6, 72)})


def pools_in_a_row() -> ModelProto:
    """Windows of windows."""
    window = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [node("MaxPool", "x", "t", **window), node("MaxPool", "t", "y", **window)]
    return model(nodes, {"x": (1, 1, 12, 12)})


SOUND: tuple[Callable[[], ModelProto], ...] = (
    attention,
    branches,
    channel_softmax,
    clips,
    comparisons,
    concatenations,
    convolution,
    exponentials,
    exponents_used_twice,
    fire,
    gathered,
    maximum,
    mirrored,
    multiply_add,
    norms,
    padded_by_ones,
    perceptron,
    pools,
    pools_in_a_row,
    product,
    sliced,
    transposed_mean,
    two_kernels,
    two_slopes,
    widened_integers,
)
"""Models that take a sound pipeline through all of its passes."""
