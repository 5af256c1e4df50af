"""What is known of the machines that code is made for: vector widths for passes, features for LLVM.

A target is an entry of `targets.json`; `host` describes the running machine in the same terms.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict, cast

from penstock.errors import TargetError

TRIPLE = "x86_64-unknown-linux-gnu"
_CPUINFO = Path("/proc/cpuinfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_MARKS = ("vendor_id", "cpu family", "model", "stepping", "flags")
"""Starts of the lines that tell one CPU from another."""
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class Target:
    """A machine: its name for LLVM, the features code for it may use, and the sizes that schedules follow."""

    name: str
    triple: str
    cpu: str
    features: tuple[str, ...]
    """Changes to the features that `cpu` implies, in LLVM's form: `+avx512vnni`, `-prefer-256-bit`."""
    required: tuple[str, ...]
    """The features a machine must have to run the code, by LLVM's names."""
    vector_bits: int
    vector_registers: int
    fma: bool
    rounds: bool
    """Whether numbers are rounded to integers by an instruction."""
    has_masked_memory: bool
    """Whether a masked load or store of `f32` is one instruction that costs little more than a plain one."""
    has_f16_conversion: bool
    dot_products: tuple[str, ...]
    """Instructions that multiply groups of small numbers and add them to a wider sum."""
    l1d: int
    l2: int
    l3: int


@dataclass(frozen=True)
class MachineCode:
    """A C function as bytes, since llvmlite brings the assembler of its own machine only."""

    code: bytes
    assembly: str
    """The same for people; a test assembles it."""


@dataclass(frozen=True)
class Waiting:
    """How threads wait for each other on a machine and system, for code that links with no library."""

    futex: MachineCode
    """The system call that sleeps on a word or wakes who does: it takes the word, which of both, a number."""
    relax: MachineCode
    """Lets a core rest for a moment."""


class _Entry(TypedDict):
    cpu: str
    features: list[str]
    required: list[str]
    vector_bits: int
    vector_registers: int
    l1d: int
    l2: int
    l3: int


class _Table(TypedDict):
    targets: dict[str, _Entry]
    dot_products: dict[str, list[str]]
    waiting: dict[str, dict[str, tuple[str, str]]]
    code_features: list[str]
    cpuinfo_names: dict[str, str]


@cache
def _table() -> _Table:
    # It takes longer to import than the running machine takes to be told apart, which needs no table.
    from importlib.resources import files

    text = (files("penstock.backends") / "targets.json").read_text(encoding="utf-8")
    return cast(_Table, json.loads(text))


def target_names() -> list[str]:
    """The names that `target` knows, the least demanding first, and `host`."""
    return [*_table()["targets"], "host"]


def target(name: str) -> Target:
    """The target called `name`; `host` is the running machine."""
    if name == "host":
        return host()
    entry = _table()["targets"].get(name)
    if entry is None:
        raise TargetError(f"no target '{name}'", remedy=f"Known targets: {', '.join(target_names())}.")
    return _from_entry(name, entry)


def waiting_on(target: Target) -> Waiting | None:
    """How threads wait on a target; `None` where code cannot tell its system."""
    architecture, _, *system = target.triple.split("-")
    entry = _table()["waiting"].get(f"{architecture}-{system[0]}")
    if entry is None:
        return None
    made = {name: MachineCode(bytes.fromhex(code), assembly) for name, (code, assembly) in entry.items()}
    return Waiting(**made)


def _from_entry(name: str, entry: _Entry) -> Target:
    has = frozenset(entry["required"])
    return Target(
        name=name,
        triple=TRIPLE,
        cpu=entry["cpu"],
        features=tuple(entry["features"]),
        required=tuple(entry["required"]),
        vector_bits=entry["vector_bits"],
        vector_registers=entry["vector_registers"],
        fma="fma" in has,
        rounds=not has.isdisjoint({"sse4.1", "sse4.2"}),
        has_masked_memory="avx512vl" in has,
        has_f16_conversion="f16c" in has,
        dot_products=_dot_products(has),
        l1d=entry["l1d"],
        l2=entry["l2"],
        l3=entry["l3"],
    )


def _dot_products(features: Iterable[str]) -> tuple[str, ...]:
    table = _table()["dot_products"]
    return tuple(sorted({name for feature in features for name in table.get(feature, [])}))


@cache
def host() -> Target:
    """The running machine, with the features that LLVM finds and the caches that the kernel tells of."""
    from penstock.backends.llvm.binding import load_binding

    binding = load_binding()
    found = binding.get_host_cpu_features()
    required = [feature for feature in _table()["code_features"] if found.get(feature)]
    # LLVM's tuning for some of these CPUs avoids the vector registers that our passes fill on purpose.
    features = [
        *(f"{'+' if found[feature] else '-'}{feature}" for feature in sorted(found)),
        "-prefer-256-bit",
    ]
    like = _table()["targets"][_closest(required)]
    entry: _Entry = {
        **like,
        "cpu": binding.get_host_cpu_name(),
        "features": features,
        "required": required,
        "l1d": _cache_size(1, like["l1d"]),
        "l2": _cache_size(2, like["l2"]),
        "l3": _cache_size(3, like["l3"]),
    }
    return _from_entry("host", entry)


def identity(wanted: str | Target) -> str:
    """What tells a target from all others: of the running machine its CPU, for which LLVM is not asked.

    Loading LLVM takes longer than finding a compiled model.
    """
    if wanted != "host":
        return repr(target(wanted) if isinstance(wanted, str) else wanted)
    marks = [line for line in _cpu_lines() if line.startswith(_MARKS)]
    sizes = [_cache_size(level, 0) for level in (1, 2, 3)]
    return repr((wanted, marks, sizes)) if marks else repr(host())


def _cpu_lines() -> list[str]:
    """What the kernel tells of the first CPU."""
    try:
        return _CPUINFO.read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    except OSError:
        return []


def _closest(features: Iterable[str]) -> str:
    """The most demanding target of the table whose requirements are all met."""
    there = frozenset(features)
    table = _table()["targets"]
    met = [name for name, entry in table.items() if there.issuperset(entry["required"])]
    return met[-1] if met else next(iter(table))


def _cache_size(level: int, fallback: int) -> int:
    """The bytes of the data cache of a level, or `fallback` where the kernel does not tell."""
    for folder in sorted(_CACHES.glob("index*")):
        try:
            kind, at, size = ((folder / name).read_text().strip() for name in ("type", "level", "size"))
        except OSError:
            continue
        if kind != "Instruction" and at == str(level):
            return int(size[:-1]) * _UNITS[size[-1]] if size[-1] in _UNITS else int(size)
    return fallback


def cpu_model() -> str:
    """What the CPU of the running machine calls itself."""
    names = (line.partition(": ")[2] for line in _cpu_lines() if line.startswith("model name"))
    return next(names, "unknown CPU")


def missing_features(target: Target) -> list[str]:
    """The features that code for `target` needs and the running machine lacks; LLVM is not asked."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TargetError(f"cannot tell what this machine can run: {error}") from error
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    names = _table()["cpuinfo_names"]
    return [f for f in target.required if names.get(f, f.replace(".", "_").replace("-", "_")) not in flags]
