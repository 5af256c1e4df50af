"""What may be said at each level: ops, types, verifiers and shape rules; this layer imports no other."""
