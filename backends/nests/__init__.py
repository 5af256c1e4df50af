"""The parts of the nest interpreter: scalar ops on arrays, boxes of iterations, folds, buffers."""
