"""Models of one node for recurrent layers, sampling between pixels, spectra and word counts."""

from collections.abc import Iterator

import numpy as np

from penstock.dialects.graph.base import Array
from tests.onnx_import.operator_cases import Attributes, Case, reals, scalar, whole

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
STEPS, BATCH, WORDS, HIDDEN = 4, 3, 2, 5
LENGTHS = np.array([4, 1, 3], np.int32)


def layer(op_type: str, directions: int = 1, attributes: Attributes | None = None) -> Case:
    """A recurrent layer with everything but peepholes."""
    gates = GATES[op_type]
    weights = [reals(directions, gates * HIDDEN, WORDS), reals(directions, gates * HIDDEN, HIDDEN)]
    bias, start = reals(directions, 2 * gates * HIDDEN), reals(directions, BATCH, HIDDEN)
    inputs: list[Array | None] = [reals(STEPS, BATCH, WORDS), *weights, bias, LENGTHS, start]
    inputs += [np.flip(start)] if op_type == "LSTM" else []
    direction = ("forward", "bidirectional")[directions - 1]
    given: Attributes = {"hidden_size": HIDDEN, "direction": direction, **(attributes or {})}
    return Case(op_type, 14, inputs, given, outputs=3 if op_type == "LSTM" else 2)


HARD: Attributes = {
    "activations": ["HardSigmoid", "Softsign"],
    "activation_alpha": [0.3],
    "activation_beta": [0.4],
}
SCALED: Attributes = {
    "activations": ["Sigmoid", "ScaledTanh", "Relu"],
    "activation_alpha": [1.5],
    "activation_beta": [0.5],
}
AFFINE: Attributes = {
    "hidden_size": HIDDEN,
    "activations": ["Affine"],
    "activation_alpha": [0.5],
    "activation_beta": [0.1],
}


def recurrent() -> Iterator[Case]:
    """Recurrent layers."""
    for op_type in GATES:
        yield layer(op_type)
        yield layer(op_type, directions=2)
        yield layer(op_type, attributes={"direction": "reverse"})
    yield layer("GRU", attributes={"linear_before_reset": 1})
    yield layer("GRU", attributes={"clip": 0.5})
    yield layer("GRU", attributes=HARD)
    yield layer("LSTM", attributes=SCALED)
    plain = layer("LSTM")
    peepholes = reals(1, 3 * HIDDEN)
    yield Case("LSTM", 14, [*plain.inputs[:4], None, None, None, peepholes], plain.attributes, outputs=3)
    yield Case("RNN", 14, layer("RNN").inputs[:3], AFFINE)


IMAGE = reals(2, 3, 5, 4)
GRID = reals(2, 3, 6, 2)


def sampling() -> Iterator[Case]:
    """Points between the pixels of an image, some of them outside."""
    for padding in ("zeros", "border", "reflection"):
        for corners in (0, 1):
            for mode in ("bilinear", "nearest", "bicubic"):
                given = {"mode": mode, "padding_mode": padding, "align_corners": corners}
                yield Case("GridSample", 16, [IMAGE, GRID], given)
    yield Case("GridSample", 20, [reals(1, 2, 3, 4, 5), reals(1, 2, 2, 3, 3)], {"mode": "linear"})
    rois = np.array([[0.5, 1, 3, 2.5], [-3, 0, 9, 9], [1, 1, 1, 1]], np.float32)
    regions = {"output_height": 2, "output_width": 3, "sampling_ratio": 2, "spatial_scale": 0.75}
    for mode in ("avg", "max"):
        yield Case("RoiAlign", 16, [IMAGE, rois, np.array([1, 0, 1])], {**regions, "mode": mode})
    yield Case("RoiAlign", 10, [IMAGE, rois, np.array([1, 0, 1])], regions)


def spectra() -> Iterator[Case]:
    """Fourier transforms of even and odd lengths."""
    for count in (6, 7):
        yield Case("DFT", 17, [reals(2, count, 2)], {"axis": 1})
        yield Case("DFT", 17, [reals(2, count, 2)], {"axis": 1, "inverse": 1})
        yield Case("DFT", 17, [reals(2, count, 1)], {"axis": 1, "onesided": 1})
    yield Case("DFT", 20, [reals(2, 5, 3, 1), scalar(8, np.int64), scalar(1, np.int64)], constants=(1, 2))
    yield Case("DFT", 20, [reals(2, 5, 3, 2), scalar(4, np.int64), scalar(1, np.int64)], constants=(1, 2))
    signal = reals(2, 17, 1)
    yield Case("STFT", 17, [signal, scalar(3, np.int64), reals(6)], constants=(1,))
    yield Case(
        "STFT",
        17,
        [signal, scalar(4, np.int64), None, scalar(5, np.int64)],
        {"onesided": 0},
        constants=(1, 3),
    )


POOL: Attributes = {
    "pool_int64s": [2, 3, 5, 4, 5, 6, 7, 8, 6, 7],
    "ngram_counts": [0, 4],
    "ngram_indexes": [0, 1, 2, 3, 4, 6, 5],
    "max_gram_length": 2,
}
WEIGHTS = [0.5, 2.0, 1.0, 3.0, 4.0, 5.0, 6.0]


def counts() -> Iterator[Case]:
    """Words and pairs of words, with gaps."""
    text = whole(2, 12, dtype=np.int64, low=2)
    every: Attributes = {**POOL, "min_gram_length": 1, "max_skip_count": 3, "weights": WEIGHTS}
    for mode in ("TF", "IDF", "TFIDF"):
        yield Case("TfIdfVectorizer", 9, [text], {**every, "mode": mode})
    pairs: Attributes = {**POOL, "min_gram_length": 2, "max_skip_count": 0, "mode": "TF"}
    yield Case("TfIdfVectorizer", 9, [np.array([5, 6, 7, 8, 6, 7], np.int32)], pairs)


LAYERS = [*recurrent(), *sampling(), *counts()]
SPECTRA = list(spectra())
