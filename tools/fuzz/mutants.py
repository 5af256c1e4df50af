"""A mutant by its number: the same seeds, seed number and number give the same model everywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from google.protobuf.message import DecodeError, EncodeError
from onnx import ModelProto

from tools.fuzz.bytewise import mutate_bytes
from tools.fuzz.fieldwise import mutate_field
from tools.fuzz.seeds import Seed, parsed
from tools.fuzz.structural import mutate_structure

MOST_EDITS = 3


@dataclass(frozen=True)
class Mutant:
    """A changed model: its bytes, what it was, and how it was changed."""

    number: int
    seed: str
    words: str
    data: bytes


def mutant(seeds: Sequence[Seed], start: int, number: int) -> Mutant:
    """The mutant of a number."""
    random = Random(f"{start}:{number}")
    chosen = random.choice(seeds)
    if random.randrange(5) == 0:
        data, words = mutate_bytes(chosen.data, random)
        return Mutant(number, chosen.name, words, data)
    model = parsed(chosen)
    edits = [_edit(random)(model, random) for _ in range(random.randint(1, MOST_EDITS))]
    try:
        data = model.SerializeToString(deterministic=True)
    except (EncodeError, DecodeError, ValueError):
        # Nested deeper than the format can hold.
        return Mutant(number, chosen.name, "too deep to be written", chosen.data)
    return Mutant(number, chosen.name, ", ".join(edits), data)


def _edit(random: Random) -> Callable[[ModelProto, Random], str]:
    return mutate_structure if random.randrange(2) else mutate_field
