"""The bundled model is what is said of it: its accuracy is measured on pictures that training never saw."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypedDict, cast

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from PIL import Image

FOLDER = Path(__file__).parent.parent / "examples" / "digits"
MODEL = FOLDER / "digits.onnx"


class Report(TypedDict):
    """What training wrote down."""

    accuracy: float
    correct: int
    held_out: int
    trained_on: int
    parameters: int


class Session(Protocol):
    """The part of an onnxruntime session that is used here; its package has no types."""

    def run(
        self, outputs: Sequence[str], inputs: dict[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]: ...


@pytest.fixture(scope="module")
def report() -> Report:
    """Read what training wrote down."""
    return cast(Report, json.loads((FOLDER / "accuracy.json").read_text()))


@pytest.fixture(scope="module")
def held_out() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the pictures that training never saw, and what they show."""
    with np.load(FOLDER / "heldout.npz") as file:
        return file["images"], file["labels"]


@pytest.fixture(scope="module")
def answers(held_out: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> NDArray[np.intp]:
    """Ask the model about every picture."""
    session = cast(Session, ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"]))
    pixels = held_out[0][:, None, None].astype(np.float32) / np.float32(255)
    scores = [session.run(["probabilities"], {"image": each})[0] for each in pixels]
    return np.concatenate(scores).argmax(axis=1)


def test_accuracy_is_the_one_stated(
    answers: NDArray[np.intp], held_out: tuple[NDArray[np.uint8], NDArray[np.uint8]], report: Report
) -> None:
    images, labels = held_out
    assert images.shape == (report["held_out"], 32, 32)
    assert int((answers == labels).sum()) == report["correct"]
    assert report["accuracy"] == report["correct"] / report["held_out"] > 0.98


def test_the_picture_is_the_first_held_out_seven(
    answers: NDArray[np.intp], held_out: tuple[NDArray[np.uint8], NDArray[np.uint8]]
) -> None:
    images, labels = held_out
    first = int(np.argmax(labels == 7))
    np.testing.assert_array_equal(np.asarray(Image.open(FOLDER / "seven.png")), images[first])
    assert answers[first] == 7


def test_model_is_small_and_leaves_work_to_the_compiler(report: Report) -> None:
    assert MODEL.stat().st_size < 400_000 and report["parameters"] < 100_000
    operators = [node.op_type for node in onnx.ModelProto.FromString(MODEL.read_bytes()).graph.node]
    assert operators.count("BatchNormalization") == operators.count("Conv") - 4
