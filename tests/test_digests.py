"""A digest by pieces knows every byte and where it stands, in files as in memory."""

from pathlib import Path

import pytest

from penstock.digests import PIECE, digest_of_bytes, digest_of_file


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 5])
def test_files_and_bytes_have_the_same_digest(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    (tmp_path / "file").write_bytes(data)
    assert digest_of_file(tmp_path / "file") == digest_of_bytes(data)


def test_the_order_of_pieces_and_each_byte_count() -> None:
    first, second = b"a" * PIECE, b"b" * PIECE
    different = (first + second, second + first, first, first + first, first + second[:-1] + b"c")
    assert len({digest_of_bytes(data) for data in different}) == len(different)
