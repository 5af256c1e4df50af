"""Values at which programs break: sizes, positions, names and paths that no exporter writes."""

from random import Random

INTEGERS = (
    *(0, 1, -1, 2, 3, -2, 4, 7, 8, 16, 31, 63, 64, 100, 127, 128, 255, 256, 1000, 4096, 65535, 65536),
    *(10**6, 2**24, 2**30, 2**31 - 1, 2**31, -(2**31), 2**32, 2**33 + 1, 2**40, 2**52, 2**53 + 1),
    *(2**62, 2**63 - 1, -(2**63), -(2**63) + 1, -128, -1000),
)
REALS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1e-45,
    1e-30,
    3e38,
    -3e38,
    1e300,
    float("inf"),
    float("-inf"),
    float("nan"),
)
TEXTS = (
    *("", " ", "x", "\0", "..", "/", ".", "%s", "{0}", "\n", "a\nb", "é", "\u202e", "<script>", "x" * 300),
    *("constant", "reflect", "edge", "wrap", "linear", "cubic", "nearest", "NOTSET", "SAME_UPPER", "VALID"),
    *(
        "none",
        "add",
        "mul",
        "min",
        "max",
        "bidirectional",
        "reverse",
        "ai.onnx",
        "ai.onnx.ml",
        "com.microsoft",
    ),
    *("bhwc,hkc->bhwk", "...ij,...jk", "i->", "->", "N", "batch", "main", "Relu", "Loop", "If", "Constant"),
)
PATHS = (
    *("weights.bin", "", ".", "..", "../weights.bin", "../../../../etc/passwd", "/etc/passwd", "/dev/zero"),
    *("inner/../weights.bin", "link", "pipe", "inner", "inner/weights.bin", "outside/passwd", "loop/loop"),
    *("./weights.bin", "weights.bin/", "weights.bin\0.txt", "//etc/passwd", "~", "$HOME", "x" * 5000),
    *(
        "a/" * 2000,
        "missing.bin",
        "model.onnx",
        "\udcff".encode("utf-8", "replace").decode(),
        "file:///etc/passwd",
    ),
)
COUNTS = (
    *("0", "1", "4", "12", "4096", "-1", "-4096", "1e3", "0x10", "", " 8", "8 ", "nan", "9" * 18, "9" * 30),
    *("²", "１２", str(2**63), str(2**64), str(2**31), "12.0", "+4", "١"),
)


def integer(random: Random, near: int = 0) -> int:
    """A number that is special, or not far from the one that is there."""
    match random.randrange(4):
        case 0:
            return near + random.choice((-1, 1, 2, -2, near, -2 * near))
        case 1:
            return random.randrange(-4, 12)
        case _:
            return random.choice(INTEGERS)
