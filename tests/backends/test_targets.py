"""The table of targets, the running machine, and what code for a target needs."""

from pathlib import Path

import pytest

from penstock.backends import targets
from penstock.backends.llvm import compile_text
from penstock.backends.targets import host, missing_features, target, target_names
from penstock.errors import TargetError

VECTORS = """
define void @f(ptr %x, ptr %y) {
  %v = load <16 x float>, ptr %x, align 4
  %w = fadd <16 x float> %v, %v
  store <16 x float> %w, ptr %y, align 4
  ret void
}
"""


@pytest.mark.parametrize(
    ("name", "bits", "registers", "fma", "masks", "register"),
    [
        ("x86-64", 128, 16, False, False, "%xmm"),
        ("x86-64-v2", 128, 16, False, False, "%xmm"),
        ("x86-64-v3", 256, 16, True, False, "%ymm"),
        ("x86-64-v4", 512, 32, True, True, "%zmm"),
        ("x86-64-v4-vnni", 512, 32, True, True, "%zmm"),
    ],
)
def test_named_targets(name: str, bits: int, registers: int, fma: bool, masks: bool, register: str) -> None:
    found = target(name)
    assert (found.vector_bits, found.vector_registers) == (bits, registers)
    assert (found.fma, found.has_masked_memory) == (fma, masks)
    assert found.l1d < found.l2 < found.l3
    assembly = compile_text(VECTORS, found, with_assembly=True).assembly
    assert assembly is not None and register in assembly


def test_dot_products_follow_from_features() -> None:
    assert target("x86-64-v4").dot_products == ()
    assert target("x86-64-v4-vnni").dot_products == ("vpdpbusd",)


def test_host_is_at_least_a_named_target_that_runs_here() -> None:
    found = host()
    assert missing_features(found) == []
    assert found == target("host")
    runnable = [target(name) for name in target_names()[:-1] if not missing_features(target(name))]
    assert found.vector_bits == max(other.vector_bits for other in runnable)
    assert found.l1d >= 8 << 10


def test_unknown_target_lists_the_known() -> None:
    with pytest.raises(TargetError, match="no target 'z80'.*x86-64-v3.*host"):
        target("z80")


def cpuinfo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str) -> None:
    """Pretend that the kernel reports these flags."""
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor : 0\nflags : {flags}\n")
    monkeypatch.setattr(targets, "_CPUINFO", path)


def test_missing_features_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cpuinfo(
        monkeypatch,
        tmp_path,
        "cx8 cmov fxsr sse sse2 pni ssse3 cx16 sse4_1 sse4_2 popcnt abm movbe bmi1 bmi2",
    )
    assert missing_features(target("x86-64")) == []
    assert missing_features(target("x86-64-v2")) == []
    assert missing_features(target("x86-64-v3")) == ["avx", "avx2", "f16c", "fma"]


def test_machine_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(targets, "_CPUINFO", tmp_path / "nothing")
    with pytest.raises(TargetError, match="cannot tell"):
        missing_features(target("x86-64-v3"))


def test_cache_sizes_are_read_from_the_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number, (kind, level, size) in enumerate(
        (("Data", 1, "48K"), ("Instruction", 1, "32K"), ("Unified", 2, "2048K"), ("Unified", 3, "32M"))
    ):
        folder = tmp_path / f"index{number}"
        folder.mkdir()
        for name, text in (("type", kind), ("level", level), ("size", size)):
            (folder / name).write_text(f"{text}\n")
    monkeypatch.setattr(targets, "_CACHES", tmp_path)
    host.cache_clear()
    try:
        assert (host().l1d, host().l2, host().l3) == (48 << 10, 2 << 20, 32 << 20)
    finally:
        host.cache_clear()
