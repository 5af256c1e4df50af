"""Trains the bundled digits model and writes all that is committed beside this file.

    pip install torch==2.13.0 scikit-learn onnx pillow
    python examples/digits/train.py

The epochs are fixed beforehand and the held-out pictures are looked at once, after the last one.
"""

import json
from math import pi
from pathlib import Path

import numpy as np
import onnx
import torch
from network import SIDE, Chain, digits_network, to_onnx
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample

HERE = Path(__file__).parent
SEED = 7
HELD_OUT = 360
EPOCHS, BATCH, PEAK_RATE = 60, 64, 6e-3


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """The digits of scikit-learn as 8-bit pictures of 32 x 32, and what they show."""
    digits = load_digits()
    small = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    large = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR) for image in small]
    return np.stack([np.asarray(image) for image in large]), digits.target.astype(np.uint8)


def as_input(images: np.ndarray) -> Tensor:
    """Pictures as the network takes them: one channel, numbers from 0 to 1."""
    return torch.from_numpy(images[:, None].astype(np.float32) / np.float32(255))


def distorted(images: Tensor) -> Tensor:
    """Turn, scale, shear and shift each picture a little, anew in every epoch."""
    count = len(images)
    angle, shear = (torch.rand(2, count) - 0.5) * torch.tensor([[pi / 9], [0.3]])
    scale = 1 + (torch.rand(count) - 0.5) * 0.3
    shift = (torch.rand(count, 2, 1) - 0.5) * 0.4
    cos, sin = scale * angle.cos(), scale * angle.sin()
    turn = torch.stack([torch.stack([cos, -sin + shear], 1), torch.stack([sin, cos], 1)], 1)
    grid = affine_grid(torch.cat([turn, shift], 2), list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)


def train(network: Chain, images: Tensor, labels: Tensor) -> None:
    """Fit the network with one cycle of the learning rate."""
    steps = -(-len(images) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, epochs=EPOCHS, steps_per_epoch=steps)
    for epoch in range(EPOCHS):
        losses = [
            step(network, optimizer, schedule, images[part], labels[part]) for part in batches(len(images))
        ]
        print(f"epoch {epoch + 1:2}  loss {np.mean(losses):.4f}", flush=True)


def batches(count: int) -> tuple[Tensor, ...]:
    """The numbers up to `count` in random order, some at a time."""
    return torch.randperm(count).split(BATCH)


def step(
    network: Chain,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    images: Tensor,
    labels: Tensor,
) -> float:
    """Improve the network on one batch and return the loss before."""
    loss = cross_entropy(network(distorted(images)), labels)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    return loss.item()


def main() -> None:
    """Train, measure once, write."""
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    images, labels = pictures()
    seen, unseen, seen_labels, unseen_labels = train_test_split(
        images, labels, test_size=HELD_OUT, random_state=SEED, stratify=labels
    )
    network = digits_network()
    train(network, as_input(seen), torch.from_numpy(seen_labels.astype(np.int64)))
    network.eval()
    with torch.no_grad():
        answers = network(as_input(unseen)).argmax(1).numpy()
    write(network, unseen, unseen_labels, int((answers == unseen_labels).sum()), len(seen))


def write(network: Chain, unseen: np.ndarray, labels: np.ndarray, correct: int, trained_on: int) -> None:
    """Write the model, the held-out pictures, the first seven among them and the measured accuracy."""
    onnx.save(to_onnx(network), HERE / "digits.onnx")
    np.savez_compressed(HERE / "heldout.npz", images=unseen, labels=labels)
    Image.fromarray(unseen[int(np.argmax(labels == 7))]).save(HERE / "seven.png")
    report = {
        "accuracy": correct / len(labels),
        "correct": correct,
        "held_out": len(labels),
        "trained_on": trained_on,
        "seed": SEED,
        "epochs": EPOCHS,
        "parameters": sum(each.numel() for each in network.parameters()),
    }
    (HERE / "accuracy.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
