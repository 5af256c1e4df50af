"""A block of weights is the same, whether it is written from its parts or from memory."""

import io

import numpy as np

from penstock.weights import ALIGNMENT, Weights


def in_parts() -> Weights:
    """Three bytes, a gap, two bytes."""
    return Weights([(0, np.array([1, 2, 3], np.uint8)), (64, np.array([4, 5], np.uint8))])


def written(weights: Weights) -> bytes:
    """What `write` writes."""
    file = io.BytesIO()
    weights.write(file)
    return file.getvalue()


def test_parts_and_the_block_are_the_same_bytes() -> None:
    weights = in_parts()
    expected = bytes([1, 2, 3, *[0] * 61, 4, 5])
    assert weights.nbytes == 66 and written(weights) == expected
    assert weights.block.tobytes() == expected and weights.block.ctypes.data % ALIGNMENT == 0
    assert weights.nbytes == 66 and written(weights) == expected


def test_a_block_stays_where_it_is() -> None:
    block = in_parts().block
    assert Weights(block=block).block is block


def test_a_model_may_have_no_weights() -> None:
    assert Weights().nbytes == 0 and written(Weights()) == b"" and len(Weights().block) == 0
