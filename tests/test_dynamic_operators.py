"""Operations whose sizes are open: one artefact gives at many sizes what code made for each of them gives."""

from collections.abc import Sequence
from itertools import count

import numpy as np
import onnx.parser
import pytest
from onnx import ModelProto, TypeProto, helper

import penstock
from penstock.errors import CallError
from penstock.model import Array

Shapes = Sequence[tuple[int, ...]]
Case = tuple[str, Sequence[Shapes]]
"""A node over the inputs `x0`, `x1`, ..., and the shapes of these in each call."""

CASES: dict[str, Case] = {
    "broadcast": (
        "y = Mul (x0, x1)",
        [((5, 1, 4), (1, 3, 4)), ((1, 7, 1), (9, 7, 17)), ((2, 2, 2), (2, 2, 2))],
    ),
    "where three meet": (
        "c = Less (x0, x1) y = Where (c, x2, x0)",
        [((5, 1), (1, 3), (1, 1)), ((1, 1), (4, 8), (4, 1)), ((2, 3), (2, 3), (2, 3))],
    ),
    "matmul": ("y = MatMul (x0, x1)", [((3, 1, 5), (1, 5, 4)), ((1, 9, 17), (3, 17, 33))]),
    "gemm": ("y = Gemm <transB = 1> (x0, x1, x2)", [((3, 5), (4, 5), (4,)), ((17, 9), (33, 9), (1,))]),
    "conv": (
        "y = Conv <pads = [1, 1, 1, 1], strides = [2, 1]> (x0, x1, x2)",
        [((1, 1, 5, 5), (3, 1, 3, 2), (3,)), ((2, 17, 9, 8), (19, 17, 1, 3), (19,))],
    ),
    "grouped conv": (
        "y = Conv <group = 2, dilations = [2]> (x0, x1)",
        [((1, 2, 9), (2, 1, 3)), ((3, 8, 12), (6, 4, 2))],
    ),
    "conv of the same size": (
        'y = Conv <auto_pad = "SAME_UPPER", strides = [2, 3]> (x0, x1)',
        [((1, 2, 7, 8), (4, 2, 3, 3)), ((2, 1, 1, 6), (1, 1, 2, 1))],
    ),
    "transposed conv": (
        "y = ConvTranspose <strides = [2], group = 2, pads = [1, 0]> (x0, x1)",
        [((1, 2, 4), (2, 3, 3)), ((2, 6, 7), (6, 1, 1)), ((1, 4, 9), (4, 2, 4))],
    ),
    "max pool": (
        "y, z = MaxPool <kernel_shape = [3, 2], strides = [2, 2], pads = [1, 0, 1, 0], ceil_mode = 1> (x0)",
        [((1, 1, 4, 6),), ((2, 3, 7, 5),)],
    ),
    "average pool": (
        "y = AveragePool <kernel_shape = [3], strides = [2], pads = [1, 1], ceil_mode = 1> (x0)",
        [((1, 1, 4),), ((2, 17, 9),)],
    ),
    "split": ("y, z, w = Split <num_outputs = 3> (x0)", [((7, 2),), ((9, 5),), ((3, 1),)]),
    "pad by reflection": (
        'p = Constant <value_ints = [1, 2, 0, 1]> () y = Pad <mode = "reflect"> (x0, p)',
        [((2, 3),), ((9, 17),)],
    ),
    "pad by edges": (
        'p = Constant <value_ints = [-1, 2, 0, 3]> () y = Pad <mode = "edge"> (x0, p)',
        [((2, 1),), ((9, 17),)],
    ),
    "pad by wrapping": (
        'p = Constant <value_ints = [3, 2, 0, 1]> () y = Pad <mode = "wrap"> (x0, p)',
        [((2, 1),), ((9, 17),)],
    ),
    "running sum": (
        "a = Constant <value_int = 1> () y = CumSum <reverse = 1, exclusive = 1> (x0, a)",
        [((2, 1),), ((3, 17),)],
    ),
    "top k": (
        "k = Constant <value_ints = [2]> () y, z = TopK <axis = 0> (x0, k)",
        [((2, 1),), ((17, 3),), ((65, 2),)],
    ),
    "triangle": ("y = Trilu <upper = 0> (x0)", [((1, 1),), ((17, 9),)]),
    "diagonal": ("y = EyeLike <k = 1> (x0)", [((1, 1),), ((17, 9),)]),
    "depth to space": ("y = DepthToSpace <blocksize = 2> (x0)", [((1, 4, 1, 1),), ((2, 12, 3, 5),)]),
    "space to depth": ("y = SpaceToDepth <blocksize = 2> (x0)", [((1, 1, 2, 2),), ((2, 3, 4, 6),)]),
    "resize by scales that single precision rounds": (
        's = Constant <value_floats = [1.0, 1.0, 1.6, 0.7]> () y = Resize <mode = "nearest", '
        'coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"> (x0, , s)',
        [((1, 1, 7, 9),), ((2, 1, 5, 11),)],
    ),
    "resize by a ratio of sizes": (
        "n = Shape (x0) two = Constant <value_ints = [1, 1, 2, 3]> () m = Mul (n, two) "
        "a = Cast <to = 1> (m) b = Cast <to = 1> (n) s = Div (a, b) y = Resize (x0, , s)",
        [((1, 2, 3, 4),), ((2, 1, 5, 3),)],
    ),
    "resize by scales": (
        's = Constant <value_floats = [1.0, 1.0, 0.6, 2.0]> () y = Resize <mode = "linear"> (x0, , s)',
        [((1, 1, 5, 4),), ((2, 1, 7, 9),)],
    ),
    "resize to sizes": (
        's = Constant <value_ints = [7, 3]> () y = Resize <mode = "cubic", axes = [2, 3]> (x0, , , s)',
        [((1, 1, 5, 4),), ((2, 1, 7, 9),)],
    ),
    "resize of integers": (
        "a = Abs (x0) f = Constant <value_float = 100.0> () b = Mul (a, f) c = Cast <to = 6> (b)"
        "s = Constant <value_floats = [1.0, 1.0, 1.0, 0.7]> ()"
        'y = Resize <mode = "linear", antialias = 1, coordinate_transformation_mode = "asymmetric"> (c, , s)',
        [((1, 1, 5, 11),), ((2, 1, 7, 9),)],
    ),
    "random numbers": (
        "y = RandomUniformLike <low = -1.0, high = 3.0> (x0) z = RandomNormalLike <seed = 2.0> (x0)",
        [((1, 1),), ((3, 17),)],
    ),
    "dropout": (
        "t = Constant <value_int = 1> () b = Cast <to = 9> (t) y, z = Dropout (x0, , b)",
        [((2, 3),), ((9, 17),)],
    ),
    "fourier": (
        "y = DFT <axis = 1> (x0) z = DFT <axis = 1, inverse = 1> (x0)",
        [((1, 4, 1),), ((3, 9, 2),)],
    ),
    "half a spectrum and back": (
        "z = DFT <axis = 1, onesided = 1> (x0) y = DFT <axis = 1, onesided = 1, inverse = 1> (z)",
        [((1, 4, 1),), ((3, 18, 1),)],
    ),
    "short time fourier": (
        "s = Constant <value_int = 3> () y = STFT (x0, s, x1)",
        [((1, 16, 1), (5,)), ((3, 33, 1), (8,))],
    ),
    "causal conv": (
        'y, z = CausalConvWithState <activation = "silu"> (x0, x1, x2, x3)',
        [((1, 1, 1), (1, 1, 1), (1,), (1, 1, 0)), ((2, 17, 9), (17, 1, 4), (17,), (2, 17, 3))],
    ),
    "size": ("y = Size (x0)", [((1, 4),), ((3, 5),)]),
}


def model_of(body: str, ranks: Sequence[int]) -> ModelProto:
    """The model of some nodes, whose results are called `y`, `z` and `w`."""
    symbols = (f"n{i}" for i in count())
    inputs = ", ".join(
        f"float[{', '.join(next(symbols) for _ in range(rank))}] x{i}" for i, rank in enumerate(ranks)
    )
    # The newest operation of the cases is of opset 27; of the others, DFT takes its axis otherwise since 20.
    opset = 27 if "CausalConv" in body else 19
    text = f"""<ir_version: 9, opset_import: ["": {opset}]> net ({inputs}) => () {{ {body} }}"""
    model = onnx.parser.parse_model(text)
    written = {name for node in model.graph.node for name in node.output}
    model.graph.output.extend(helper.make_value_info(n, TypeProto()) for n in ("y", "z", "w") if n in written)
    return model


def arrays_of(shapes: Shapes) -> dict[str, Array]:
    """Inputs of some shapes."""
    generator = np.random.default_rng(0)
    return {f"x{i}": generator.standard_normal(s).astype(np.float32) for i, s in enumerate(shapes)}


@pytest.mark.parametrize("name", CASES)
def test_one_artefact_serves_all_sizes(name: str) -> None:
    body, calls = CASES[name]
    model = model_of(body, [len(shape) for shape in calls[0]])
    dynamic = penstock.compile(model)
    for shapes in calls:
        given = arrays_of(shapes)
        wanted = penstock.compile(model, shapes={n: a.shape for n, a in given.items()})(given)
        results = dynamic(given)
        for each, array in wanted.items():
            assert results[each].shape == array.shape, f"{each} at {shapes}"
            assert np.allclose(results[each], array, rtol=2e-5, atol=2e-6), f"{each} at {shapes}"


def test_what_does_not_fit_is_an_error_of_the_call() -> None:
    model = penstock.compile(model_of("y = MatMul (x0, x1)", [3, 3]))
    for shapes in (((1, 2, 3), (1, 4, 2)), ((2, 1, 1), (3, 1, 1))):
        with pytest.raises(CallError, match="the model needs"):
            model(arrays_of(shapes))
