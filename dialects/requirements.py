"""What must hold of the sizes of a call, as text: `n <= 512`, `a == b`, `a == b or a == 1`."""

from collections.abc import Iterable, Mapping

from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import Extent, is_at_least, number, symbols_of

AT_MOST, EQUAL, OR = "<=", "==", " or "


def at_most(a: Extent, b: Extent) -> str | None:
    """The requirement that a size is not greater than another; `None` where that is sure."""
    room = b - a
    if isinstance(room, int) or is_at_least(room, 0):
        return None if is_at_least(room, 0) else f"{a} <= {b}"
    return f"{room.constant - room} <= {room.constant}"


def equal(a: Extent, b: Extent) -> str | None:
    """The requirement that two sizes are equal; `None` where that is sure."""
    return None if a == b else f"{a} == {b}"


def repeats(a: Extent, b: Extent) -> str | None:
    """The requirement that a dim of size `a` can be repeated to `b`; `None` where that is sure."""
    return None if a in (b, 1) else f"{a} == {b} or {a} == 1"


def unless(requirement: str, excuses: Iterable[str]) -> str:
    """A requirement that need not hold where one of others does."""
    return OR.join([requirement, *excuses])


def holds(requirement: str, sizes: Mapping[str, int]) -> bool:
    """Whether a requirement holds in a call of these sizes."""
    return any(_holds(each, sizes) for each in alternatives(requirement))


def alternatives(requirement: str) -> list[str]:
    """The requirements one of which must hold."""
    return requirement.split(OR)


def _holds(requirement: str, sizes: Mapping[str, int]) -> bool:
    try:
        left, right = (number(size, sizes) for size in sides(requirement))
    except ZeroDivisionError:
        # What is divided by nothing is no size.
        return False
    return left <= right if sign_of(requirement) == AT_MOST else left == right


def symbols_of_requirement(requirement: str) -> set[str]:
    """The symbols that a requirement is about."""
    return set(symbols_of(*(size for each in alternatives(requirement) for size in sides(each))))


def sides(requirement: str) -> list[Extent]:
    """What stands to the left and to the right of the sign."""
    return [parse_size(part) for part in requirement.split(sign_of(requirement))]


def sign_of(requirement: str) -> str:
    """The sign between the sides."""
    return AT_MOST if AT_MOST in requirement else EQUAL
