"""The folder that a mutant lies in, among files that it may try to reach."""

import os
from pathlib import Path


class Yard:
    """The folder of the mutants of one process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "inner").mkdir(parents=True)
        (root / "weights.bin").write_bytes(bytes(8192))
        (root / "inner" / "weights.bin").write_bytes(bytes(64))
        os.mkfifo(root / "pipe")
        (root / "link").symlink_to("/etc/passwd")
        (root / "outside").symlink_to("/etc")
        (root / "loop").symlink_to("loop")
        self.model = root / "model.onnx"
        self.model.touch()
        self._files = self.listing()

    def listing(self) -> list[str]:
        """All that lies in the folder."""
        return sorted(entry.name for entry in os.scandir(self.root))

    def strangers(self) -> list[str]:
        """Files that were not there in the beginning, or are gone."""
        return sorted(set(self.listing()).symmetric_difference(self._files))
