"""Every bad model is refused by one clear error of ours: node or file, cause and remedy, and nothing is written."""

from pathlib import Path

import pytest

from penstock.errors import PenstockError, UnsupportedError
from penstock.onnx_import import import_model
from tests.errors.bad_models import CASES, Case

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


def test_corpus_is_large() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 45
