"""What a schedule must know of the machine, an attribute of a module: `nest.machine = {lanes = 16, ...}`."""

from dataclasses import asdict, dataclass, fields

from xdsl.dialects.builtin import DictionaryAttr, IntegerAttr, ModuleOp, i64
from xdsl.ir import Attribute

from penstock.dialects.element_types import byte_size

ATTRIBUTE = "nest.machine"


@dataclass(frozen=True)
class Machine:
    """Vector registers, ports and caches of one core; sizes in bytes."""

    vector_bytes: int = 32
    registers: int = 16
    arithmetic_ports: int = 2
    load_ports: int = 2
    latency: int = 4
    l1: int = 32768
    l2: int = 1048576
    fma: bool = True
    rounds: bool = True
    """Whether it rounds to integers by an instruction."""
    has_f16_conversion: bool = True
    """Whether it converts f16 by an instruction."""

    def lanes(self, element: Attribute) -> int:
        """Elements of a type in one vector register."""
        return max(self.vector_bytes // byte_size(element), 1)

    @staticmethod
    def of(module: ModuleOp) -> "Machine":
        """The machine a module is compiled for; a modest one when it does not say."""
        given = module.attributes.get(ATTRIBUTE)
        if not isinstance(given, DictionaryAttr):
            return Machine()
        numbers = {k: v.value.data for k, v in given.data.items() if isinstance(v, IntegerAttr)}
        known = {f.name: numbers[f.name] for f in fields(Machine) if f.name in numbers}
        has_fma, rounds = bool(known.pop("fma", True)), bool(known.pop("rounds", True))
        converts = bool(known.pop("has_f16_conversion", True))
        return Machine(**known, fma=has_fma, rounds=rounds, has_f16_conversion=converts)

    def attach(self, module: ModuleOp) -> None:
        """Say it on the module."""
        numbers = {k: IntegerAttr(int(v), i64) for k, v in asdict(self).items()}
        module.attributes[ATTRIBUTE] = DictionaryAttr(numbers)
