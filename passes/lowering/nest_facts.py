"""What the lowering of a nest asks again and again, read off the nest once."""

from dataclasses import dataclass

from xdsl.ir import Attribute, SSAValue

from penstock.dialects.nest.access import Access, row_major
from penstock.dialects.nest.clamp import clamped
from penstock.dialects.nest.ops import ComputeOp, DimAttr, Read, Write, element_of, shape_of


@dataclass(frozen=True)
class Place:
    """One access: its buffer, also as a flat view, and how far each loop moves in it."""

    position: int
    flat: SSAValue
    element: Attribute
    shape: tuple[int, ...]
    access: Access
    strides: tuple[int, ...]
    """Elements per iteration of each loop."""
    offset: int
    outside: Attribute | None
    clamped_axes: frozenset[int]

    def constant_part(self, lane: tuple[int, ...]) -> int:
        """The part of the linear address that the loops in registers give."""
        return self.offset + sum(s * at for s, at in zip(self.strides, lane, strict=True) if at)


@dataclass(frozen=True)
class Facts:
    """A nest as its lowering sees it."""

    nest: ComputeOp
    loops: tuple[DimAttr, ...]
    extents: tuple[int, ...]
    in_registers: tuple[bool, ...]
    reduces: tuple[bool, ...]
    reads: tuple[Place, ...]
    extras: tuple[Place, ...]
    writes: tuple[Place, ...]
    vector_loop: int | None
    width: int

    @property
    def places(self) -> tuple[Place, ...]:
        """All accesses in the order of the operands."""
        return (*self.reads, *self.extras, *self.writes)

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
        shape = shape_of(access.buffer)
        steps = row_major(shape)
        return Place(
            position,
            flat[access.buffer],
            element_of(access.buffer),
            shape,
            access.access,
            tuple(
                sum(r[i] * s for r, s in zip(access.access.rows, steps, strict=True))
                for i in range(len(loops))
            ),
            sum(o * s for o, s in zip(access.access.offsets, steps, strict=True)),
            access.outside if isinstance(access, Read) else None,
            frozenset(axis for read, axis in fixed if read == position),
        )

    places = [place(i, a) for i, a in enumerate([*nest.reads, *nest.extra_reads, *nest.writes])]
    first, second = len(nest.ins), len(nest.ins) + len(nest.extras)
    return Facts(
        nest,
        loops,
        tuple(nest.extents),
        tuple(d.in_registers for d in loops),
        tuple(d.is_reduction for d in loops),
        tuple(places[:first]),
        tuple(places[first:second]),
        tuple(places[second:]),
        marked[0] if marked else None,
        loops[marked[0]].lanes.data if marked else 1,
    )
