"""Published models whose sizes are open: one compiled model beside ONNX Runtime, call after call."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pytest

import penstock
from penstock.dialects.graph.base import Array
from tools.agreement.judge import difference

SHARED = Path(__file__).parents[1] / "../shared"
GPT2 = SHARED / "models/transformer/tiny_random_gpt2_fp32_past.onnx"
TEXT = SHARED / "models/ocr/ppocr_v2_det.onnx"
PICTURE = SHARED / "data/images/ocr_sample.jpg"
STEPS, LAYERS = 32, 5


def there(*paths: Path) -> pytest.MarkDecorator:
    """The mark of a test that needs some files."""
    return pytest.mark.skipif(
        not all(path.exists() for path in paths), reason="the shared models are not there"
    )


class Session:
    """ONNX Runtime with a model."""

    def __init__(self, path: Path) -> None:
        self._session = pytest.importorskip("onnxruntime").InferenceSession(path)
        self._names: list[str] = [output.name for output in self._session.get_outputs()]

    def __call__(self, given: Mapping[str, Array]) -> dict[str, Array]:
        arrays = cast(list[Array], self._session.run(None, dict(given)))
        return dict(zip(self._names, arrays, strict=True))


@there(GPT2)
def test_a_cache_that_grows() -> None:
    session, model = Session(GPT2), penstock.compile(GPT2)
    words = np.random.default_rng(0).integers(0, 1000, (1, 5))
    past: list[Array] = [np.zeros((2, 1, 4, 0, 8), np.float32)] * LAYERS
    for _ in range(STEPS):
        start, count = past[0].shape[3], words.shape[1]
        given: dict[str, Array] = {
            "input_ids": words.astype(np.int32),
            "position_ids": np.arange(start, start + count, dtype=np.int32)[None],
            "attention_mask": np.ones((1, start + count), np.int32),
            **{f"past_{i}": each for i, each in enumerate(past)},
        }
        ours, theirs = model(given), session(given)
        assert max(difference(ours[name], array) for name, array in theirs.items()) < 1e-5
        past = [ours[f"present_{i}"] for i in range(LAYERS)]
        words = np.argmax(ours["logits"].astype(np.float32)[:, -1], -1)[:, None]
    assert past[0].shape == (2, 1, 4, 5 + STEPS - 1, 8)


@there(TEXT, PICTURE)
def test_words_in_a_picture_at_three_sizes() -> None:
    image = pytest.importorskip("PIL.Image")
    session, model = Session(TEXT), penstock.compile(TEXT)
    for height, width in ((320, 320), (224, 416), (480, 640)):
        colours = np.asarray(image.open(PICTURE).convert("RGB").resize((width, height)), np.float32) / 255
        x = (colours - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
        given: dict[str, Array] = {"x": np.ascontiguousarray(x.astype(np.float32).transpose(2, 0, 1)[None])}
        (ours,), (theirs,) = model(given).values(), session(given).values()
        assert difference(ours, theirs) < 1e-3
        assert ours.shape == (1, 1, height, width)
        assert 0.02 < np.mean(ours.astype(np.float32) > 0.5) < 0.3
