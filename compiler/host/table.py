"""The one table of host functions: the name that an operation `graph.host` gives, and what it does."""

from penstock.host.arrays import HostFunction
from penstock.host.images import IMAGES
from penstock.host.labels import LABELS
from penstock.host.movement import MOVEMENT
from penstock.host.numbers import NUMBERS
from penstock.host.patterns import PATTERNS
from penstock.host.strings import STRINGS

FUNCTIONS: dict[str, HostFunction] = {**STRINGS, **PATTERNS, **NUMBERS, **LABELS, **IMAGES, **MOVEMENT}
