"""The one table of importers: which function turns which ONNX operation into graph operations."""

from penstock.onnx_import.activation import ACTIVATION
from penstock.onnx_import.arithmetic import ARITHMETIC
from penstock.onnx_import.comparison import COMPARISON
from penstock.onnx_import.control import CONTROL
from penstock.onnx_import.einsum import EINSUM
from penstock.onnx_import.family import Family, Importer
from penstock.onnx_import.indexing import INDEXING
from penstock.onnx_import.legacy import LEGACY
from penstock.onnx_import.linear import LINEAR
from penstock.onnx_import.movement import MOVEMENT
from penstock.onnx_import.normalization import NORMALIZATION
from penstock.onnx_import.pooling import POOLING
from penstock.onnx_import.reduction import REDUCTION
from penstock.onnx_import.resize import RESIZE

FAMILIES: tuple[Family, ...] = (
    ACTIVATION,
    ARITHMETIC,
    COMPARISON,
    CONTROL,
    EINSUM,
    INDEXING,
    LEGACY,
    LINEAR,
    MOVEMENT,
    NORMALIZATION,
    POOLING,
    REDUCTION,
    RESIZE,
)

IMPORTERS: dict[tuple[str, str], Importer] = {
    ("", op_type): importer for family in FAMILIES for op_type, importer in family.items()
}
"""(domain, operation) to importer; the default domain is the empty one."""
