"""The one table of importers: which function turns which ONNX operation into graph operations."""

from collections.abc import Mapping, Sequence

from penstock.errors import PluginError
from penstock.onnx_import.activation import ACTIVATION
from penstock.onnx_import.arithmetic import ARITHMETIC
from penstock.onnx_import.classical import CLASSICAL
from penstock.onnx_import.comparison import COMPARISON
from penstock.onnx_import.contrib import CONTRIB
from penstock.onnx_import.control import CONTROL
from penstock.onnx_import.counting import COUNTING
from penstock.onnx_import.determinant import DETERMINANT
from penstock.onnx_import.distinct import UNIQUE
from penstock.onnx_import.drawing import DRAWING
from penstock.onnx_import.einsum import EINSUM
from penstock.onnx_import.family import Family, Importer
from penstock.onnx_import.gradient import GRADIENT
from penstock.onnx_import.images import IMAGES
from penstock.onnx_import.indexing import INDEXING
from penstock.onnx_import.labels import LABELS
from penstock.onnx_import.legacy import LEGACY
from penstock.onnx_import.linear import LINEAR
from penstock.onnx_import.movement import MOVEMENT
from penstock.onnx_import.normalization import NORMALIZATION
from penstock.onnx_import.placing import PLACING
from penstock.onnx_import.pooling import POOLING
from penstock.onnx_import.quantization import QUANTIZATION
from penstock.onnx_import.recurrent import RECURRENT
from penstock.onnx_import.reduction import REDUCTION
from penstock.onnx_import.resize import RESIZE
from penstock.onnx_import.sampling import SAMPLING
from penstock.onnx_import.sequences import SEQUENCES
from penstock.onnx_import.spectral import SPECTRAL
from penstock.onnx_import.strings import STRINGS
from penstock.onnx_import.suppression import SUPPRESSION
from penstock.onnx_import.training import TRAINING
from penstock.onnx_import.transformers import TRANSFORMERS
from penstock.onnx_import.trees import TREES

FAMILIES: tuple[Family, ...] = (
    ACTIVATION,
    ARITHMETIC,
    COMPARISON,
    CONTROL,
    COUNTING,
    DETERMINANT,
    DRAWING,
    EINSUM,
    IMAGES,
    INDEXING,
    LEGACY,
    LINEAR,
    MOVEMENT,
    NORMALIZATION,
    PLACING,
    POOLING,
    QUANTIZATION,
    RECURRENT,
    REDUCTION,
    RESIZE,
    SAMPLING,
    SEQUENCES,
    SPECTRAL,
    STRINGS,
    SUPPRESSION,
    UNIQUE,
)

DOMAINS: Mapping[str, Sequence[Family]] = {
    "": FAMILIES,
    "ai.onnx.ml": (CLASSICAL, LABELS, TREES),
    "ai.onnx.preview.training": (GRADIENT, TRAINING),
    "com.microsoft": (CONTRIB, TRANSFORMERS),
}

IMPORTERS: dict[tuple[str, str], Importer] = {
    (domain, op_type): importer
    for domain, families in DOMAINS.items()
    for family in families
    for op_type, importer in family.items()
}
"""(domain, operation) to importer; the default domain is the empty one."""


def table_with(added: Mapping[tuple[str, str], Importer]) -> Mapping[tuple[str, str], Importer]:
    """The table and the importers of plugins; `PluginError` when one of these is there already."""
    for domain, op_type in added.keys() & IMPORTERS.keys():
        name = f"{domain}.{op_type}" if domain else op_type
        raise PluginError(f"the ONNX operation '{name}' has an importer already")
    return {**IMPORTERS, **added}
