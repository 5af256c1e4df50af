"""The models that are mutated: those of ONNX's suite, of the folders named, and some written for this."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from onnx import ModelProto, parser

LARGEST = 100_000
"""Bytes of the largest model that is taken: a mutant is written and read again within a millisecond."""
SHARED = Path(__file__).parents[3] / "shared" / "models"
"""Where models may lie beside the repository."""

HEAD = '<ir_version: 10, opset_import: ["": 21, "own": 1]>'
WRITTEN = {
    "convolution": """
        conv (float[1, 3, 8, 8] x) => (float[1, 4, 4, 4] y)
        <float[4] b = {0, 1, 2, 3}, int64[4] s = {4, 3, 3, 3}>
        {
            w = ConstantOfShape <value = float {0.5}> (s)
            c = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (x, w, b)
            y = Relu (c)
        }""",
    "shapes": """
        shapes (float[2, 3, 4] x) => (float[n, m] y, int64[k] r)
        <int64[1] one = {1}, int64 zero = {0}, int64 two = {2}, int64[2] pads = {0, 1}, float[2, 1, 4] t>
        {
            s = Shape (x)
            f = Gather <axis = 0> (s, one)
            m = Constant <value = int64[1] {-1}> ()
            target = Concat <axis = 0> (f, m)
            p = Reshape (x, target)
            u = Shape (p)
            q = Expand (p, u)
            y = Pad (q, pads, , one)
            l = ReduceProd (s)
            r = Range (zero, l, two)
        }""",
    "picking": """
        picking (float[5, 4] x, int64[3] i, int64[2, 1] t, float[2, 4] u) => (float[3, 4] y, float[5, 4] z)
        {
            y = Gather (x, i)
            z = ScatterND <reduction = "add"> (x, t, u)
        }""",
    "repeated": """
        repeated (float[3] x) => (float[3] y, float[5, 3] all)
        <int64 count = {5}, bool yes = {1}>
        {
            y, all = Loop (count, yes, x) <body = body (int64 i, bool c, float[3] a)
                    => (bool d, float[3] b, float[3] e) {
                d = Identity (c)
                k = Cast <to = 1> (i)
                b = Add (a, k)
                e = Mul (b, b)
            }>
        }""",
    "chosen": """
        chosen (float[2, 2] x) => (float[2, 2] y)
        <int64[1] limit = {3}>
        {
            s = Size (x)
            c = Greater (s, limit)
            y = If (c) <then_branch = t () => (float[2, 2] a) { a = Neg (x) },
                        else_branch = e () => (float[2, 2] b) { b = Abs (x) }>
        }""",
    "listed": """
        listed (float[6] x) => (float[6] y, int64 n)
        <int64 at = {1}, int64[2] parts = {2, 4}>
        {
            s = SplitToSequence <axis = 0> (x, parts)
            p = SequenceAt (s, at)
            q = SequenceInsert (s, p)
            n = SequenceLength (q)
            y = ConcatFromSequence <axis = 0> (s)
        }""",
    "named": """
        named (float[2, 3] x) => (float[2, 3] y)
        { t = own.Twice (x)  y = own.Twice (t) }
        <domain: "own", opset_import: ["": 21, "own": 1]>
        Twice (a) => (b) { c = own.Same <by: float = 2.0> (a)  b = Add (c, a) }
        <domain: "own", opset_import: ["": 21]>
        Same <by: float = 1.0> (a) => (b) { k = Constant <value_float: float = @by> () b = Mul (a, k) }""",
    "recurrent": """
        recurrent (float[4, 1, 2] x, float[1, 12, 2] w, float[1, 12, 3] r) => (float[4, 1, 1, 3] y)
        { y = LSTM <hidden_size = 3> (x, w, r) }""",
    "quantised": """
        quantised (float[1, 4] x) => (float[1, 4] y)
        <float s = {0.1}, uint8 z = {128}>
        {
            q = QuantizeLinear (x, s, z)
            y = DequantizeLinear (q, s, z)
        }""",
    "attention": """
        attention (float[1, 4, 8] x) => (float[1, 4, 8] y)
        <float[8] g = {1, 1, 1, 1, 1, 1, 1, 1}>
        {
            t = Transpose <perm = [0, 2, 1]> (x)
            d = MatMul (x, t)
            p = Softmax <axis = -1> (d)
            v = MatMul (p, x)
            y = LayerNormalization <axis = -1> (v, g)
        }""",
}


@dataclass(frozen=True)
class Seed:
    """A sound model and what to call it."""

    name: str
    data: bytes


def seeds(folders: Sequence[Path], *, suite: bool) -> list[Seed]:
    """All seeds, in an order that is the same for the same folders and version of onnx."""
    found = [*_written(), *(seed for folder in folders for seed in _of_folder(folder))]
    return [*found, *(_of_suite() if suite else ())]


def _written() -> Iterator[Seed]:
    for name, text in WRITTEN.items():
        model = parser.parse_model(f"{HEAD}\n{text}")
        yield Seed(name, model.SerializeToString())


def _of_folder(folder: Path) -> Iterator[Seed]:
    for path in sorted(folder.rglob("*.onnx")):
        if path.stat().st_size <= LARGEST:
            yield Seed(str(path.relative_to(folder)), path.read_bytes())


def _of_suite() -> Iterator[Seed]:
    # Its modules take seconds to import: a short run does without.
    from tools.onnx_suite.cases import load_cases

    for case in load_cases():
        data = case.model.SerializeToString() if case.is_on_disk else b""
        if 0 < len(data) <= LARGEST:
            yield Seed(case.key, data)


def parsed(seed: Seed) -> ModelProto:
    """A copy of the model, to be changed."""
    return ModelProto.FromString(seed.data)
