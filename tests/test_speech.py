"""A published model of voice activity on recorded speech: it hears speech where ONNX Runtime does."""

import wave
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

import penstock
from penstock.dialects.graph.base import Array
from penstock.errors import CallError

SHARED = Path(__file__).parents[1] / "../shared"
MODEL = SHARED / "models/audio/silero_vad.onnx"
CLIP = SHARED / "data/audio/silero_test_16k.wav"
FRAME, CONTEXT, FRAMES = 512, 64, 150
Step = Callable[[dict[str, Array]], list[Array]]


def heard(step: Step, sound: Array) -> list[float]:
    """The probability of speech in every frame; each is given with the end of the one before, and a state."""
    state, padded = np.zeros((2, 1, 128), np.float32), np.concatenate([np.zeros(CONTEXT, np.float32), sound])
    found: list[float] = []
    for start in range(0, FRAMES * FRAME, FRAME):
        frame = np.ascontiguousarray(padded[None, start : start + CONTEXT + FRAME])
        speech, state = step({"input": frame, "state": state, "sr": np.array(16000)})
        found.append(speech.item())
    return found


@pytest.mark.skipif(not (MODEL.exists() and CLIP.exists()), reason="the shared models are not there")
def test_speech_is_heard_where_onnx_runtime_hears_it() -> None:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(MODEL)
    model = penstock.compile(MODEL, shapes={"input": [1, CONTEXT + FRAME], "state": [2, 1, 128]})
    with wave.open(str(CLIP)) as clip:
        sound = np.frombuffer(clip.readframes(FRAMES * FRAME), np.int16).astype(np.float32) / 32768
    ours = heard(lambda given: list(model(given).values()), sound)
    theirs = heard(lambda given: cast(list[Array], session.run(None, given)), sound)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert 0.1 < np.mean(np.array(theirs) > 0.5) < 0.9
    # The other branch is for 8 kHz, where frames have another length.
    with pytest.raises(CallError, match="does not fit the shapes of the inputs"):
        model(
            input=np.zeros((1, 576), np.float32), state=np.zeros((2, 1, 128), np.float32), sr=np.array(8000)
        )
