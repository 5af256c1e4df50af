"""Code that misbehaves: run in a child, it is told what it did, and nothing else is harmed."""

import numpy as np
import pytest

from penstock.backends.llvm import Image, compile_text, link
from penstock.backends.llvm.guarded import run_guarded
from penstock.backends.targets import host


def image_of(body: str) -> Image:
    """A function `f` of a pointer to four singles and another to four."""
    return link([compile_text(f"define void @f(ptr %x, ptr %y) {{\n{body}\n}}", host()).object])


def store_at(offset: int) -> Image:
    """Code that writes one number at a position counted from its second argument."""
    return image_of(
        f"""%p = getelementptr i8, ptr %y, i64 {offset}
        store float 7.0, ptr %p, align 1
        ret void"""
    )


def arguments() -> list[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    return [np.arange(4, dtype=np.float32), np.full(4, np.nan, np.float32)]


def test_results_come_back_and_arguments_stay() -> None:
    given = arguments()
    outcome = run_guarded(store_at(4), "f", given)
    assert outcome.problem is None
    np.testing.assert_array_equal(outcome.arrays[1], np.array([np.nan, 7, np.nan, np.nan], np.float32))
    assert np.isnan(given[1]).all()


@pytest.mark.parametrize("offset, distance", [(16, 1), (-4, 4), (500, 485)])
def test_write_outside_is_found(offset: int, distance: int) -> None:
    problem = run_guarded(store_at(offset), "f", arguments()).problem
    assert problem == f"the code wrote {distance} bytes outside of its argument 1"


@pytest.mark.parametrize("offset", [3, 4])
def test_guards_begin_with_the_byte_behind_an_argument(offset: int) -> None:
    image = image_of(f"%p = getelementptr i8, ptr %x, i64 {offset}\nstore i8 7, ptr %p\nret void")
    problem = run_guarded(image, "f", [np.zeros(3, np.int8), np.zeros(1, np.int8)]).problem
    assert problem == f"the code wrote {offset - 2} bytes outside of its argument 0"


def test_what_lies_outside_is_not_a_number() -> None:
    image = image_of(
        """%p = getelementptr float, ptr %x, i64 4
        %v = load float, ptr %p
        store float %v, ptr %y
        ret void"""
    )
    given = [np.zeros(4, np.float32), np.zeros(4, np.float32)]
    assert np.isnan(run_guarded(image, "f", given).arrays[1][0])


def test_crash_is_an_outcome() -> None:
    crash = image_of("store volatile float 7.0, ptr inttoptr (i64 64 to ptr)\nret void")
    assert run_guarded(crash, "f", arguments()).problem == "the code crashed: Segmentation fault"


def test_endless_loop_is_an_outcome() -> None:
    endless = image_of("br label %again\nagain:\nstore volatile float 7.0, ptr %y\nbr label %again")
    problem = run_guarded(endless, "f", arguments(), seconds=0.2).problem
    assert problem == "the code did not end within 0.2 seconds"


def test_no_arguments_and_empty_ones() -> None:
    image = image_of("ret void")
    outcome = run_guarded(image, "f", [np.zeros((0, 3), np.float32), np.array(2.5, np.float64)])
    assert outcome.problem is None
    assert outcome.arrays[0].shape == (0, 3) and outcome.arrays[1] == 2.5
