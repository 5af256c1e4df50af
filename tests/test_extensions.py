"""What a caller changes of the pipeline: passes added at the end of a phase, passes left out."""

import pytest

from penstock.errors import PluginError
from penstock.extensions import extended


def names(phase: str, *wanted: str) -> list[str]:
    """The passes of a phase, changed as asked for."""
    changed = extended(passes={phase: wanted})
    return [each.name for one in changed.phases if one.name == phase for each in one.passes]


def test_a_pass_is_left_out_and_one_is_added() -> None:
    usual = names("nest")
    changed = names("nest", "-winograd", "drop-unit-loops")
    assert "winograd" in usual
    assert changed == [*(each for each in usual if each != "winograd"), "drop-unit-loops"]


def test_what_is_left_out_must_be_there() -> None:
    with pytest.raises(PluginError, match="the phase 'graph' has no pass 'winograd' to leave out"):
        extended(passes={"graph": ["-winograd"]})


def test_the_phase_must_exist() -> None:
    with pytest.raises(PluginError, match="there is no phase 'graphs'"):
        extended(passes={"graphs": ["-winograd"]})
