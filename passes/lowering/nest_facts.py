"""What the lowering of a nest asks again and again, read off the nest once."""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.ir import Attribute, SSAValue

from penstock.dialects.nest.access import Access
from penstock.dialects.nest.clamp import clamped
from penstock.dialects.nest.ops import ComputeOp, DimAttr, Read, Write, element_of
from penstock.dialects.nest.sizes import numbers, sizes_of
from penstock.dialects.sizes import Extent


@dataclass(frozen=True)
class Place:
    """One access: its buffer, also as a flat view, and how far each loop moves in it."""

    position: int
    flat: SSAValue
    element: Attribute
    shape: tuple[Extent, ...]
    access: Access
    strides: tuple[Extent, ...]
    """Elements per iteration of each loop."""
    offset: Extent
    outside: Attribute | None
    clamped_axes: frozenset[int]

    def constant_part(self, lane: tuple[int, ...]) -> Extent:
        """The part of the linear address that the loops in registers give."""
        part = self.offset
        for stride, at in zip(self.strides, lane, strict=True):
            if at:
                part = part + stride * at
        return part


@dataclass(frozen=True)
class Facts:
    """A nest as its lowering sees it."""

    nest: ComputeOp
    loops: tuple[DimAttr, ...]
    extents: tuple[Extent, ...]
    in_registers: tuple[bool, ...]
    reduces: tuple[bool, ...]
    reads: tuple[Place, ...]
    extras: tuple[Place, ...]
    writes: tuple[Place, ...]
    vector_loop: int | None
    width: int
    flat: Mapping[SSAValue, SSAValue]
    """The flat view of each buffer."""

    @property
    def places(self) -> tuple[Place, ...]:
        """All accesses in the order of the operands."""
        return (*self.reads, *self.extras, *self.writes)

    @property
    def vector_extent(self) -> int:
        """Iterations of the vector loop, all of which are in registers; 1 without one."""
        return 1 if self.vector_loop is None else numbers([self.extents[self.vector_loop]])[0]

    @property
    def vector_reduces(self) -> bool:
        """Whether the lanes of a vector are points of a reduction."""
        return self.vector_loop is not None and self.reduces[self.vector_loop]


def facts_of(nest: ComputeOp, flat: dict[SSAValue, SSAValue]) -> Facts:
    """Read a nest; `flat` gives the flat view of each buffer."""
    loops = nest.loops
    marked = [i for i, d in enumerate(loops) if d.mark.data == "vector"]
    fixed = clamped(nest)

    def place(position: int, access: Read | Write) -> Place:
        shape = sizes_of(access.buffer)
        return Place(
            position,
            flat[access.buffer],
            element_of(access.buffer),
            shape,
            access.access,
            tuple(access.access.stride(i, shape) for i in range(len(loops))),
            access.access.start(shape),
            access.outside if isinstance(access, Read) else None,
            frozenset(axis for read, axis in fixed if read == position),
        )

    places = [place(i, a) for i, a in enumerate([*nest.reads, *nest.extra_reads, *nest.writes])]
    first, second = len(nest.ins), len(nest.ins) + len(nest.extras)
    return Facts(
        nest,
        loops,
        tuple(nest.iterations),
        tuple(d.in_registers for d in loops),
        tuple(d.is_reduction for d in loops),
        tuple(places[:first]),
        tuple(places[first:second]),
        tuple(places[second:]),
        marked[0] if marked else None,
        loops[marked[0]].lanes.data if marked else 1,
        flat,
    )
