"""Mutations of a model's bytes that know nothing of what they mean."""

from random import Random

MOST_EDITS = 6


def mutate_bytes(data: bytes, random: Random) -> tuple[bytes, str]:
    """The bytes with some changed, and in words how."""
    changed = bytearray(data)
    words: list[str] = []
    for _ in range(random.randint(1, MOST_EDITS)):
        words.append(_edit(changed, random))
    return bytes(changed), ", ".join(words)


def _edit(data: bytearray, random: Random) -> str:
    at = random.randrange(len(data) + 1)
    length = min(random.choice((1, 1, 2, 4, 8, 32, 256)), len(data) - at)
    match random.randrange(7):
        case 0 | 1 if at < len(data):
            data[at] ^= 1 << random.randrange(8)
            return f"flip a bit of byte {at}"
        case 2 if at < len(data):
            data[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
            return f"set byte {at}"
        case 3:
            data[at:at] = random.randbytes(random.choice((1, 2, 5, 10)))
            return f"insert bytes at {at}"
        case 4:
            del data[at : at + length]
            return f"remove {length} bytes at {at}"
        case 5:
            data[at:at] = data[at : at + length]
            return f"repeat {length} bytes at {at}"
        case _:
            if random.randrange(4) == 0:
                del data[at:]
                return f"cut off at {at}"
            # A length or number of the most bytes.
            data[at:at] = b"\xff" * 9 + b"\x01"
            return f"insert a huge number at {at}"
