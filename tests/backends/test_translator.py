"""The llvm dialect written as LLVM IR: names, constants, arguments, and what is refused."""

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.parser import Parser

from penstock.backends.llvm import compile_module, translate
from penstock.backends.targets import target
from penstock.dialects.llvm_ext import LLVM


def parse(text: str) -> ModuleOp:
    """A module of the llvm dialect."""
    context = Context()
    context.load_dialect(Builtin)
    context.load_dialect(LLVM)
    module = Parser(context, text).parse_module()
    module.verify()
    return module


def test_function_with_a_loop() -> None:
    text = translate(
        parse("""
        llvm.func @sum(%p: !llvm.ptr {llvm.noalias, llvm.align = 64 : i64, mine.note = 1 : i64}) {
          %zero = llvm.mlir.constant(0) : i64
          %one = llvm.mlir.constant(1) : i64
          %s = llvm.mlir.constant(-0.0 : f32) : f32
          llvm.br ^bb1(%zero, %s : i64, f32)
        ^bb1(%i: i64, %t: f32):
          %q = llvm.getelementptr inbounds %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %x = llvm.load %q {alignment = 4 : i64} : !llvm.ptr -> f32
          %u = llvm.fadd %t, %x : f32
          %j = llvm.add %i, %one overflow<nsw, nuw> : i64
          %c = llvm.icmp "slt" %j, %one : i64
          llvm.cond_br %c, ^bb1(%j, %u : i64, f32), ^bb2
        ^bb2:
          llvm.return
        }""")
    )
    assert text.splitlines() == [
        "define void @sum(ptr noalias align 64 %v0) #0 {",
        "b0:",
        "  br label %b1",
        "b1:",
        "  %v4 = phi i64 [ 0, %b0 ], [ %v9, %b1 ]",
        "  %v5 = phi float [ 0x8000000000000000, %b0 ], [ %v8, %b1 ]",
        "  %v6 = getelementptr inbounds float, ptr %v0, i64 %v4",
        "  %v7 = load float, ptr %v6, align 4",
        "  %v8 = fadd float %v5, %v7",
        "  %v9 = add nuw nsw i64 %v4, 1",
        "  %v10 = icmp slt i64 %v9, 1",
        "  br i1 %v10, label %b1, label %b2",
        "b2:",
        "  ret void",
        "}",
        "attributes #0 = { nounwind }",
    ]


@pytest.mark.parametrize(
    ("constant", "written"),
    [
        ("0.1 : f32", "0x3FB99999A0000000"),
        ("0.1 : f64", "0x3FB999999999999A"),
        ("0x7F800000 : f32", "0x7FF0000000000000"),
        ("0x7FC00000 : f32", "0x7FF8000000000000"),
        ("dense<[0.0, -0.0]> : vector<2xf32>", "<float 0x0000000000000000, float 0x8000000000000000>"),
        ("dense<3> : vector<4xi8>", "splat (i8 3)"),
        ("dense<[1, -2]> : vector<2xi64>", "<i64 1, i64 -2>"),
    ],
)
def test_constants_keep_their_bits(constant: str, written: str) -> None:
    kind = constant.split(" : ")[1]
    module = parse(f"""
        llvm.func @f(%p: !llvm.ptr) {{
          %c = llvm.mlir.constant({constant}) : {kind}
          llvm.store %c, %p : {kind}, !llvm.ptr
          llvm.return
        }}""")
    assert f" {written}, ptr %v0" in translate(module)
    assert compile_module(module, target("x86-64")).object


def test_names_of_any_kind() -> None:
    module = parse('llvm.func @"conv 1/\\22é" () { llvm.return }')
    assert '@"conv 1/\\22\\C3\\A9"()' in translate(module)
    assert 'conv 1/"é'.encode() in compile_module(module, target("x86-64")).object


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "llvm.func @f(%x: f32) { %y = llvm.fadd %x, %x {fastmathFlags = #llvm.fastmath<fast>} : f32\n"
            "llvm.return }",
            "llvm.fadd with fast-math flags",
        ),
        ("llvm.mlir.global external @g(7 : i32) : i32", "@g is not an internal constant"),
        (
            "llvm.func @f() { %s = llvm.intr.stacksave : !llvm.ptr\n llvm.return }",
            "no LLVM IR for llvm.intr.stack",
        ),
    ],
)
def test_what_is_not_written_is_named(text: str, message: str) -> None:
    with pytest.raises(NotImplementedError, match=message):
        translate(parse(text))


def test_atomic_accesses() -> None:
    text = translate(
        parse("""
        llvm.func @f(%p: !llvm.ptr, %n: i32) {
          %a = llvm.load %p atomic acquire {alignment = 4 : i64} : !llvm.ptr -> i32
          %b = llvm.atomicrmw _or %p, %a acq_rel : !llvm.ptr, i32
          %c = llvm.cmpxchg %p, %n, %b acquire monotonic : !llvm.ptr, i32
          %d = llvm.extractvalue %c[1] : !llvm.struct<(i32, i1)>
          llvm.return
        }""")
    )
    assert text.splitlines()[2:7] == [
        "  %v2 = load atomic i32, ptr %v0 acquire, align 4",
        "  %v3 = atomicrmw or ptr %v0, i32 %v2 acq_rel",
        "  %v4 = cmpxchg ptr %v0, i32 %v1, i32 %v3 acquire monotonic",
        "  %v5 = extractvalue { i32, i1 } %v4, 1",
        "  ret void",
    ]


def test_bytes_among_the_code() -> None:
    module = parse("""
        llvm.mlir.global internal constant @code(dense<[-61, 0]> : tensor<2xi8>) {
          addr_space = 0 : i32, alignment = 16 : i64, section = ".text"} : !llvm.array<2 x i8>""")
    line = translate(module).splitlines()[0]
    assert line == '@code = internal constant [2 x i8] [i8 -61, i8 0], section ".text", align 16'
