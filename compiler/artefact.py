"""The `.penstock` file: a JSON header, the code and the weights, each at a page boundary to be mapped.

bytes 0..8    PENSTOCK
8..16         length of the header, little-endian
16..32        digest of the header
32..          the header: what the model takes and gives, where code and weights lie, the memory plan

The header of a model in stages says its steps; behind it lie the artefacts of the stages in order.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, BinaryIO, cast

from penstock.backends.llvm.image import Image, Symbol
from penstock.backends.targets import Target
from penstock.dialects.memory_plan import GrowingPlan, GrowingValue, Interval, Placement, Plan
from penstock.dialects.size_text import parse_size
from penstock.errors import ModelError
from penstock.package import CallInfo, KernelInfo, Package, Place, TensorInfo
from penstock.package import Symbol as Size
from penstock.staged_package import Bind, HostStep, Stage, StagedPackage, Step
from penstock.weights import Weights

MAGIC = b"PENSTOCK"
FORMAT = 4
PAGE = 4096
HEADER_AT = 32
HEADER_LIMIT = 64 << 20

Json = Mapping[str, Any]


def save(package: Package, path: Path) -> None:
    """Write the artefact; the file appears complete or not at all, and equal packages give equal bytes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        if isinstance(package, StagedPackage):
            _write_header(_staged_header(package), file)
            for stage in package.stages:
                _fill_page(file)
                _write(stage, file)
        else:
            _write(package, file)
    os.replace(temporary, path)


def _write(package: Package, file: BinaryIO) -> None:
    """Write a package; the file is at the boundary of a page."""
    _write_header(_header(package), file)
    _fill_page(file)
    file.write(package.image.code)
    _fill_page(file)
    package.constants.write(file)


def _write_header(entries: Mapping[str, object], file: BinaryIO) -> None:
    header = json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()
    file.write(MAGIC + len(header).to_bytes(8, "little") + bytes.fromhex(_digest(header)) + header)


def _fill_page(file: BinaryIO) -> None:
    file.write(bytes(_page(file.tell()) - file.tell()))


def _staged_header(package: StagedPackage) -> dict[str, object]:
    return {
        "format": FORMAT,
        "name": package.name,
        "inputs": [asdict(t) for t in package.inputs],
        "outputs": [asdict(t) for t in package.outputs],
        "results": list(package.results),
        "target": asdict(package.target),
        "steps": [_step_entry(step) for step in package.steps],
        "sizes": [asdict(symbol) for symbol in package.symbols],
        "requires": list(package.requirements),
    }


def _step_entry(step: Step) -> dict[str, object] | None:
    """A step in the header; stages have artefacts of their own."""
    if isinstance(step, Bind):
        return asdict(step)
    if not isinstance(step, HostStep):
        return None
    from penstock.host_steps import host_entry

    return host_entry(step)


def _page(position: int) -> int:
    return -(-position // PAGE) * PAGE


def _header(package: Package) -> dict[str, object]:
    plan = package.memory
    return {
        "format": FORMAT,
        "name": package.name,
        "target": asdict(package.target),
        "inputs": [asdict(t) for t in package.inputs],
        "outputs": [asdict(t) for t in package.outputs],
        "symbols": {n: [s.offset, s.size] for n, s in package.image.symbols.items()},
        "alignment": package.image.alignment,
        "code": {"size": len(package.image.code), "digest": _digest(package.image.code)},
        "weights": {"size": package.constants.nbytes, "digest": package.constants.digest()},
        "arena": {"size": plan.arena, "bound": plan.bound},
        "plan": [[*_interval(p.interval), p.offset] for p in plan.placements],
        "kernels": [asdict(k) for k in package.kernels],
        "calls": [_call_entry(call) for call in package.calls],
        "numerics": list(package.numerics),
        "failures": list(package.failures),
        **({"threads": package.threads} if package.threads > 1 else {}),
        **_sizes(package),
    }


def _sizes(package: Package) -> dict[str, object]:
    """What calls decide; a model whose sizes are all known has none of it."""
    growing = package.growing
    if growing is None:
        return {}
    return {
        "sizes": [asdict(symbol) for symbol in package.symbols],
        "requires": list(package.requirements),
        "growing": [[v.name, v.first, v.last, str(v.size), v.below] for v in growing.values],
    }


def _call_entry(call: CallInfo) -> list[object]:
    operands = [[place.argument, place.offset] for place in call.operands]
    more = [call.forks, call.sizes] if call.sizes else [True] if call.forks else []
    return [call.kernel, operands, call.nodes, call.parts, *more]


def _interval(interval: Interval) -> list[object]:
    return [interval.name, interval.first, interval.last, interval.size, interval.alignment]


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read(path: Path, *, verify: bool = False) -> Package:
    """Read an artefact; `ModelError` says what is wrong with it.

    Header and code are compared with their digests, the weights only if asked: they are then all read.
    """
    try:
        with open(path, "rb") as file:
            header = _read_header(file)
            if "steps" in header:
                package, end = _staged(header, file, verify)
            else:
                package, end = _package(header, file, 0, verify)
            if _size_of(file) != end:
                raise ModelError("the artefact is cut short or has grown", remedy="Compile the model again.")
            return package
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelError("the artefact is damaged", remedy="Compile the model again.") from error


def _size_of(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _read_header(file: BinaryIO) -> Json:
    """The header at the position of a file, which is then behind it."""
    start = file.read(HEADER_AT)
    length = int.from_bytes(start[8:16], "little")
    if start[:8] != MAGIC or length > HEADER_LIMIT:
        raise ModelError("not a .penstock artefact", remedy="Make one with penstock compile -o.")
    text = file.read(length)
    if len(text) != length or bytes.fromhex(_digest(text)) != start[16:]:
        raise ModelError("the header of the artefact is damaged", remedy="Compile the model again.")
    header = cast(Json, json.loads(text))
    if header["format"] != FORMAT:
        raise ModelError(
            f"artefact format {header['format']}, this version reads {FORMAT}", remedy="Compile it again."
        )
    return header


def _staged(header: Json, file: BinaryIO, verify: bool) -> tuple[StagedPackage, int]:
    """A model in stages, and where it ends."""
    steps: list[Step] = []
    end = file.tell()
    for entry in header["steps"]:
        if entry is None:
            base = file.seek(_page(end))
            stage, end = _package(_read_header(file), file, base, verify)
            steps.append(Stage(stage))
        elif "function" in entry:
            steps.append(_host_step(entry))
        else:
            steps.append(Bind(entry["value"], tuple(entry["symbols"]), tuple(entry["nodes"])))
    ends = tuple(map(_tensor, header["inputs"])), tuple(map(_tensor, header["outputs"]))
    results, required = tuple(map(str, header["results"])), tuple(map(str, header["requires"]))
    sizes = tuple(map(_size, header["sizes"]))
    target = _target(header["target"])
    return StagedPackage.of(header["name"], target, ends, results, steps, sizes, required), end


def _host_step(entry: Json) -> HostStep:
    # Its constants are arrays: most models have no such step, and NumPy takes longer to import than all else.
    from penstock.host_steps import host_step

    return host_step(entry)


def _package(header: Json, file: BinaryIO, base: int, verify: bool) -> tuple[Package, int]:
    """A package whose header starts at `base` and ends where the file is, and where it ends itself."""
    code_at = base + _page(file.tell() - base)
    code_size, weights_size = int(header["code"]["size"]), int(header["weights"]["size"])
    weights_at = _page(code_at + code_size)
    end = weights_at + weights_size
    if min(code_size, weights_size) < 0:
        raise ValueError("a size is negative")
    if _size_of(file) < end:
        raise ModelError("the artefact is cut short", remedy="Compile the model again.")
    file.seek(code_at)
    code = file.read(code_size)
    if _digest(code) != header["code"]["digest"]:
        raise ModelError("the code of the artefact is damaged", remedy="Compile the model again.")
    symbols = {n: Symbol(*place) for n, place in header["symbols"].items()}
    package = Package(
        header["name"],
        _target(header["target"]),
        tuple(map(_tensor, header["inputs"])),
        tuple(map(_tensor, header["outputs"])),
        Image(code, symbols, header["alignment"]),
        Weights.in_file(file, weights_at, weights_size),
        _plan(header),
        tuple(map(_kernel, header["kernels"])),
        tuple(header["numerics"]),
        int(header.get("threads", 1)),
        tuple(map(_call, header["calls"])),
        tuple(map(str, header["failures"])),
        tuple(_size(entry) for entry in header.get("sizes", ())),
        _growing(header["growing"]) if "growing" in header else None,
        tuple(map(str, header.get("requires", ()))),
    )
    _check_calls(package)
    if verify and package.constants.digest() != header["weights"]["digest"]:
        raise ModelError("the weights of the artefact are damaged", remedy="Compile the model again.")
    return package, end


def _size(entry: Json) -> Size:
    return Size(**{f.name: entry[f.name] for f in fields(Size)})


def _growing(entries: Sequence[Any]) -> GrowingPlan:
    values = [
        GrowingValue(name, first, last, parse_size(size), tuple(below))
        for name, first, last, size, below in entries
    ]
    # `main` places the values itself: what is wrong here is found before it runs.
    if any(not 0 <= j < len(values) for value in values for j in value.below):
        raise ValueError("a value lies above one that is not there")
    return GrowingPlan(tuple(values))


def _kernel(entry: Json) -> KernelInfo:
    values: dict[str, Any] = {f.name: entry[f.name] for f in fields(KernelInfo)}
    values["nodes"] = tuple(values["nodes"])
    return KernelInfo(**values)


def _call(entry: Sequence[Any]) -> CallInfo:
    kernel, operands, nodes, parts, *more = entry
    forks, sizes = bool(more and more[0]), tuple(map(int, more[1])) if len(more) > 1 else ()
    places = tuple(Place(*operand) for operand in operands)
    return CallInfo(kernel, places, tuple(nodes), parts, forks, sizes)


def _check_calls(package: Package) -> None:
    """The places of operands become addresses: `ValueError` if one is outside of the memory of a call."""
    sizes = package.argument_sizes
    for call in package.calls:
        places = call.operands
        inside = all(0 <= p.argument < len(sizes) and 0 <= p.offset <= sizes[p.argument] for p in places)
        if not inside or call.kernel not in package.image.symbols:
            raise ValueError(f"{call.kernel} cannot be called like this")


def _tensor(entry: Json) -> TensorInfo:
    return TensorInfo(entry["name"], entry["dtype"], tuple(entry["shape"]))


def _target(entry: Json) -> Target:
    values: dict[str, Any] = {f.name: entry[f.name] for f in fields(Target)}
    values.update({n: tuple(map(str, values[n])) for n in ("features", "required", "dot_products")})
    return Target(**values)


def _plan(header: Json) -> Plan:
    placements = tuple(Placement(Interval(*entry[:5]), entry[5]) for entry in header["plan"])
    return Plan(placements, header["arena"]["size"], header["arena"]["bound"])
