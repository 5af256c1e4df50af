"""The formulas of the pass `expand-math`: each function of the `math` dialect as branchless arithmetic."""
