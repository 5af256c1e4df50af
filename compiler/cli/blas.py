"""How many threads multiply matrices in commands that run models by NumPy."""

import os

LIMITS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What the libraries ask for that NumPy multiplies by, when they are loaded."""


def one_blas_thread() -> None:
    """Keep NumPy to one thread, unless the caller of the command wants more; to be called before its import.

    The products of a check are small, and threads that wait for each other spin: on a machine that has other
    work to do, most of a check was that.
    """
    for name in LIMITS:
        os.environ.setdefault(name, "1")
