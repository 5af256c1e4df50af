"""The installed package holds what the folders hold, and importing it costs nothing."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict, cast

import penstock

ROOT = Path(__file__).parent.parent
HEAVY = ("xdsl", "onnx", "llvmlite", "numpy")

Setuptools = TypedDict("Setuptools", {"package-dir": dict[str, str], "packages": list[str]})


def declared() -> Setuptools:
    """Read the setuptools table of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text()
    return cast(Setuptools, tomllib.loads(text)["tool"]["setuptools"])


def packages_under(package: str, folder: Path) -> list[str]:
    """Name every package in a folder, as an import would spell it."""
    inits = folder.rglob("__init__.py")
    return [".".join([package, *init.parent.relative_to(folder).parts]) for init in inits]


def test_every_package_is_listed() -> None:
    setuptools = declared()
    found = [
        name for item in setuptools["package-dir"].items() for name in packages_under(item[0], ROOT / item[1])
    ]
    assert sorted(found) == sorted(setuptools["packages"])


def test_every_folder_with_code_is_a_package() -> None:
    folders = [ROOT / folder for folder in declared()["package-dir"].values()]
    bare = {file.parent for folder in folders for file in folder.rglob("*.py")}
    assert not [folder for folder in bare if not (folder / "__init__.py").exists()]


def test_the_driver_folder_shadows_no_layer() -> None:
    assert not [name for name in ("dialects", "passes", "backends") if (ROOT / "compiler" / name).exists()]


def test_version_is_stated_once() -> None:
    assert penstock.__version__ == version("penstock")


def test_import_is_light() -> None:
    code = f"import sys, penstock; print([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_unknown_names_are_refused() -> None:
    assert not hasattr(penstock, "transpile")
