"""What `make demo` shows: the picture, the right answer, every level."""

import subprocess
import sys
from pathlib import Path

from penstock.inspection import LEVELS

DEMO = Path(__file__).parent.parent / "examples" / "digits" / "demo.py"


def test_demo_tells_a_seven_and_every_level() -> None:
    done = subprocess.run([sys.executable, DEMO], capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    chances = {
        words[0]: float(words[1].rstrip("%")) for words in lines if words[1:] and words[1].endswith("%")
    }
    assert len(chances) == 10 and max(chances, key=lambda digit: chances[digit]) == "7"
    assert [words[0] for words in lines if words[0] in LEVELS] == list(LEVELS)
