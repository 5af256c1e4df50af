"""The memory plan as it is written on `main`: an attribute that a reader, or a checker, can take apart again.

    penstock.memory_plan = {
      arena = 4096 : i64, argument = 2 : i64, bound = 4096 : i64,
      values = [{name = "conv1", steps = array<i64: 0, 1>, place = array<i64: 0, 3136>}, ...]
    }

A function whose sizes are known only at run time has no `arena` and `bound`, and of each value the formula of
its size and the values below it: `{name = "conv1", steps = ..., size = "n*3136", below = array<i64: 0>}`.

`argument` is the arena's place among the arguments of `main`; `steps` are first and last, `place` is offset
and size.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import I64, ArrayAttr, DenseArrayBase, DictionaryAttr, IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from penstock.dialects.memory_plan import GrowingPlan, GrowingValue, Interval, Placement, Plan
from penstock.dialects.size_text import parse_size

MEMORY_PLAN = "penstock.memory_plan"


@dataclass(frozen=True)
class Certificate:
    """A plan and the argument of `main` that holds the arena."""

    plan: Plan
    argument: int


def certificate_attribute(certificate: Certificate) -> DictionaryAttr:
    """The attribute that says what the plan says."""
    plan = certificate.plan
    return DictionaryAttr(
        {
            "arena": IntegerAttr(plan.arena, i64),
            "argument": IntegerAttr(certificate.argument, i64),
            "bound": IntegerAttr(plan.bound, i64),
            "values": ArrayAttr([_value_attribute(placement) for placement in plan.placements]),
        }
    )


def read_certificate(attribute: Attribute) -> Certificate:
    """The certificate that an attribute holds; anything malformed raises `VerifyException`."""
    if not isa(attribute, DictionaryAttr):
        raise VerifyException(f"{MEMORY_PLAN} is a dictionary, not {attribute}")
    fields = attribute.data
    values = fields.get("values")
    if not isa(values, ArrayAttr[DictionaryAttr]):
        raise VerifyException(f"{MEMORY_PLAN} has an array of dictionaries as values, not {values}")
    placements = tuple(_placement(value.data) for value in values)
    return Certificate(
        Plan(placements, _number(fields, "arena"), _number(fields, "bound")), _number(fields, "argument")
    )


def argument_of(attribute: Attribute) -> int:
    """The argument of `main` that holds the arena, of a plan of either kind."""
    if not isa(attribute, DictionaryAttr):
        raise VerifyException(f"{MEMORY_PLAN} is a dictionary, not {attribute}")
    return _number(attribute.data, "argument")


def is_growing(attribute: Attribute | None) -> bool:
    """Whether a plan is one for all sizes."""
    return isa(attribute, DictionaryAttr) and "arena" not in attribute.data


def growing_attribute(plan: GrowingPlan, argument: int) -> DictionaryAttr:
    """The attribute that says what a plan for all sizes says."""
    values = [
        DictionaryAttr(
            {
                "name": StringAttr(value.name),
                "steps": DenseArrayBase.from_list(i64, [value.first, value.last]),
                "size": StringAttr(str(value.size)),
                "below": DenseArrayBase.from_list(i64, list(value.below)),
            }
        )
        for value in plan.values
    ]
    return DictionaryAttr({"argument": IntegerAttr(argument, i64), "values": ArrayAttr(values)})


def read_growing(attribute: Attribute) -> GrowingPlan:
    """The plan for all sizes that an attribute holds; anything malformed raises `VerifyException`."""
    values = attribute.data.get("values") if isa(attribute, DictionaryAttr) else None
    if not isa(values, ArrayAttr[DictionaryAttr]):
        raise VerifyException(f"{MEMORY_PLAN} has an array of dictionaries as values, not {values}")
    return GrowingPlan(tuple(_growing_value(value.data) for value in values))


def _growing_value(fields: Mapping[str, Attribute]) -> GrowingValue:
    name, size, below = fields.get("name"), fields.get("size"), fields.get("below")
    if not (
        isinstance(name, StringAttr) and isinstance(size, StringAttr) and isa(below, DenseArrayBase[I64])
    ):
        raise VerifyException(f"a value of {MEMORY_PLAN} has a name, a size and others below, not {fields}")
    first, last = _pair(fields, "steps")
    return GrowingValue(name.data, first, last, parse_size(size.data), tuple(map(int, below.get_values())))


def _value_attribute(placement: Placement) -> DictionaryAttr:
    interval = placement.interval
    return DictionaryAttr(
        {
            "name": StringAttr(interval.name),
            "steps": DenseArrayBase.from_list(i64, [interval.first, interval.last]),
            "place": DenseArrayBase.from_list(i64, [placement.offset, interval.size]),
        }
    )


def _placement(fields: Mapping[str, Attribute]) -> Placement:
    name = fields.get("name")
    if not isinstance(name, StringAttr):
        raise VerifyException(f"a value of {MEMORY_PLAN} has a string as name, not {name}")
    first, last = _pair(fields, "steps")
    offset, size = _pair(fields, "place")
    return Placement(Interval(name.data, first, last, size), offset)


def _pair(fields: Mapping[str, Attribute], key: str) -> tuple[int, int]:
    numbers = fields.get(key)
    if not isa(numbers, DenseArrayBase[I64]) or len(numbers) != 2:
        raise VerifyException(f"a value of {MEMORY_PLAN} has two numbers as {key}, not {numbers}")
    first, second = numbers.get_values()
    return first, second


def _number(fields: Mapping[str, Attribute], key: str) -> int:
    number = fields.get(key)
    if not isa(number, IntegerAttr):
        raise VerifyException(f"{MEMORY_PLAN} has a number as {key}, not {number}")
    return number.value.data
