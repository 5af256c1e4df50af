"""Which ops of a graph work with their channels last: a minimum cut between the two orders.

Every flexible op is a node; the side of the source is channels-last.  Ops pay their penalty on the other side, values
pay for a transpose where their producer and a user are on different sides, once however many users there are.
"""

from collections.abc import Sequence

import networkx as nx
from networkx.algorithms.flow import boykov_kolmogorov
from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.graph.base import rank_of, shape_of
from penstock.dialects.graph.constant import ConstantOp
from penstock.passes.graph_rewriting import bytes_of, keeps_order
from penstock.passes.layout_rules import Flexible, Role, last_order

LAST, FIRST = 0, 1
"""The nodes of the source and the sink: channels-last and channels-first."""


def channels_last_ops(block: Block, plans: dict[Operation, Flexible]) -> set[Operation]:
    """The ops that work channels-last in the cheapest assignment; the same graph gives the same answer."""
    network = Network(plans)
    for op, plan in plans.items():
        network.connect(LAST, network.node[op], plan.penalty)
        network.add_lifted(op, plan)
    for value in _values(block):
        network.add_value(value)
    return network.solve()


def _values(block: Block) -> Sequence[SSAValue]:
    return [*block.args, *(r for op in block.ops if not isinstance(op, ConstantOp) for r in op.results)]


def transpose_cost(value: SSAValue) -> int:
    """The bytes that change place between the two orders: none if there is one channel or one pixel."""
    rank = rank_of(value)
    return 0 if rank < 3 or keeps_order(last_order(rank), shape_of(value)) else bytes_of(value)


class Network:
    """The flow network of a graph."""

    def __init__(self, plans: dict[Operation, Flexible]) -> None:
        self.plans = plans
        self.node = {op: index for index, op in enumerate(plans, 2)}
        self.graph = nx.DiGraph()
        self.graph.add_nodes_from(range(len(plans) + 2))

    def connect(self, a: int, b: int, cost: int | None) -> None:
        """Let `a` channels-last and `b` channels-first cost so much; `None` forbids it."""
        if cost == 0 or a == b:
            return
        if cost is None:
            self.graph.add_edge(a, b)
            return
        before = self.graph.get_edge_data(a, b, {"capacity": 0})
        if "capacity" in before:
            self.graph.add_edge(a, b, capacity=before["capacity"] + cost)

    def _auxiliary(self) -> int:
        node = self.graph.number_of_nodes()
        self.graph.add_node(node)
        return node

    def add_lifted(self, op: Operation, plan: Flexible) -> None:
        """Operands of lower rank are transposed for the op alone."""
        for operand, role in zip(op.operands, plan.operands, strict=True):
            if role is Role.LIFTED and not isinstance(operand.owner, ConstantOp):
                self.connect(self.node[op], FIRST, bytes_of(operand))

    def add_value(self, value: SSAValue) -> None:
        """A value is transposed at most once each way."""
        cost = transpose_cost(value)
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
            self.connect(copy, user, None)

    def _add_copies_to_last(self, producer: int, users: Sequence[int], cost: int) -> None:
        """Some user is channels-last, the producer is not."""
        if len(users) == 1 or cost == 0:
            for user in users:
                self.connect(user, producer, cost)
            return
        copy = self._auxiliary()
        self.connect(copy, producer, cost)
        for user in users:
            self.connect(user, copy, None)

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

    def solve(self) -> set[Operation]:
        """The ops on the side of the source."""
        if LAST not in self.graph or not self.graph.out_degree(LAST):
            return set()
        _, (last, _) = nx.minimum_cut(self.graph, LAST, FIRST, flow_func=boykov_kolmogorov)
        return {op for op, node in self.node.items() if node in last}
