"""Texts that are equal where operations differ in nothing but the names of their values."""

import pytest
from xdsl.context import Context
from xdsl.dialects import arith, builtin, cf, func, test
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from penstock.passes.canonical_text import CanonicalText


def parsed(text: str) -> ModuleOp:
    ctx = Context()
    for dialect in (arith.Arith, builtin.Builtin, cf.Cf, func.Func, test.Test):
        ctx.load_dialect(dialect)
    return Parser(ctx, text).parse_module()


FUNCTION = """
func.func @f(%a: f32, %b: f32) -> f32 {
  %c = arith.constant 0.0 : f32
  %d = arith.addf %a, %c : f32
  cf.br ^next(%d : f32)
^next(%e: f32):
  %g = arith.mulf %e, %b : f32
  func.return %g : f32
}
"""


def test_names_of_values_and_blocks_are_no_part_of_it() -> None:
    renamed = FUNCTION
    for old, new in (("%a", "%x"), ("%d", "%sum"), ("^next", "^then"), ("%e", "%argument")):
        renamed = renamed.replace(old, new)
    assert renamed != FUNCTION
    texts = CanonicalText()
    assert texts.of(parsed(FUNCTION)) == texts.of(parsed(renamed))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("arith.addf %a, %c", "arith.addf %b, %c"),
        ("arith.addf %a, %c", "arith.addf %c, %a"),
        ("arith.addf %a, %c : f32", "arith.addf %a, %c fastmath<reassoc> : f32"),
        ("arith.mulf", "arith.addf"),
        ("0.0 : f32", "-0.0 : f32"),
        ("0.0 : f32", "1.0e-30 : f32"),
        ("@f", "@g"),
        ("f32", "f64"),
        ("cf.br ^next(%d : f32)", "cf.br ^next(%c : f32)"),
        ("func.return %g : f32", 'func.return {"note" = 1 : i32} %g : f32'),
        ("  %c = arith.constant 0.0 : f32\n", '  %c = arith.constant {"note"} 0.0 : f32\n'),
    ],
)
def test_all_else_is(old: str, new: str) -> None:
    assert old in FUNCTION
    texts = CanonicalText()
    changed = FUNCTION.replace(old, new)
    assert texts.of(parsed(FUNCTION)) != texts.of(parsed(changed))


def test_values_from_outside_stand_for_any_of_their_type() -> None:
    module = parsed(
        """
        %a, %b, %i = "test.op"() : () -> (f32, f32, i32)
        "test.op"(%a, %b) : (f32, f32) -> ()
        "test.op"(%b, %a) : (f32, f32) -> ()
        "test.op"(%a, %a) : (f32, f32) -> ()
        "test.op"(%a, %i) : (f32, i32) -> ()
        """
    )
    _, first, other_way, twice, another_type = map(CanonicalText().of, module.ops)
    assert first == other_way
    assert len({first, twice, another_type}) == 3


def test_regions_are_where_they_are() -> None:
    module = parsed(
        """
        "test.op"() ({ "test.op"() : () -> () }, { "test.op"() : () -> () "test.op"() : () -> () }) : () -> ()
        "test.op"() ({ "test.op"() : () -> () "test.op"() : () -> () }, { "test.op"() : () -> () }) : () -> ()
        "test.op"() ({ "test.op"() ({ "test.op"() : () -> () }, { }) : () -> () }) : () -> ()
        """
    )
    assert len(set(map(CanonicalText().of, module.ops))) == 3


def test_attributes_of_the_operation_itself_may_be_left_out() -> None:
    module = parsed(
        """
        "test.op"() ({ "test.op"() {inner = 1 : i32} : () -> () }) {nodes = ["a"]} : () -> ()
        "test.op"() ({ "test.op"() {inner = 1 : i32} : () -> () }) {nodes = ["b"]} : () -> ()
        "test.op"() ({ "test.op"() {inner = 2 : i32} : () -> () }) {nodes = ["a"]} : () -> ()
        """
    )
    texts = CanonicalText()
    assert len(set(map(texts.of, module.ops))) == 3
    first, second, third = map(texts.unattributed, module.ops)
    assert first == second != third
