"""From relocatable objects to one position-independent image: x86-64 ELF, closed and without relocations.

The image is code and read-only data one after another, and every reference in it is relative to the place it
stands at, so it runs wherever it is loaded.
"""

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import Section, SymbolTableSection

from penstock.backends.llvm.image import Image, LinkError, Symbol

_PC_RELATIVE = {2: "R_X86_64_PC32", 4: "R_X86_64_PLT32"}
"""Both mean: symbol + addend - place, in 32 bits; without shared libraries a call needs no table."""
_PADDING = b"\xcc"


@dataclass(frozen=True)
class _Reference:
    """A symbol of an object; its section is None when it is defined elsewhere."""

    name: str
    section: int | None
    value: int
    size: int
    is_global: bool
    is_function: bool


@dataclass(frozen=True)
class _Piece:
    """A section that is loaded, and the relocations in it as offset, type, symbol number and addend."""

    index: int
    name: str
    data: bytes
    alignment: int
    relocations: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True)
class _Object:
    pieces: tuple[_Piece, ...]
    symbols: tuple[_Reference, ...]


def link(objects: Sequence[bytes]) -> Image:
    """Lay the objects out, code first, and make every reference between them; nothing may be left open."""
    parsed = [_parse(data) for data in objects]
    places, size, alignment = _lay_out(parsed)
    addresses = _global_addresses(parsed, places)
    image = bytearray(_PADDING * size)
    for number, item in enumerate(parsed):
        targets = [_address(number, symbol, places, addresses) for symbol in item.symbols]
        for piece in item.pieces:
            base = places[number, piece.index]
            image[base : base + len(piece.data)] = piece.data
            _relocate(image, base, piece, targets, item.symbols)
    return Image(bytes(image), _exports(parsed, places), alignment)


def _parse(data: bytes) -> _Object:
    try:
        elf = ELFFile(io.BytesIO(data))
        if elf.header["e_type"] != "ET_REL" or elf.header["e_machine"] != "EM_X86_64":
            raise LinkError("the object is not a relocatable x86-64 object")
        sections = list(elf.iter_sections())
        return _Object(tuple(_pieces(sections)), tuple(_symbols(sections)))
    except ELFError as error:
        raise LinkError(f"the object is not an ELF file: {error}") from error


def _pieces(sections: Sequence[Section]) -> Iterator[_Piece]:
    relocations = {s["sh_info"]: s for s in sections if isinstance(s, RelocationSection)}
    for index, section in enumerate(sections):
        if not section["sh_flags"] & 2 or not section["sh_size"]:
            continue
        if not section.name.startswith((".text", ".rodata")):
            raise LinkError(f"section {section.name} does not belong in an image of code and constants")
        made = tuple(
            (entry["r_offset"], entry["r_info_type"], entry["r_info_sym"], entry["r_addend"])
            for entry in (relocations[index].iter_relocations() if index in relocations else ())
        )
        yield _Piece(index, section.name, section.data(), max(1, section["sh_addralign"]), made)


def _symbols(sections: Sequence[Section]) -> Iterator[_Reference]:
    for table in sections:
        if not isinstance(table, SymbolTableSection):
            continue
        for symbol in table.iter_symbols():
            section = symbol["st_shndx"]
            yield _Reference(
                name=symbol.name,
                section=section if isinstance(section, int) else None,
                value=symbol["st_value"],
                size=symbol["st_size"],
                is_global=symbol["st_info"]["bind"] != "STB_LOCAL",
                is_function=symbol["st_info"]["type"] == "STT_FUNC",
            )


def _lay_out(objects: Sequence[_Object]) -> tuple[dict[tuple[int, int], int], int, int]:
    """Where each section goes, the size of the whole and its alignment: code first, then constants."""
    pieces = [(number, piece) for number, item in enumerate(objects) for piece in item.pieces]
    pieces.sort(key=lambda entry: not entry[1].name.startswith(".text"))
    places: dict[tuple[int, int], int] = {}
    size, alignment = 0, 1
    for number, piece in pieces:
        size += -size % piece.alignment
        places[number, piece.index] = size
        size += len(piece.data)
        alignment = max(alignment, piece.alignment)
    return places, size, alignment


def _global_addresses(objects: Sequence[_Object], places: Mapping[tuple[int, int], int]) -> dict[str, int]:
    addresses: dict[str, int] = {}
    for number, item in enumerate(objects):
        for symbol in item.symbols:
            if not symbol.is_global or symbol.section is None:
                continue
            if symbol.name in addresses:
                raise LinkError(f"symbol '{symbol.name}' is defined twice")
            addresses[symbol.name] = places[number, symbol.section] + symbol.value
    wanted = {s.name for item in objects for s in item.symbols if s.is_global and s.section is None}
    missing = sorted(wanted - addresses.keys())
    if missing:
        raise LinkError(f"undefined symbols: {', '.join(missing)}")
    return addresses


def _address(
    number: int, symbol: _Reference, places: Mapping[tuple[int, int], int], addresses: Mapping[str, int]
) -> int | None:
    """The place of a symbol in the image; None for one that stands for nothing there, such as a file name."""
    if symbol.section is None:
        return addresses.get(symbol.name)
    place = places.get((number, symbol.section))
    return None if place is None else place + symbol.value


def _relocate(
    image: bytearray,
    base: int,
    piece: _Piece,
    targets: Sequence[int | None],
    symbols: Sequence[_Reference],
) -> None:
    for offset, kind, number, addend in piece.relocations:
        target, name = targets[number], symbols[number].name
        if kind not in _PC_RELATIVE or target is None:
            raise LinkError(f"{piece.name}: relocation of type {kind} against '{name}' cannot be resolved")
        place = base + offset
        struct.pack_into("<i", image, place, target + addend - place)


def _exports(objects: Sequence[_Object], places: Mapping[tuple[int, int], int]) -> dict[str, Symbol]:
    return {
        symbol.name: Symbol(places[number, symbol.section] + symbol.value, symbol.size)
        for number, item in enumerate(objects)
        for symbol in item.symbols
        if symbol.is_global and symbol.is_function and symbol.section is not None
    }
