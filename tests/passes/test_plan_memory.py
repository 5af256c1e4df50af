"""Memory plans: always valid, near the bound, equal on each run; and a checker that finds planted faults."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func, FuncOp
from xdsl.dialects.memref import MemRef
from xdsl.dialects.scf import Scf
from xdsl.parser import Parser
from xdsl.utils.exceptions import PassFailedException

from penstock.backends.check_plan import check_plan, check_plan_against_module
from penstock.backends.loops_interpreter import run_loops
from penstock.dialects.arith_ext import ARITH
from penstock.dialects.memory_certificate import MEMORY_PLAN, read_certificate
from penstock.dialects.memory_plan import Interval, Placement, Plan, fullest, round_up
from penstock.passes.memory.placement import plan_intervals
from penstock.passes.memory.search import improve, place_again
from penstock.passes.memory.space import Space
from penstock.passes.plan_memory import PlanMemoryPass

INTERVALS = st.lists(
    st.tuples(
        st.integers(0, 30), st.integers(0, 12), st.integers(0, 5000), st.sampled_from([64, 64, 64, 256])
    ),
    max_size=40,
).map(
    lambda rows: [
        Interval(f"v{i}", first, first + length, size, alignment)
        for i, (first, length, size, alignment) in enumerate(rows)
    ]
)


def context() -> Context:
    made = Context()
    for dialect in (Builtin, Func, ARITH, MemRef, Scf):
        made.load_dialect(dialect)
    return made


def parse(text: str) -> ModuleOp:
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


def planned(text: str) -> ModuleOp:
    """The module after the pass and a trip through text."""
    module = parse(text)
    PlanMemoryPass().apply(context(), module)
    module.verify()
    return parse(str(module))


@given(INTERVALS)
def test_any_plan_is_valid_and_between_the_bounds(intervals: Sequence[Interval]) -> None:
    plan = plan_intervals(intervals)
    assert check_plan(plan) == []
    assert [placement.interval for placement in plan.placements] == list(intervals)
    assert plan.bound <= plan.arena <= sum(round_up(each.size, each.alignment) for each in intervals)
    assert plan == plan_intervals(intervals)


@given(INTERVALS)
def test_no_two_values_that_meet_share_a_byte(intervals: Sequence[Interval]) -> None:
    plan = plan_intervals(intervals)
    owners: dict[tuple[int, int], str] = {}
    for placement in plan.placements:
        for step in range(placement.interval.first, placement.interval.last + 1):
            for block in range(placement.offset // 64, -(-placement.end // 64)):
                assert owners.setdefault((step, block), placement.interval.name) == placement.interval.name


@given(INTERVALS.filter(lambda intervals: len(intervals) <= 5))
def test_few_values_get_the_best_plan_of_all_orders(intervals: Sequence[Interval]) -> None:
    space = Space.of(intervals)
    orders = permutations(range(len(intervals)))
    assert plan_intervals(intervals).arena == min(space.arena(space.place(order)) for order in orders)


def chain(length: int, skips: int, seed: int) -> list[Interval]:
    """A network: each layer's result lives till the next layer, some until a later one."""
    rng = Random(seed)
    late = {rng.randrange(length): rng.randrange(2, 12) for _ in range(skips)}
    sizes = [64 * rng.choice([12, 25, 49, 98, 196, 392]) for _ in range(length)]
    return [Interval(f"v{i}", i, i + late.get(i, 1), size) for i, size in enumerate(sizes)]


@pytest.mark.parametrize("seed", range(5))
def test_networks_come_near_the_bound(seed: int) -> None:
    plan = plan_intervals(chain(400, 80, seed))
    assert plan.arena <= 1.05 * plan.bound


@given(INTERVALS.filter(bool), st.data())
def test_a_change_of_the_order_is_followed(intervals: list[Interval], data: st.DataObject) -> None:
    space = Space.of(intervals)
    before = data.draw(st.permutations(range(len(intervals))))
    last = data.draw(st.integers(0, len(intervals) - 1))
    first = data.draw(st.integers(0, last))
    earlier = [*before[:first], before[last], *before[first:last], *before[last + 1 :]]
    later = [*before[:first], *before[first + 1 : last + 1], before[first], *before[last + 1 :]]
    for after in (earlier, later):
        assert place_again(space, after, space.place(before), first, last)[0] == space.place(after)


def test_moves_improve_an_order() -> None:
    intervals = chain(60, 20, 0)
    space, order = Space.of(intervals), list(range(60))
    start = space.place(order)
    bound = fullest(intervals)
    improved = improve(space, order, start, bound)
    placements = tuple(Placement(*each) for each in zip(intervals, improved, strict=True))
    assert bound <= space.arena(improved) < space.arena(start)
    assert check_plan(Plan(placements, space.arena(improved), bound)) == []


RESIDUALS = [
    *[(0, 1, 16), (1, 7, 4), (4, 5, 4), (2, 3, 9), (3, 4, 9), (7, 13, 4), (5, 6, 9), (6, 7, 9)],
    *[(10, 11, 4), (8, 9, 9), (9, 10, 9), (13, 15, 4), (11, 12, 9), (12, 13, 9), (14, 16, 2)],
]
"""First and last step and size: residual blocks whose convolutions lie between larger transforms."""


def test_gaps_fit_what_comes_later() -> None:
    """The bound is reached only with a value in the middle that a greedy order puts at the bottom."""
    plan = plan_intervals([Interval(f"v{i}", a, b, 64 * size) for i, (a, b, size) in enumerate(RESIDUALS)])
    assert plan.arena == plan.bound == 64 * 22


def test_a_value_between_two_others_is_not_forgotten() -> None:
    a, b, c = Interval("a", 0, 2, 64), Interval("b", 2, 4, 64), Interval("c", 4, 5, 64)
    plan = plan_intervals([a, b, c])
    offsets = [placement.offset for placement in plan.placements]
    assert plan.arena == plan.bound == 128 and offsets[0] == offsets[2] != offsets[1]


GOOD = Plan(
    (
        Placement(Interval("a", 0, 2, 100), 0),
        Placement(Interval("b", 1, 3, 64), 128),
        Placement(Interval("c", 3, 4, 128), 0),
    ),
    192,
    192,
)


def with_placement(index: int, placement: Placement) -> Plan:
    placements = list(GOOD.placements)
    placements[index] = placement
    return replace(GOOD, placements=tuple(placements))


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        (
            with_placement(1, Placement(Interval("b", 1, 3, 64), 64)),
            "'a' and 'b' share bytes while both live at",
        ),
        (
            with_placement(0, Placement(Interval("a", 0, 3, 100), 0)),
            "'a' and 'c' share bytes while both live at step 3",
        ),
        (with_placement(2, Placement(Interval("c", 3, 4, 129), 0)), "'b' and 'c' share bytes"),
        (
            with_placement(1, Placement(Interval("b", 1, 3, 65), 128)),
            "'b' at 128 with 65 bytes is outside 192",
        ),
        (with_placement(1, Placement(Interval("b", 1, 3, 64), 130)), "'b' at 130 is not aligned to 64 bytes"),
        (with_placement(1, Placement(Interval("b", 1, 3, 64, 256), 128)), "not aligned to 256"),
        (with_placement(1, Placement(Interval("b", 1, 3, 64), -64)), "'b' at -64 with 64 bytes is outside"),
        (with_placement(1, Placement(Interval("b", 3, 1, 64), 128)), "'b' lives from 3 to 1"),
        (replace(GOOD, arena=128), "outside 128 bytes"),
        (replace(GOOD, bound=128), "says that 128 bytes are the least possible; they are 192"),
    ],
)
def test_the_checker_finds_a_planted_fault(plan: Plan, problem: str) -> None:
    assert check_plan(GOOD) == []
    assert any(problem in found for found in check_plan(plan)), check_plan(plan)


@given(INTERVALS.filter(lambda intervals: len(intervals) >= 2), st.data())
def test_the_checker_finds_every_overlap(intervals: list[Interval], data: st.DataObject) -> None:
    offsets = data.draw(st.lists(st.integers(0, 40), min_size=len(intervals), max_size=len(intervals)))
    placements = [Placement(each, 256 * at) for each, at in zip(intervals, offsets, strict=True)]
    overlap = any(
        a.interval.meets(b.interval) and max(a.offset, b.offset) < min(a.end, b.end)
        for i, a in enumerate(placements)
        for b in placements[:i]
    )
    found = check_plan(Plan(tuple(placements), 1 << 20, plan_intervals(intervals).bound))
    assert bool(found) == overlap


KERNEL = """
func.func @add(%a: memref<16xf32>, %b: memref<16xf32>, %y: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  scf.for %i = %c0 to %c16 step %c1 {
    %p = memref.load %a[%i] : memref<16xf32>
    %q = memref.load %b[%i] : memref<16xf32>
    %r = arith.addf %p, %q : f32
    memref.store %r, %y[%i] : memref<16xf32>
  }
  func.return
}
"""
TYPES = "(memref<16xf32>, memref<16xf32>, memref<16xf32>) -> ()"


def network(calls: Sequence[tuple[str, str, str]], values: Sequence[str]) -> str:
    """A main of calls of @add on allocated buffers, %x and %y."""
    allocations = "".join(f"  %{value} = memref.alloc() : memref<16xf32>\n" for value in values)
    body = "".join(f"  func.call @add(%{a}, %{b}, %{y}) : {TYPES}\n" for a, b, y in calls)
    head = "func.func @main(%x: memref<16xf32>, %y: memref<16xf32>) {\n"
    return KERNEL + head + allocations + body + "  func.return\n}\n"


RESIDUAL = network(
    [("x", "x", "a"), ("a", "a", "b"), ("b", "b", "c"), ("c", "a", "d"), ("d", "c", "e"), ("e", "d", "y")],
    ["a", "b", "c", "d", "e", "unused"],
)


def arena_bytes(module: ModuleOp) -> int:
    (main,) = (op for op in module.walk() if isinstance(op, FuncOp) and op.sym_name.data == "main")
    return read_certificate(main.attributes[MEMORY_PLAN]).plan.arena


def run_main(module: ModuleOp, *extra: NDArray[np.int8]) -> NDArray[np.float32]:
    x, y = np.arange(16, dtype=np.float32), np.zeros(16, np.float32)
    run_loops(module, "main", [x, y, *extra])
    return y


def test_the_module_means_the_same_and_proves_its_plan() -> None:
    module = planned(RESIDUAL)
    assert check_plan_against_module(module) == []
    assert arena_bytes(module) == 3 * 64
    before = run_main(parse(RESIDUAL))
    # Leftovers of another run must not matter.
    assert run_main(module, np.full(192, 85, np.int8)).tolist() == before.tolist()


def test_the_pass_runs_once() -> None:
    module = planned(RESIDUAL)
    text = str(module)
    PlanMemoryPass().apply(context(), module)
    assert str(module) == text


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("%b = memref.view %arena[%c64]", "%b = memref.view %arena[%c0]", "share bytes while both live"),
        ("memref<192xi8>", "memref<128xi8>", "outside 128 bytes"),
        ("func.call @add(%c, %a, %d)", "func.call @add(%c, %b, %d)", "'b' is claimed at"),
        ("arena = 192", "arena = 256", "claims an arena of 256 bytes"),
        ("bound = 192", "bound = 128", "least possible"),
        ("argument = 2", "argument = 7", "no argument 7"),
        ("steps = array<i64: 0, 3>", "steps = array<i64: 0, 2>", "'a' is claimed at"),
        ("steps = array<i64: 0, 3>", "steps = array<i64: 0>", "two numbers as steps"),
        ('name = "a"', "name = 3", "a string as name"),
        ("bound = 192 : i64", 'bound = "much"', "a number as bound"),
        ("values = [", "valuables = [", "array of dictionaries as values"),
    ],
)
def test_a_tampered_module_is_found_out(right: str, wrong: str, problem: str) -> None:
    text = str(planned(RESIDUAL))
    assert right in text
    found = check_plan_against_module(parse(text.replace(right, wrong)))
    assert any(problem in each for each in found), found


def test_a_module_without_a_plan_is_found_out() -> None:
    assert check_plan_against_module(parse(RESIDUAL)) == [f"@main has no {MEMORY_PLAN}"]
    assert check_plan_against_module(parse(KERNEL)) == ["the module has no function @main"]


def test_a_value_lives_as_long_as_its_views() -> None:
    text = network([("a", "a", "b"), ("b", "b", "c"), ("c", "v", "y")], ["a", "b", "c"])
    view = (
        "  %m = memref.expand_shape %a [[0, 1]] output_shape [4, 4] : memref<16xf32> into memref<4x4xf32>\n"
    )
    back = "  %v = memref.collapse_shape %m [[0, 1]] : memref<4x4xf32> into memref<16xf32>\n"
    module = planned(text.replace("  func.call", view + back + "  func.call", 1))
    assert check_plan_against_module(module) == []
    assert '{name = "a", steps = array<i64: 0, 2>' in str(module)


def test_a_wider_alignment_is_kept_and_checked() -> None:
    text = network([("x", "x", "a"), ("a", "x", "b"), ("a", "b", "y")], ["a", "b"])
    module = planned(text.replace("%b = memref.alloc()", "%b = memref.alloc() {alignment = 256 : i64}"))
    assert "{alignment = 256 : i64}" in str(module) and check_plan_against_module(module) == []
    moved = str(module).replace("%b = memref.view %arena[%c0]", "%b = memref.view %arena[%c64]")
    assert any("not aligned to 256" in each for each in check_plan_against_module(parse(moved)))


def test_attributes_of_arguments_keep_their_places() -> None:
    text = RESIDUAL.replace("%x: memref<16xf32>, %y", "%x: memref<16xf32> {llvm.noalias}, %y")
    assert "%arena: memref<192xi8>)" in str(planned(text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (KERNEL, "no function @main"),
        (
            "func.func @main() -> memref<4xf32> {\n %a = memref.alloc() : memref<4xf32>\n"
            " func.return %a : memref<4xf32>\n}",
            "cannot be planned past 'func.return'",
        ),
        (
            "func.func @main(%n: index) {\n %a = memref.alloc(%n) : memref<?xf32>\n"
            " func.call @k(%a) : (memref<?xf32>) -> ()\n func.return\n}\n"
            "func.func private @k(memref<?xf32>) -> ()",
            "no static shape and identity layout",
        ),
        (
            "func.func @main(%i: index) {\n %a = memref.alloc() : memref<4xf32>\n"
            " scf.for %j = %i to %i step %i {\n %b = memref.alloc() : memref<4xf32>\n"
            " %v = memref.load %b[%j] : memref<4xf32>\n }\n func.return\n}",
            "is allocated inside",
        ),
        (
            "func.func @main() {\n %a = memref.alloc() : memref<4xf32>\n memref.dealloc %a : memref<4xf32>\n"
            " func.return\n}",
            "cannot be planned past 'memref.dealloc'",
        ),
    ],
)
def test_what_cannot_be_planned_is_refused(text: str, problem: str) -> None:
    with pytest.raises(PassFailedException, match=problem):
        planned(text)
