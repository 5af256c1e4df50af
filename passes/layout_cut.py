"""Which ops of a graph work with their channels last: a minimum cut between the two orders.

Every flexible op is a node; the side of the source is channels-last.  Ops pay their penalty on the other
side, values pay for a transpose where their producer and a user are on different sides, once for all users.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import networkx as nx
from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.graph.base import rank_of, shape_of
from penstock.dialects.graph.constant import ConstantOp
from penstock.passes.graph_rewriting import bytes_of, keeps_order
from penstock.passes.layout_rules import Flexible, Role, last_order

LAST, FIRST = 0, 1
"""The nodes of the source and the sink: channels-last and channels-first."""


def channels_last_ops(
    block: Block, plans: Mapping[Operation, Flexible], orders: Mapping[SSAValue, Sequence[int]]
) -> list[Operation]:
    """The ops that work channels-last in the cheapest assignment; the same graph gives the same answer.

    `orders` tells the channels-last order of values for which it is not `last_order`.
    """
    network = Network(plans)
    for op, plan in plans.items():
        network.connect(LAST, network.node[op], plan.penalty)
        network.add_lifted(op, plan)
    for value in _values(block):
        network.add_value(value, transpose_cost(value, orders.get(value)))
    return network.solve()


def _values(block: Block) -> Sequence[SSAValue]:
    return [*block.args, *(r for op in block.ops if not isinstance(op, ConstantOp) for r in op.results)]


def transpose_cost(value: SSAValue, order: Sequence[int] | None) -> int:
    """The bytes that change place between the orders; of one channel or one pixel it is a mere reshape."""
    rank = rank_of(value)
    if rank < 3:
        return 0
    return 1 if keeps_order(order or last_order(rank), shape_of(value)) else bytes_of(value)


class Network:
    """The flow network of a graph."""

    def __init__(self, plans: Mapping[Operation, Flexible]) -> None:
        self.plans = plans
        self.node = {op: index for index, op in enumerate(plans, 2)}
        self.nodes = len(plans) + 2
        self.costs: dict[tuple[int, int], int] = {}
        self.forbidden: list[tuple[int, int]] = []

    def connect(self, a: int, b: int, cost: int) -> None:
        """Let `a` channels-last and `b` channels-first cost so much, on top of what it did."""
        if cost and a != b:
            self.costs[a, b] = self.costs.get((a, b), 0) + cost

    def _auxiliary(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def add_lifted(self, op: Operation, plan: Flexible) -> None:
        """Operands of lower rank are transposed for the op alone."""
        for operand, role in zip(op.operands, plan.operands, strict=True):
            if role is Role.LIFTED and not isinstance(operand.owner, ConstantOp):
                self.connect(self.node[op], FIRST, bytes_of(operand))

    def add_value(self, value: SSAValue, cost: int) -> None:
        """A value is transposed at most once each way, at a cost."""
        users = self._users(value)
        flexible = sorted(users - {FIRST})
        producer = self._producer(value)
        if producer != FIRST:
            self._add_copies_to_first(producer, [FIRST] if FIRST in users else flexible, cost)
        self._add_copies_to_last(producer, flexible, cost)

    def _add_copies_to_first(self, producer: int, users: Sequence[int], cost: int) -> None:
        """The producer is channels-last, some user is not."""
        if len(users) == 1 or cost == 0:
            for user in users:
                self.connect(producer, user, cost)
            return
        copy = self._auxiliary()
        self.connect(producer, copy, cost)
        for user in users:
            self.forbidden.append((copy, user))

    def _add_copies_to_last(self, producer: int, users: Sequence[int], cost: int) -> None:
        """Some user is channels-last, the producer is not."""
        if len(users) == 1 or cost == 0:
            for user in users:
                self.connect(user, producer, cost)
            return
        copy = self._auxiliary()
        self.connect(copy, producer, cost)
        for user in users:
            self.forbidden.append((user, copy))

    def _producer(self, value: SSAValue) -> int:
        owner = value.owner
        plan = self.plans.get(owner) if isinstance(owner, Operation) else None
        follows = plan is not None and plan.results is Role.FOLLOWS
        return self.node[owner] if follows and isinstance(owner, Operation) else FIRST

    def _users(self, value: SSAValue) -> set[int]:
        """The ops that read the value in their own order; `FIRST` for all that need it channels-first."""
        users: set[int] = set()
        for use in value.uses:
            plan = self.plans.get(use.operation)
            follows = plan is not None and plan.operands[use.index] is Role.FOLLOWS
            users.add(self.node[use.operation] if follows else FIRST)
        return users

    def solve(self) -> list[Operation]:
        """The ops on the side of the source, in order."""
        if not any(a == LAST for a, _ in self.costs):
            return []
        last = source_side(self.costs, self.forbidden)
        return [op for op, node in self.node.items() if node in last]


def source_side(costs: Mapping[tuple[int, int], int], forbidden: Sequence[tuple[int, int]]) -> set[int]:
    """The nodes on the side of the source in a minimum cut; what is forbidden is never cut."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from((LAST, FIRST))
    for (a, b), cost in costs.items():
        graph.add_edge(a, b, capacity=cost)
    # networkx takes an edge without a capacity for an unlimited one.
    graph.add_edges_from(forbidden)
    # The types that come with networkx leave the results of its algorithms open.
    method = nx.algorithms.flow.boykov_kolmogorov  # pyright: ignore
    _, (last, _) = nx.minimum_cut(graph, LAST, FIRST, flow_func=method)  # pyright: ignore
    return cast(set[int], last)
