"""The calls of a model as data: where their operands lie in the memory of a call."""

from xdsl.dialects.func import FuncOp
from xdsl.parser import Parser

from penstock.call_table import calls_of
from penstock.extensions import extended

DOUBLINGS = 80


def test_a_sum_of_sizes_that_many_others_read_is_computed_once() -> None:
    lines = [f"%{i + 1} = arith.addi %{i}, %{i} : index" for i in range(DOUBLINGS)]
    text = f"""
        func.func @main(%memory: memref<64xi8>) {{
          %0 = arith.constant 1 : index
          {" ".join(lines)}
          %x = memref.view %memory[%{DOUBLINGS}][] : memref<64xi8> to memref<2xf32>
          func.call @k(%x) : (memref<2xf32>) -> ()
          func.return
        }}
        func.func private @k(memref<2xf32>) -> ()"""
    main = next(iter(Parser(extended().context(), text).parse_module().ops))
    assert isinstance(main, FuncOp)
    (call,) = calls_of(main, {})
    assert (call.kernel, call.operands[0].offset) == ("k", 2**DOUBLINGS)
