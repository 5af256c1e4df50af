"""`--dump-dir`: what every pass left, as one numbered file each, and every kernel from nest to assembly.

007-fuse-consumers.mlir      the functions that the pass changed
kernels/k0_conv1/1-nest.mlir 2-loops.mlir 3-llvm.mlir 4.ll 5.s
"""

from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.descent import Descent
from penstock.listing import function_texts, module_text
from penstock.watching import Watcher

KERNEL_FILES = {
    "schedule": "1-nest.mlir",
    "loops": "2-loops.mlir",
    "llvm": "3-llvm.mlir",
    "ll": "4.ll",
    "asm": "5.s",
}


class Dump(Watcher):
    """Writes what each pass on the whole module leaves; `write_kernel` writes what becomes of functions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0
        self._known: dict[str, str] | None = None
        self._is_whole = True
        folder.mkdir(parents=True, exist_ok=True)

    def started(self, module: ModuleOp) -> None:
        """The first module is the whole one."""
        self._is_whole = self._known is None
        if self._known is None:
            self._write("import", module)

    def passed(self, phase: str, each: ModulePass, module: ModuleOp, seconds: float) -> None:
        """Write the functions that differ from what the pass before left."""
        if self._is_whole:
            self._write(each.name, module)

    def _write(self, name: str, module: ModuleOp) -> None:
        text = module_text(module, self._known)
        (self._folder / f"{self._written:03}-{name}.mlir").write_text(text + "\n", encoding="utf-8")
        self._known = function_texts(module)
        self._written += 1


def write_kernel(folder: Path, part: Descent) -> None:
    """Write one function, a file for each level."""
    place = folder / "kernels" / part.name
    place.mkdir(parents=True, exist_ok=True)
    for level, name in KERNEL_FILES.items():
        (place / name).write_text(part.texts[level].rstrip() + "\n", encoding="utf-8")
