"""Importers of the operations on strings, and of casts from and to strings: operations of the host."""

from collections.abc import Mapping

from xdsl.dialects.builtin import ArrayAttr, StringAttr, f64, i1, i64
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import STRING, is_integer, is_unsigned, numpy_dtype, unsigned
from penstock.dialects.graph.base import element_of, integer
from penstock.dialects.graph.elementwise import CastOp
from penstock.dialects.texts import text_attr
from penstock.errors import HostError
from penstock.host.patterns import compiled
from penstock.host.strings import CASES, NONE
from penstock.onnx_import.axes import require
from penstock.onnx_import.broadcasting import operand_pair
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported

OTHER_CASES = ("az", "lt", "tr")
"""Languages in which letters have another case than in all others."""


def import_string_concat(node: Node, build: Builder) -> list[SSAValue]:
    """StringConcat: broadcasting like arithmetic."""
    return build.host("StringConcat", operand_pair(node, build))


def import_string_split(node: Node, build: Builder) -> list[SSAValue]:
    """StringSplit: how many parts there are at most, the values decide."""
    options: dict[str, Attribute] = {"delimiter": text_attr(node.string("delimiter", ""))}
    if node.has("maxsplit"):
        options["maxsplit"] = integer(node.int("maxsplit"))
    return build.host("StringSplit", [node.input(0)], options, sizes=["parts"], results=2)


def import_string_normalizer(node: Node, build: Builder) -> list[SSAValue]:
    """StringNormalizer: where there are stop words, the values decide how many strings are left."""
    action, locale = node.string("case_change_action", NONE), node.string("locale", "en_US")
    require(node, action in CASES, f"the case is {action!r}, it must be one of {', '.join(CASES)}")
    if locale[:2] in OTHER_CASES:
        raise Unsupported(f"upper and lower case of the locale {locale!r}", "Change the case before.")
    stopwords = node.strings("stopwords", ())
    options: dict[str, Attribute] = {"case": StringAttr(action)}
    if stopwords:
        options["is_case_sensitive"] = integer(node.int("is_case_sensitive", 0))
        options["stopwords"] = ArrayAttr(map(text_attr, stopwords))
    sizes = ["words"] if stopwords else []
    return build.host("StringNormalizer", [node.input(0)], options, sizes=sizes)


def import_regex_full_match(node: Node, build: Builder) -> list[SSAValue]:
    """RegexFullMatch: the pattern is looked at now, so that a wrong one is an error of the model."""
    pattern = node.string("pattern")
    try:
        compiled(pattern)
    except HostError as error:
        raise Unsupported(error.message, error.remedy or "") from error
    return build.host("RegexFullMatch", [node.input(0)], {"pattern": text_attr(pattern)})


def cast_text(build: Builder, x: SSAValue, properties: Mapping[str, Attribute]) -> SSAValue:
    """A cast from or to strings, with the properties of `graph.cast`.

    Reading gives the widest number of its kind, which is then cast like any other.
    """
    to = properties["to"]
    if to == STRING:
        return build.host("ToText", [x])[0]
    if to == i1 or not is_integer(to):
        widest = f64
    else:
        widest = unsigned(64) if is_unsigned(to) else i64
    option = {"to": StringAttr(numpy_dtype(widest).name)}
    (read,) = build.host("ToNumber", [x], option)
    return read if element_of(read) == to else build.op(CastOp, [read], properties)


STRINGS: Family = {
    "RegexFullMatch": import_regex_full_match,
    "StringConcat": import_string_concat,
    "StringNormalizer": import_string_normalizer,
    "StringSplit": import_string_split,
}
