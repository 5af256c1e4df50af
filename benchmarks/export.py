"""Export well-known models to ONNX with random weights: `python benchmarks/export.py OUT_DIR [NAME ...]`.

For any interpreter that has torch with timm, torchvision and transformers; nothing of Penstock is imported.
Vision models take one picture of 224 x 224, language models 128 tokens with their mask.  Opset 17, written by
the exporter that traces TorchScript.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

import torch

OPSET = 17
PICTURE = (1, 3, 224, 224)
TOKENS = 128
SEED = 0
DECLARED: list[torch.library.Library] = []
"""Operators are declared as long as their libraries live."""


def declare_operators() -> None:
    """Make torchvision importable where its compiled part is for another torch: declare what it misses.

    These operators are for detection, which no model here does.
    """
    while True:
        try:
            import_module("torchvision")
            return
        except RuntimeError as error:
            missing = re.search(r"operator (\w+)::(\w+) does not exist", str(error))
            if missing is None:
                raise
            DECLARED.append(torch.library.Library(missing[1], "FRAGMENT"))
            DECLARED[-1].define(f"{missing[2]}(Tensor input) -> Tensor")
            for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
                del sys.modules[name]


class Encoder(torch.nn.Module):
    """A BERT that takes ids and mask by position and gives the last hidden state."""

    def __init__(self, **sizes: int) -> None:
        from transformers import BertConfig, BertModel

        super().__init__()
        self.model = BertModel(BertConfig(**sizes), add_pooling_layer=False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The hidden state of every token."""
        return self.model(input_ids=ids, attention_mask=mask).last_hidden_state


def from_timm(name: str) -> torch.nn.Module:
    """A model of timm."""
    import timm

    return timm.create_model(name, pretrained=False)


def from_torchvision(name: str) -> torch.nn.Module:
    """A model of torchvision."""
    import torchvision

    return torchvision.models.get_model(name, weights=None)


SMALL = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
MODELS: Mapping[str, Callable[[], torch.nn.Module]] = {
    **{
        name: partial(from_timm, name)
        for name in (
            "mobilenetv2_100",
            "mobilenetv3_large_100",
            "efficientnet_b0",
            "resnet18",
            "resnet50",
            "densenet121",
            "vit_tiny_patch16_224",
            "deit_small_patch16_224",
            "convnext_tiny",
            "swin_tiny_patch4_window7_224",
        )
    },
    **{name: partial(from_torchvision, name) for name in ("squeezenet1_1", "shufflenet_v2_x1_0")},
    "minilm_l6": partial(Encoder, **SMALL),
    "bert_base": Encoder,
}


def export(name: str, folder: Path) -> Path:
    """Write one model; the file appears complete or not at all."""
    torch.manual_seed(SEED)
    model = MODELS[name]().eval()
    names, inputs = ["input"], (torch.rand(PICTURE),)
    if isinstance(model, Encoder):
        names = ["input_ids", "attention_mask"]
        inputs = (torch.randint(0, 1000, (1, TOKENS)), torch.ones(1, TOKENS, dtype=torch.int64))
    path = folder / f"{name}.onnx"
    unfinished = path.with_suffix(".part")
    torch.onnx.export(
        model,
        inputs,
        str(unfinished),
        opset_version=OPSET,
        input_names=names,
        output_names=["output"],
        dynamo=False,
    )
    return unfinished.replace(path)


def main() -> None:
    """Export the models named on the command line, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="OUT_DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)} (default: all)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(MODELS))
    if unknown:
        parser.error(f"no such model: {', '.join(unknown)}")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    declare_operators()
    for name in arguments.names or MODELS:
        path = export(name, arguments.folder)
        print(f"{path}  {path.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main()
