"""Importer of TfIdfVectorizer: how often each of a pool of word sequences occurs in a text."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import rank_of
from penstock.host.arrays import strings_of
from penstock.onnx_import.axes import require, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.labels import look_up
from penstock.onnx_import.node import Node
from penstock.onnx_import.terms import Term, concat

Pool = NDArray[np.int64]
"""Sequences of one length, [sequence, word]."""


def import_tf_idf(node: Node, build: Builder) -> SSAValue:
    """TfIdfVectorizer: counts, or the weights of what occurs, in the columns that the node assigns."""
    words = _words(node)
    x = Term(build, _numbered(build, node.input(0), words)).positions()
    rank = rank_of(x.value)
    require(node, rank in (1, 2), f"texts of rank {rank}")
    columns, pools = node.ints("ngram_indexes"), list(_pools(node, words))
    require(
        node,
        bool(pools) and min(columns, default=-1) >= 0,
        f"the columns {list(columns)} of {len(pools)} pools",
    )
    length = static_size(node, x.value, rank - 1)
    counts = concat([_count(node, x, length, pool) for pool in pools], rank - 1)
    require(node, counts.shape[-1] == len(columns), f"{counts.shape[-1]} sequences, {len(columns)} columns")
    places = np.equal.outer(np.array(columns), np.arange(max(columns) + 1))
    counts = _weighted(node, counts)
    rows = counts.reshape(*(() if rank == 2 else (1,)), *counts.shape) @ counts.table(places)
    return (rows if rank == 2 else rows.reshape(max(columns) + 1)).value


def _words(node: Node) -> dict[str, int]:
    """The words of a vocabulary of strings, numbered."""
    known = node.strings("pool_strings") if node.has("pool_strings") else ()
    return {word: number for number, word in enumerate(dict.fromkeys(known))}


def _numbered(build: Builder, x: SSAValue, words: Mapping[str, int]) -> SSAValue:
    """Words as their numbers, those of no vocabulary as -1; numbers as they are."""
    if not words:
        return x
    keys = strings_of(list(words), [len(words)])
    return look_up(build, x, keys, np.arange(len(words)), np.array([-1]))


def _weighted(node: Node, counts: Term) -> Term:
    mode = node.string("mode")
    require(node, mode in ("TF", "IDF", "TFIDF"), f"the mode is {mode!r}, it must be TF, IDF or TFIDF")
    weights = counts.table(np.array(node.floats("weights"))) if node.has("weights") else None
    seen = (counts > 0).cast(f32) if mode == "IDF" else counts
    return seen if weights is None or mode == "TF" else seen * weights


def _count(node: Node, x: Term, words: int, pool: Pool) -> Term:
    """The number of occurrences of each sequence; 0 for those of other lengths than asked for."""
    axis, length = len(x.shape) - 1, pool.shape[1]
    zero = x.build.constant(np.zeros((), np.float32))
    total = x.like(x.build.broadcast_to(zero, [*x.shape[:axis], len(pool)]))
    if not node.int("min_gram_length") <= length <= node.int("max_gram_length"):
        return total
    # Single words have no gaps to skip, and no gap is longer than the text.
    gaps = min(node.int("max_skip_count"), words) if length > 1 else 0
    for distance in range(1, 2 + gaps):
        places = words - distance * (length - 1)
        if places > 0:
            total = total + _matches(x, pool, distance, places).cast(f32).sum(axis)
    return total


def _matches(x: Term, pool: Pool, distance: int, count: int) -> Term:
    """Where each sequence begins, [.., place, sequence]."""
    axis = len(x.shape) - 1
    found: Term | None = None
    for k in range(pool.shape[1]):
        words = x.slice(axis, k * distance, k * distance + count).reshape(*x.shape[:axis], count, 1)
        same = words.equals(x.table(pool[:, k]))
        found = same if found is None else found & same
    assert found is not None, "sequences have words"
    return found


def _pools(node: Node, words: Mapping[str, int]) -> Iterator[Pool]:
    """The sequences of one word, of two, and so on."""
    pool = [words[word] for word in node.strings("pool_strings")] if words else node.ints("pool_int64s")
    numbers, starts = np.array(pool, np.int64), node.ints("ngram_counts")
    for i, start in enumerate(starts):
        end = starts[i + 1] if i + 1 < len(starts) else len(numbers)
        whole = 0 <= start <= end <= len(numbers) and (end - start) % (i + 1) == 0
        require(node, whole, f"ngram_counts {list(starts)} do not divide a pool of {len(numbers)}")
        if end > start:
            yield numbers[start:end].reshape(-1, i + 1)


COUNTING: Family = {"TfIdfVectorizer": import_tf_idf}
