"""`lower-graph-to-nest`: tensors become buffers, every graph operation becomes loop nests over them.

The function stays one flat sequence: `memref.alloc` for each value, then the nests that fill it.  Nothing is
fused or scheduled here; each rule is the op's definition as an iteration space, index maps and a scalar body.
"""

from penstock.passes.lowering.graph_to_nest.builder import Lowering
from penstock.passes.lowering.graph_to_nest.elementwise import elementwise_rule
from penstock.passes.lowering.graph_to_nest.extension import GraphLowerings
from penstock.passes.lowering.graph_to_nest.lowering import LowerGraphToNest
from penstock.passes.lowering.graph_to_nest.rules import Rule
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars

__all__ = ["GraphLowerings", "LowerGraphToNest", "Lowering", "Rule", "Scalars", "elementwise_rule"]
