"""A block of weights is the same, whether it is written from its parts or from memory."""

import io
from mmap import ALLOCATIONGRANULARITY
from pathlib import Path

from penstock.weights import ALIGNMENT, Part, Weights


def in_parts() -> Weights:
    """Three bytes, a gap, two bytes."""
    return Weights([Part(0, memoryview(bytes([1, 2, 3]))), Part(64, memoryview(bytes([4, 5])))])


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
    assert Weights([Part(0, block.data)]).block.ctypes.data == block.ctypes.data


def test_weights_in_a_file_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(ALLOCATIONGRANULARITY + ALIGNMENT) + b"weights!")
    for at in (ALLOCATIONGRANULARITY + ALIGNMENT, ALLOCATIONGRANULARITY + ALIGNMENT - 1):
        with open(path, "rb") as file:
            weights = Weights.in_file(file, at, 8)
        expected = path.read_bytes()[at : at + 8]
        assert weights.nbytes == 8 and written(weights) == expected and weights.block.tobytes() == expected
        assert weights.block.ctypes.data % ALIGNMENT == 0


def test_a_model_may_have_no_weights() -> None:
    assert Weights().nbytes == 0 and written(Weights()) == b"" and len(Weights().block) == 0
