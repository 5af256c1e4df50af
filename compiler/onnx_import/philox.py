"""Random numbers as a function of a key and a position: Philox-4x32 with ten rounds.

J. Salmon, M. Moraes, R. Dror, D. Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3.
"""

import numpy as np
from numpy.typing import NDArray

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
"""What the key grows by in every round: the golden ratio, and the square root of three less one."""
WORD = np.uint64(0xFFFFFFFF)

Words = NDArray[np.uint64]


def philox(counters: Words, key: tuple[int, int]) -> Words:
    """Four random words of 32 bits for each counter of four words."""
    a, b, c, d = (counters[:, i] for i in range(4))
    for number in range(ROUNDS):
        first, second = (np.uint64((k + number * w) % 2**32) for k, w in zip(key, WEYL, strict=True))
        left, right = a * np.uint64(MULTIPLIERS[0]), c * np.uint64(MULTIPLIERS[1])
        a, b = (right >> np.uint64(32)) ^ b ^ first, right & WORD
        c, d = (left >> np.uint64(32)) ^ d ^ second, left & WORD
    return np.stack([a, b, c, d], 1)


def words(count: int, key: tuple[int, int]) -> Words:
    """So many random words of 32 bits."""
    counters = np.zeros((-(-count // 4), 4), np.uint64)
    counters[:, 0] = np.arange(len(counters), dtype=np.uint64)
    return philox(counters, key).reshape(-1)[:count]


def uniform(count: int, key: tuple[int, int]) -> NDArray[np.float64]:
    """Numbers from [0, 1), each a multiple of 2^-24, so that single precision holds them."""
    return (words(count, key) >> np.uint64(8)).astype(np.float64) * 2.0**-24


def normal(count: int, key: tuple[int, int]) -> NDArray[np.float64]:
    """Normally distributed numbers, two from two words.

    G. Box, M. Muller: "A Note on the Generation of Random Normal Deviates", 1958.
    """
    pairs = (words(count + count % 2, key).astype(np.float64) + 0.5) * 2.0**-32
    radius, angle = np.sqrt(-2 * np.log(pairs[::2])), 2 * np.pi * pairs[1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[:count]
