"""Every bad model is refused by one clear error of ours, on the command line too, and nothing is written."""

from functools import partial
from pathlib import Path

import pytest

from penstock.cli import cli
from penstock.crash import guarded
from penstock.errors import PenstockError, UnsupportedError
from penstock.onnx_import import import_model
from tests.errors import bad_files, bad_graphs, bad_nodes
from tests.errors.kit import Case

CASES = [*bad_files.CORPUS.cases, *bad_graphs.CORPUS.cases, *bad_nodes.CORPUS.cases]

ONE_EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def files(folder: Path) -> list[str]:
    """All that lies in a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@ONE_EACH
def test_refused_with_cause_and_remedy(case: Case, tmp_path: Path) -> None:
    path = case.make(tmp_path)
    before = files(tmp_path)
    with pytest.raises(PenstockError) as caught:
        import_model(path, shapes=case.shapes, dims=case.dims)
    error, text = caught.value, str(caught.value)
    assert type(error) is case.error
    assert error.file == str(path) and text.startswith(str(path))
    assert not [word for word in case.words if word not in text], text
    remedies = [p.remedy for p in error.problems] if isinstance(error, UnsupportedError) else [error.remedy]
    assert all(remedies)
    assert files(tmp_path) == before


@ONE_EACH
def test_command_line(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = case.make(tmp_path)
    sizes = [f"--dim={name}={size}" for name, size in case.dims.items()]
    shapes = [f"--shape={name}={'x'.join(map(str, shape))}" for name, shape in case.shapes.items()]
    output = tmp_path / "out" / "model.o"
    before = files(tmp_path)
    arguments = ["compile", str(path), "-o", str(output), *sizes, *shapes]
    assert guarded(partial(cli.main, arguments, standalone_mode=False)) in (1, 2)
    shown = capsys.readouterr()
    assert shown.out == "" and "Traceback" not in shown.err and "internal error" not in shown.err
    assert str(path) in shown.err or "Invalid value" in shown.err
    assert files(tmp_path) == before


def test_corpus_is_large() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 45
