"""What ONNX Runtime gives, set to compute what a model says."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import onnxruntime
from onnx import ModelProto, helper

from penstock.dialects.graph.base import Array
from penstock.onnx_values import Given

Values = Mapping[str, Array]


def outputs_of(model: Path | ModelProto, inputs: Given) -> dict[str, Array]:
    """The outputs by name."""
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = _session(source)
    names = [cast(str, output.name) for output in session.get_outputs()]
    arrays = cast(list[Array], session.run(names, dict(inputs)))
    return dict(zip(names, map(np.asarray, arrays), strict=True))


def _session(source: str | bytes) -> onnxruntime.InferenceSession:
    """The model, loaded; without the rewritings that fail on some quantised models where they do."""
    try:
        return onnxruntime.InferenceSession(source, _options(), providers=["CPUExecutionProvider"])
    except Exception:
        options = _options()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    # Else a convolution between DequantizeLinear and QuantizeLinear becomes one of integers,
    # which rounds otherwise.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # Else sums of products of bytes saturate at 16 bits on CPUs without dot products.
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return options


def values_of(model: ModelProto, names: Sequence[str], inputs: Given) -> dict[str, Array]:
    """The values of tensors inside of a model."""
    told = ModelProto()
    told.CopyFrom(model)
    del told.graph.output[:]
    told.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return outputs_of(told, inputs)
