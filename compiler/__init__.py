"""Penstock compiles neural networks to native code: this module is the public door, all else is behind it."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.api import compile
    from penstock.files import load
    from penstock.limits import limited
    from penstock.model import CompiledModel
    from penstock.staged_model import StagedModel
    from penstock.tuning import tune

__version__ = "0.1.0"
HOMES = {
    "CompiledModel": "penstock.model",
    "StagedModel": "penstock.staged_model",
    "compile": "penstock.api",
    "limited": "penstock.limits",
    "load": "penstock.files",
    "tune": "penstock.tuning",
}
__all__ = ["CompiledModel", "StagedModel", "__version__", "compile", "limited", "load", "tune"]


def __getattr__(name: str) -> object:
    """Import a module only when one of its names is asked for, so that `import penstock` stays instant."""
    if name not in __all__:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
