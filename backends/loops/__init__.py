"""The parts of the loops interpreter: one table of op meanings per dialect, and the code they run on."""
