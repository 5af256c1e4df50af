"""The pages under docs/ say what is so: code is that of the example or runs, commands print what is shown.

A page is read from top to bottom as one session in one folder.  An `mlir` or `text` block shows lines of what
the command above it printed, in order; `...` stands for anything.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "custom_pass"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")
SESSIONS = ("architecture", "security", "writing_a_pass")
"""Pages whose blocks are run."""
INSTALL = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", "site"]


@dataclass
class Session:
    """The folder and environment of a reader, and the output of the last command."""

    folder: Path
    output: str = ""

    def python(self, text: str) -> None:
        """Code of the example stands there word for word; other code runs."""
        if not any(text in path.read_text() for path in EXAMPLE.glob("*.py")):
            self.output = self._run([sys.executable, "-c", text])

    def sh(self, text: str) -> None:
        """Run each line; `pip install .` installs into the session's folder, where Python finds it."""
        for line in text.splitlines():
            words = line.partition("#")[0].split()
            if words[:2] == ["pip", "install"]:
                words = [sys.executable, "-m", *INSTALL, *words[2:]]
            self.output = self._run(
                [shutil.which(words[0], path=Path(sys.executable).parent) or words[0], *words[1:]]
            )

    def toml(self, text: str) -> None:
        """Tables stand in the example's pyproject.toml."""
        told = (self.folder / "pyproject.toml").read_text()
        assert all(line in told for line in text.splitlines())

    def mlir(self, text: str) -> None:
        """Lines stand in the output, in this order."""
        rest = self.output
        for line in filter(None, map(str.strip, text.splitlines())):
            found = re.search(".*?".join(map(re.escape, re.split(r"\s*\.\.\.\s*", line))), rest)
            assert found is not None, f"{line}\nis not in what is left of\n{self.output}"
            rest = rest[found.end() :]

    def text(self, text: str) -> None:
        """Lines stand in the output, in this order; the page may break them."""
        self.mlir(text)

    def _run(self, command: list[str]) -> str:
        search = os.pathsep.join([str(self.folder / "site"), str(self.folder)])
        result = subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": search, "COLUMNS": "200"},
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """The languages and texts of a page's code blocks."""
    return ((match[1], match[2]) for match in BLOCK.finditer(page.read_text()))


@pytest.mark.parametrize("name", SESSIONS)
def test_page_is_true(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "desk", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    session = Session(folder)
    for language, text in blocks(ROOT / "docs" / f"{name}.md"):
        getattr(session, language)(text)


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")], ids=lambda p: p.stem)
def test_links_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
