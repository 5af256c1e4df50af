"""The digits network: each layer knows how PyTorch computes it and which ONNX nodes say the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET, IR_VERSION = 17, 8
SIDE = 32
CLASSES = 10


@dataclass
class GraphWriter:
    """Collects nodes and weights in the order of the data flow."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    def node(self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: object) -> str:
        """Add a node and return the name of its output."""
        name = f"{op}_{len(self.nodes)}"
        result = output or f"{name}_output"
        self.nodes.append(helper.make_node(op, inputs, [result], name, **attributes))
        return result

    def weight(self, name: str, value: Tensor | float) -> str:
        """Add a float32 weight and return its unique name."""
        array = value.detach().numpy() if isinstance(value, Tensor) else np.float32(value)
        unique = f"{name}_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), unique))
        return unique


class Layer(nn.Module):
    """A PyTorch module that can write itself as ONNX nodes."""

    def write(self, graph: GraphWriter, value: str) -> str:
        """Add the nodes of this layer and return the name of its result."""
        raise NotImplementedError


class Convolution(nn.Conv2d, Layer):
    """A square convolution that keeps the size, or halves it with stride 2."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, bias: bool = False
    ):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias)

    def write(self, graph: GraphWriter, value: str) -> str:
        """Write a Conv node."""
        operands = [value, graph.weight("weight", self.weight)]
        if self.bias is not None:
            operands.append(graph.weight("bias", self.bias))
        return graph.node(
            "Conv",
            operands,
            kernel_shape=self.kernel_size,
            strides=self.stride,
            pads=self.padding * 2,
            group=self.groups,
        )


class Normalization(nn.BatchNorm2d, Layer):
    """Batch normalisation, kept as a node of its own for the compiler to fold."""

    def write(self, graph: GraphWriter, value: str) -> str:
        """Write a BatchNormalization node with the statistics of the training."""
        numbers = {
            "scale": self.weight,
            "shift": self.bias,
            "mean": self.running_mean,
            "variance": self.running_var,
        }
        operands = [graph.weight(name, number) for name, number in numbers.items()]
        return graph.node("BatchNormalization", [value, *operands], epsilon=self.eps)


class HardSwish(nn.Hardswish, Layer):
    """x * clip(x + 3, 0, 6) / 6."""

    def write(self, graph: GraphWriter, value: str) -> str:
        """Write a HardSwish node."""
        return graph.node("HardSwish", [value])


class ReLU6(nn.ReLU6, Layer):
    """clip(x, 0, 6)."""

    def write(self, graph: GraphWriter, value: str) -> str:
        """Write a Clip node."""
        return graph.node("Clip", [value, graph.weight("low", 0.0), graph.weight("high", 6.0)])


class Chain(nn.Sequential, Layer):
    """One layer after the other."""

    def write(self, graph: GraphWriter, value: str) -> str:
        """Write all layers in their order."""
        for layer in self:
            value = layer.write(graph, value)
        return value


class Residual(Chain):
    """A chain whose input is added to its output."""

    def forward(self, value: Tensor) -> Tensor:
        """Compute x + chain(x)."""
        return value + super().forward(value)

    def write(self, graph: GraphWriter, value: str) -> str:
        """Write the chain and an Add node."""
        return graph.node("Add", [super().write(graph, value), value])


class SqueezeExcite(Layer):
    """Scales each channel by what a small network makes of all channel means (Hu et al., 2018)."""

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.squeeze = Convolution(channels, squeezed, bias=True)
        self.excite = Convolution(squeezed, channels, bias=True)

    def forward(self, value: Tensor) -> Tensor:
        """Compute x * hard_sigmoid(excite(relu(squeeze(mean(x)))))."""
        hidden = self.squeeze(value.mean((2, 3), keepdim=True)).relu()
        return value * nn.functional.hardsigmoid(self.excite(hidden))

    def write(self, graph: GraphWriter, value: str) -> str:
        """Write the means, the small network and the Mul node."""
        hidden = graph.node("Relu", [self.squeeze.write(graph, graph.node("GlobalAveragePool", [value]))])
        scale = graph.node("HardSigmoid", [self.excite.write(graph, hidden)], alpha=1 / 6, beta=0.5)
        return graph.node("Mul", [value, scale])


class Classifier(nn.Linear, Layer):
    """The mean over the picture, then a linear layer."""

    def forward(self, value: Tensor) -> Tensor:
        """Compute the logits."""
        return super().forward(value.mean((2, 3)))

    def write(self, graph: GraphWriter, value: str) -> str:
        """Write the mean, the Gemm and the Softmax that turns logits into probabilities."""
        flat = graph.node("Flatten", [graph.node("GlobalAveragePool", [value])])
        operands = [flat, graph.weight("weight", self.weight), graph.weight("bias", self.bias)]
        return graph.node("Softmax", [graph.node("Gemm", operands, transB=1)], "probabilities", axis=1)


def separable(inputs: int, outputs: int) -> Chain:
    """A depthwise convolution of stride 2, then a pointwise one."""
    return Chain(
        Convolution(inputs, inputs, 3, stride=2, groups=inputs),
        Normalization(inputs),
        HardSwish(),
        Convolution(inputs, outputs),
        Normalization(outputs),
    )


def inverted_residual(channels: int, activation: type[Layer]) -> Residual:
    """Widen, convolve each channel, scale the channels, narrow, add the input (Howard et al., 2019)."""
    wide = 2 * channels
    return Residual(
        Convolution(channels, wide),
        Normalization(wide),
        activation(),
        Convolution(wide, wide, 3, groups=wide),
        Normalization(wide),
        activation(),
        SqueezeExcite(wide, wide // 4),
        Convolution(wide, channels),
        Normalization(channels),
    )


def digits_network() -> Chain:
    """The whole network, from a picture of one channel to logits."""
    return Chain(
        Convolution(1, 16, 3),
        Normalization(16),
        HardSwish(),
        separable(16, 32),
        inverted_residual(32, ReLU6),
        separable(32, 64),
        inverted_residual(64, HardSwish),
        Convolution(64, 128),
        Normalization(128),
        HardSwish(),
        Classifier(128, CLASSES),
    )


def to_onnx(network: Chain) -> onnx.ModelProto:
    """Write a trained network as an ONNX model with one input and one output."""
    graph = GraphWriter()
    network.write(graph, "image")
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, SIDE, SIDE])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, CLASSES])
    body = helper.make_graph(graph.nodes, "digits", [image], [probabilities], graph.weights)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(
        body, producer_name="penstock-examples", opset_imports=opsets, ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return model
