"""The check names the guilty pass: for each mistake planted in one, on a model that the pass works on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from onnx import ModelProto

from penstock.checking.report import MiscompilationError
from penstock.pipeline import phases
from tests.checking import models
from tests.checking.planting import Mistake, checked, replaced


@dataclass(frozen=True)
class Plant:
    """A mistake in a pass, where the check is to find it, and the model on which it shows."""

    what: str
    guilty: str
    level: str
    model: Callable[[], ModelProto]
    mistake: Mistake


def plant(
    what: str, guilty: str, level: str, model: Callable[[], ModelProto], module: str, right: str, wrong: str
) -> Plant:
    """A plant in a module of the passes."""
    return Plant(what, guilty, level, model, Mistake(f"penstock.passes.{module}", right, wrong))


GRAPH = [
    plant(
        "operands swapped when folding",
        *("fold-constants", "graph", models.constants_subtracted),
        *("fold_constants", "evaluate_now(op, operands)", "evaluate_now(op, operands[::-1])"),
    ),
    plant(
        "bias dropped",
        *("fold-batch-norm", "graph", models.convolution),
        *("fold_batch_norm", "bias.astype(np.float64) * total.scale + ", ""),
    ),
    plant(
        "wrong sign of the mean",
        *("fold-batch-norm", "graph", models.convolution),
        *("fold_batch_norm", "bias - mean", "bias + mean"),
    ),
    plant(
        "epsilon forgotten",
        *("fold-batch-norm", "graph", models.convolution),
        *("fold_batch_norm", "var + op.eps.value.data", "var"),
    ),
    plant(
        "subtraction taken for an addition",
        *("fold-batch-norm", "graph", models.scaled_product),
        *("fold_batch_norm", "one, -value", "one, value"),
    ),
    plant(
        "wrong bound of merged clips",
        *("simplify", "graph", models.clips),
        *("simplify", "low = max(", "low = min("),
    ),
    plant(
        "one over x taken for x over one",
        *("simplify", "graph", models.reciprocal),
        *("simplify", "(x is op.lhs or isinstance(op, MulOp))", "True"),
    ),
    plant(
        "sides of a known choice swapped",
        *("simplify", "graph", models.known_choice),
        *("simplify", "op.b if condition.all() else op.c", "op.c if condition.all() else op.b"),
    ),
    plant(
        "sign lost",
        *("simplify", "graph", models.negation),
        *("simplify", "SubOp if isinstance(op, AddOp) else AddOp", "type(op)"),
    ),
    plant(
        "permutations composed the wrong way round",
        *("cancel-inverse-pairs", "graph", models.transposes),
        *("cancel_inverse_pairs", "first[i] for i in second", "second[i] for i in first"),
    ),
    plant(
        "concatenation reordered",
        *("cancel-inverse-pairs", "graph", models.concatenations),
        *("cancel_inverse_pairs", "parts += inner.inputs", "parts[:0] = inner.inputs"),
    ),
    plant(
        "wrong axis behind a transpose",
        *("move-transposes", "graph", models.transposed_mean),
        *("move_transposes", "permutation[a] for a", "a for a"),
    ),
    plant(
        "constant transposed the wrong way round",
        *("move-transposes", "graph", models.transposed_sum),
        *("move_transposes", "inverse(permutation)", "permutation"),
    ),
    plant(
        "ops of different properties merged",
        *("eliminate-common-subexpressions", "graph", models.two_slopes),
        *(
            "eliminate_common_subexpressions",
            "tuple(op.result_types), properties)",
            "tuple(op.result_types))",
        ),
    ),
    plant(
        "softmax along the wrong axis",
        *("assign-layout", "graph", models.channel_softmax),
        *("layout_rules", "axis_attr(moved(normalize_axis(op.axis.value.data, rank), rank))", "op.axis"),
    ),
]


NEST = [
    plant(
        "wrong pad value",
        *("lower-graph-to-nest", "nest", models.pools),
        *(
            "lowering.graph_to_nest.pooling",
            "padded_read(x, space.seen, space.dims, lowest)",
            "padded_read(x, space.seen, space.dims, 9)",
        ),
    ),
    plant(
        "pads of the wrong side",
        *("lower-graph-to-nest", "nest", models.pools),
        *("lowering.graph_to_nest.pooling", "size_of(pads[i])", "size_of(pads[i + len(self.axes)])"),
    ),
    plant(
        "epilogue lost in fusion",
        *("fuse-consumers", "nest", models.plain_clipped),
        *("fuse_consumers", "YieldOp(append_block(block, body.block, arguments))", "YieldOp([made])"),
    ),
    plant(
        "offset of the consumer lost in fusion",
        *("fuse-producers", "nest", models.sliced),
        *("fuse_producers", "read.access.rows[axis], read.access.offsets[axis]", "read.access.rows[axis], 0"),
    ),
    plant(
        "a part that is written where others are",
        *("coalesce-copies", "nest", models.shared_concatenations),
        *("coalesce_copies", "tuple(a + b for a, b in", "tuple(a for a, _ in"),
    ),
    plant(
        "a sign of the transformed tiles lost",
        *("winograd", "nest", models.deep_convolution),
        *(
            "winograd_nests",
            "s.add(first, second), s.sub(first, second)",
            "s.add(first, second), s.add(first, second)",
        ),
    ),
    plant(
        "tiles that are cut short at the wrong place",
        *("winograd", "nest", models.deep_convolution),
        *("winograd_nests", "step * first + at", "step * first + at % 3"),
    ),
    plant(
        "weights of the filters transposed",
        *("winograd", "nest", models.deep_convolution),
        *("winograd", "[*taps, conv.channels, conv.outputs]", "[*taps[::-1], conv.channels, conv.outputs]"),
    ),
    plant(
        "operands of the multiply-add swapped",
        *("contract-fma", "nest", models.multiply_add),
        *("contract_fma", "multiply.lhs, multiply.rhs, addend", "multiply.lhs, addend, multiply.rhs"),
    ),
    plant(
        "a contraction that is said to be exact",
        *("contract-fma", "nest", models.multiply_add),
        *("contract_fma", '"contracts"', '"exact"'),
    ),
    plant(
        "windows chained as if they were single elements",
        *("fuse-chains", "nest", models.pools_in_a_row),
        *(
            "chains",
            "offset == 0 and all(c == int(i == loop) for i, c in enumerate(row))",
            "row[loop] == 1",
        ),
    ),
    plant(
        "a value overwritten that is needed again",
        *("contract-chains", "nest", models.exponents_used_twice),
        *("chains", "users <= known and ", ""),
    ),
    plant(
        "different kernels taken for one",
        *("outline-kernels", "nest", models.two_kernels),
        *("outline_kernels", "text = self.texts.of(kernel)", "text = str(kernel.function_type)"),
    ),
    plant(
        "last iteration of a collapsed loop lost",
        *("collapse-loops", "nest", models.pointwise),
        *(
            "collapse_loops",
            "nest.iterations[outer] * nest.iterations[inner]",
            "nest.iterations[outer] * nest.iterations[inner] - 1",
        ),
    ),
    plant(
        "one tap too few at the border",
        *("peel-borders", "nest", models.pools),
        *("peel_borders", "self.tap_step + 1)", "self.tap_step)"),
    ),
    plant(
        "taps dropped at the wrong end",
        *("peel-borders", "nest", models.pools),
        *("peel_borders", "return start, max(stop - start, 0)", "return 0, max(stop - start, 0)"),
    ),
    plant(
        "remainder of a tiled loop lost",
        *("tile", "nest", models.plain_convolution),
        *("tile_loops", "* bool(rest)", "* False"),
    ),
    plant(
        "remainder of a tiled loop in the wrong place",
        *("tile", "nest", models.plain_convolution),
        *("tile_loops", "[(whole * sizes[0], 1, rest)]", "[(0, 1, rest)]"),
    ),
    plant(
        "a sum that goes on from nothing",
        *("tile", "nest", models.long_sum),
        *("partial_folds", "_continued(piece, i > 0,", "_continued(piece, False,"),
    ),
    plant(
        "steps of the tiles wrong",
        *("tile", "nest", models.square_product),
        *("tile_loops", "step if j == loop", "1 if j == loop"),
    ),
    plant(
        "loops swapped without their indices",
        *("interchange", "nest", models.pointwise),
        *(
            "interchange",
            "int(old == moved) for moved in new_order",
            "int(old == moved) for moved in range(len(new_order))",
        ),
    ),
    plant(
        "weights packed in another order than they are read",
        *("pack-constants", "nest", models.plain_convolution),
        *(
            "pack_constants",
            "moved.transpose(*self.order, array.ndim)",
            "moved.transpose(*sorted(self.order), array.ndim)",
        ),
    ),
    plant(
        "an update of what is read at other places",
        *("update-in-place", "nest", models.residual),
        *("update_in_place", "> least\n        and _is_updated(touches[old], touches[new])", "> 0"),
    ),
    plant(
        "two values in one place",
        *("plan-memory", "nest", models.convolution),
        *("memory.space", "start = -(-(offset + length) // alignment) * alignment", "start = 0"),
    ),
    plant(
        "a life one step too short",
        *("plan-memory", "nest", models.convolution),
        *("plan_memory", "min(steps), max(steps)", "min(steps), max(min(steps), max(steps) - 1)"),
    ),
    plant(
        "weights that overlap",
        *("place-constants", "nest", models.convolution),
        *("place_constants", "ALIGNMENT) * ALIGNMENT", "ALIGNMENT) * (ALIGNMENT // 2)"),
    ),
]

LOOPS = [
    plant(
        "last iteration lost",
        *("lower-nest-to-loops", "loops", models.square_product),
        *(
            "lowering.nest_to_loops",
            "self.code.size(self.facts.extents[loop])",
            "self.code.size(self.facts.extents[loop] - 1)",
        ),
    ),
    plant(
        "wrong stride",
        *("lower-nest-to-loops", "loops", models.plain_convolution),
        *(
            "lowering.nest_to_loops",
            "code.scaled(base, index, stride)",
            "code.scaled(base, index, stride + 1)",
        ),
    ),
    plant(
        "upper guard missing",
        *("lower-nest-to-loops", "loops", models.mirrored),
        *("lowering.nest_lanes", '("slt", size)', '("slt", size + 9)'),
    ),
    plant(
        "lower guard missing",
        *("lower-nest-to-loops", "loops", models.mirrored),
        *("lowering.nest_lanes", '("sge", 0) if below', '("sge", -1) if below'),
    ),
    plant(
        "mask of the last vector too long",
        *("lower-nest-to-loops", "loops", models.perceptron),
        *("lowering.nest_lanes", "- lane[self.vector_loop])", "- lane[self.vector_loop] + 1)"),
    ),
    plant(
        "lanes beyond the end of a reduction not masked",
        *("lower-nest-to-loops", "loops", models.product),
        *("lowering.nest_to_loops", "SelectOp(mask, n, o)", "SelectOp(mask, n, n)"),
    ),
    plant(
        "chunk of a reduction lost",
        *("lower-nest-to-loops", "loops", models.norms),
        *("lowering.nest_to_loops", "[*folded, *parts[len(parts) & ~1 :]]", "folded"),
    ),
    plant(
        "operands swapped",
        *("lower-nest-to-loops", "loops", models.exponentials),
        *(
            "lowering.nest_lanes",
            "operands = [values.get(o, o) for o in op.operands]\n        result_types",
            "operands = [values.get(o, o) for o in op.operands][::-1]\n        result_types",
        ),
    ),
    plant(
        "wrong coefficient of a polynomial",
        *("expand-math", "loops", models.exponentials),
        *(
            "math_expansions.exponential",
            "EXP = {SINGLE: coefficients.EXP_SINGLE,",
            "EXP = {SINGLE: tuple(c * (1 + 1e-3) for c in coefficients.EXP_SINGLE),",
        ),
    ),
    plant(
        "overflow not handled",
        *("expand-math", "loops", models.exponentials),
        *(
            "math_expansions.exponential",
            "split_by_ln2(clamp(x, low / LOG2_E, high / LOG2_E))",
            "split_by_ln2(x)",
        ),
    ),
    plant(
        "wrong half of a split constant",
        *("expand-math", "loops", models.gathered),
        *("math_expansions.circular", "fma(count, -part, x)", "fma(count, part, x)"),
    ),
]

LLVM = [
    plant(
        "signed numbers compared as unsigned",
        *("lower-loops-to-llvm", "llvm", models.comparisons),
        *(
            "lowering.llvm_arith",
            "compare_integers(e, name, lhs, rhs)",
            'compare_integers(e, name.replace("s", "u"), lhs, rhs)',
        ),
    ),
    plant(
        "addresses in bytes",
        *("lower-loops-to-llvm", "llvm", models.exponentials),
        *("lowering.llvm_memory", '"elem_type": element,', '"elem_type": i8,'),
    ),
    plant(
        "addresses of every other element",
        *("lower-loops-to-llvm", "llvm", models.square_product),
        *("lowering.llvm_memory", "AffineIndex(0, index.terms)", "AffineIndex(0, index.terms) * 2"),
    ),
    plant(
        "sign not extended",
        *("lower-loops-to-llvm", "llvm", models.widened_integers),
        *(
            "lowering.llvm_arith",
            '"arith.extsi": _resize_with(llvm.SExtOp)',
            '"arith.extsi": _resize_with(llvm.ZExtOp)',
        ),
    ),
    plant(
        "one iteration too many",
        *("lower-loops-to-llvm", "llvm", models.square_product),
        *(
            "lowering.llvm_control",
            'compare_integers(e, "slt", advance, upper)',
            'compare_integers(e, "sle", advance, upper)',
        ),
    ),
    plant(
        "a loop that never ends",
        *("lower-loops-to-llvm", "llvm", models.square_product),
        *(
            "lowering.llvm_control",
            'compare_integers(e, "slt", advance, upper)',
            'compare_integers(e, "sge", advance, lower)',
        ),
    ),
    plant(
        "choice swapped",
        *("lower-loops-to-llvm", "llvm", models.comparisons),
        *(
            "lowering.llvm_arith",
            "select(e, *map(e.value, op.operands))",
            "select(e, *map(e.value, (op.operands[0], op.operands[2], op.operands[1])))",
        ),
    ),
    plant(
        "NaN lost by a maximum",
        *("lower-loops-to-llvm", "llvm", models.maximum),
        *(
            "lowering.llvm_float",
            '"arith.maximumf": (llvm_intrinsics.MaximumOp, NO_PROPERTIES)',
            '"arith.maximumf": (llvm.VectorFMaxOp, STRICT)',
        ),
    ),
    plant(
        "every value at the start of the arena",
        *("lower-loops-to-llvm", "llvm", models.convolution),
        *("lowering.llvm_memory", "if offset != AffineIndex():", "if False:"),
    ),
]


@pytest.mark.parametrize("planted", [*GRAPH, *NEST, *LOOPS, *LLVM], ids=lambda p: f"{p.guilty}: {p.what}")
def test_guilty_pass_is_named(planted: Plant, tmp_path: Path) -> None:
    pipeline = replaced(phases(), planted.guilty, planted.mistake)
    with pytest.raises(MiscompilationError) as caught:
        checked(planted.model(), pipeline, tmp_path)
    error = caught.value
    assert (error.step.name, error.step.level) == (planted.guilty, planted.level), str(error)
    assert f"'{planted.guilty}'" in str(error)
    assert error.reproducer == tmp_path / f"small.{planted.guilty}.mlir"
    assert {path.suffix for path in tmp_path.iterdir()} == {".mlir", ".npz"}
