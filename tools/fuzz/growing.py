"""Mutations that make a small model describe much: nesting, iterations, functions, chains of values."""

from random import Random

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, helper, numpy_helper

DEEPEST = 300


def nesting(model: ModelProto, random: Random) -> bool:
    """The graph inside of branches inside of branches."""
    graph = model.graph
    for level in range(random.choice((1, 2, 10, 29, 40, 70, DEEPEST))):
        inner = GraphProto(name=f"g{level}")
        inner.node.extend(graph.node)
        inner.output.extend(graph.output)
        truth = helper.make_node("Constant", [], [f"c{level}"], value=numpy_helper.from_array(np.array(True)))
        outputs = [value.name for value in graph.output]
        branch = helper.make_node("If", [f"c{level}"], outputs)
        for name in ("then_branch", "else_branch")[: random.choice((1, 1, 1, 2)) if level < 8 else 1]:
            branch.attribute.add(name=name, type=AttributeProto.GRAPH).g.CopyFrom(inner)
        del graph.node[:]
        graph.node.extend([truth, branch])
    return True


def iterations(model: ModelProto, random: Random) -> bool:
    """A loop around nothing of very many rounds."""
    count = random.choice((0, 1, 100, 500, 20_001, 2**31, 2**63 - 1, -1))
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Add", ["a", "a"], ["b"])],
        "body",
        [helper.make_tensor_value_info(n, t, []) for n, t in (("i", 7), ("c", 9), ("a", 1))],
        [helper.make_tensor_value_info(n, t, []) for n, t in (("d", 9), ("b", 1))],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(count, np.int64), "rounds"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), "start"))
    model.graph.node.append(helper.make_node("Loop", ["rounds", "", "start"], ["end"], body=body))
    model.graph.output.append(helper.make_tensor_value_info("end", 1, []))
    return True


def functions(model: ModelProto, random: Random) -> bool:
    """Functions that call one another: in a ring, or each several times the one before."""
    count, ring, times = (
        random.choice((1, 3, 20, 60, 200)),
        random.randrange(3) == 0,
        random.choice((1, 2, 10)),
    )
    for level in range(count):
        target = f"f{(level + 1) % count}" if ring or level + 1 < count else None
        body = [
            helper.make_node(target or "Identity", ["a"], [f"b{i}"], domain="own" if target else "")
            for i in range(times)
        ]
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
        model.functions.append(helper.make_function("own", f"f{level}", ["a"], ["b0"], body, opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    names = [v.name for v in model.graph.input]
    if not names:
        return False
    model.graph.node.append(helper.make_node("f0", names[:1], ["called"], domain="own"))
    model.graph.output.append(helper.make_tensor_value_info("called", 1, None))
    return True


def chain(model: ModelProto, random: Random) -> bool:
    """Values that double again and again."""
    names = [v.name for v in (*model.graph.input, *model.graph.initializer)]
    if not names:
        return False
    name, count = random.choice(names), random.choice((8, 30, 64, 600))
    for level in range(count):
        added = helper.make_node(random.choice(("Add", "Concat", "Mul")), [name, name], [f"chain{level}"])
        added.attribute.extend([helper.make_attribute("axis", 0)] if added.op_type == "Concat" else [])
        model.graph.node.append(added)
        name = f"chain{level}"
    model.graph.output.append(helper.make_tensor_value_info(name, 1, None))
    return True
