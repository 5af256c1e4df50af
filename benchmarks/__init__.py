"""Penstock beside other engines on the same models: `python -m benchmarks.run --help`."""
