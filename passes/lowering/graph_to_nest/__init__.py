"""`lower-graph-to-nest`: tensors become buffers, every graph operation becomes loop nests over them.

The function stays one flat sequence: `memref.alloc` for each value, then the nests that fill it.  Nothing is fused or
scheduled here; each rule is the op's definition as an iteration space, index maps and a scalar body.
"""

from penstock.passes.lowering.graph_to_nest.lowering import LowerGraphToNest

__all__ = ["LowerGraphToNest"]
