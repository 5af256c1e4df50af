"""Compiled models as files: an artefact becomes a model again, a package becomes what a suffix says.

Loading and running import neither the compiler nor LLVM.
"""

from pathlib import Path

from penstock.artefact import read, save
from penstock.errors import PenstockError, TargetError
from penstock.model import CompiledModel
from penstock.package import Package
from penstock.staged_model import runnable
from penstock.staged_package import StagedPackage


def load(path: str | Path, *, verify: bool = False) -> CompiledModel:
    """Load an artefact written by `CompiledModel.save`; the weights stay on disk until they are read.

    With `verify` they are read now and compared with their digest, as header and code are in any case.
    """
    path = Path(path)
    try:
        return runnable(read(path, verify=verify))
    except PenstockError as error:
        error.file = error.file or str(path)
        raise


def write_package(package: Package, path: Path) -> list[Path]:
    """Write what the suffix says, for any target; the files written."""
    if path.suffix == ".penstock":
        save(package, path)
        return [path]
    if isinstance(package, StagedPackage) and package.host_functions:
        told = ", ".join(package.host_functions)
        raise TargetError(
            f"the model has host operations, which Python runs ({told}): no {path.suffix} can be made",
            remedy="Write a .penstock, or compute them outside of the model.",
        )
    if isinstance(package, StagedPackage):
        raise TargetError(
            f"values of a run decide sizes in the model, so it runs in stages: no {path.suffix} can be made",
            remedy="Write a .penstock, or make the inputs that decide sizes constant.",
        )
    from penstock.objects import write_object

    return write_object(package, path)
