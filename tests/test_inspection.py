"""What people read of a compilation: every level, the way of each kernel, the dump of passes, the counts."""

import shutil
import subprocess
from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.parser import Parser

from penstock import driver
from penstock.api import TEXT_SUFFIXES, write
from penstock.backends.llvm.compile import compile_text
from penstock.backends.targets import target
from penstock.cli import cli
from penstock.errors import PenstockError
from penstock.extensions import extended
from penstock.inspection import LEVELS, Inspection, schedules
from penstock.package import ENTRY
from penstock.pass_statistics import PassStatistics
from tests.small_model import small_model


@pytest.fixture(scope="module")
def seen() -> Inspection:
    """Take the small model down."""
    return driver.inspected(small_model())


@pytest.fixture(scope="module")
def kernels(seen: Inspection) -> list[str]:
    """The names of its kernels."""
    return [name for name in schedules(seen.scheduled) if name != ENTRY]


@pytest.fixture
def context() -> Context:
    """A context that knows every dialect."""
    return extended().context()


MARKS = {
    "graph": ("graph.matmul", "nest.compute"),
    "nest": ("nest.compute", "vector 16"),
    "schedule": ("schedule = {", "scf.for"),
    "loops": ("vector.", "nest.compute"),
    "llvm": ("llvm.getelementptr", "scf.for"),
    "ll": ("define void @main(", "builtin.module"),
    "asm": ("\tret", "define"),
}
"""Level -> a text that it has, and one that it has not."""


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_speaks_its_own_language(seen: Inspection, level: str) -> None:
    text = seen.text(level)
    present, absent = MARKS[level]
    assert present in text and absent not in text


@pytest.mark.parametrize("level", [level for level in LEVELS if level not in ("ll", "asm")])
def test_levels_parse_back(seen: Inspection, context: Context, level: str) -> None:
    Parser(context, seen.text(level)).parse_module().verify()


def test_llvm_takes_the_text_of_its_level(seen: Inspection) -> None:
    assert compile_text(seen.text("ll"), target("host")).object.startswith(b"\x7fELF")


def test_a_kernel_is_told_from_the_graph_to_assembly(seen: Inspection, kernels: list[str]) -> None:
    text = "\n".join(seen.kernel(name) for name in kernels)
    assert "graph.matmul" in text
    for present, _ in [MARKS[level] for level in LEVELS if level not in ("graph", "ll")]:
        assert present in text
    titles = [line for line in seen.kernel(kernels[0]).splitlines() if line.startswith("// ----")]
    assert len(titles) == 7
    for name in kernels:
        others = [other for other in kernels if other != name]
        assert not any(f"func.func @{other}(" in seen.kernel(name) for other in others)


def test_what_is_not_there_is_named(seen: Inspection, kernels: list[str]) -> None:
    with pytest.raises(PenstockError, match="no level 'attic'. The levels are: graph, nest, "):
        seen.text("attic")
    for name in ("attic", ENTRY):
        with pytest.raises(PenstockError, match=f"no kernel '{name}'. The kernels are: {kernels[0]}"):
            seen.kernel(name)


def test_dump_has_every_pass_and_every_kernel(tmp_path: Path, context: Context, kernels: list[str]) -> None:
    driver.build(small_model(), dump_dir=tmp_path)
    passes = [each.name for phase in extended().phases[:4] for each in phase.passes]
    files = sorted(path.name for path in tmp_path.glob("*.mlir"))
    assert files == [f"{n:03}-{name}.mlir" for n, name in enumerate(["import", *passes])]
    for name in files:
        Parser(context, (tmp_path / name).read_text()).parse_module()
    wanted = ["1-nest.mlir", "2-loops.mlir", "3-llvm.mlir", "4.ll", "5.s"]
    for kernel in [ENTRY, *kernels]:
        assert sorted(path.name for path in (tmp_path / "kernels" / kernel).iterdir()) == wanted


def test_dump_leaves_out_what_did_not_change(tmp_path: Path) -> None:
    driver.build(small_model(), dump_dir=tmp_path)
    texts = [path.read_text() for path in sorted(tmp_path.glob("*.mlir"))]
    assert "unchanged" not in texts[0] and any("// @main is unchanged" in text for text in texts)
    for text in texts:
        assert ("func.func @main" in text) != ("// @main is unchanged" in text)
        assert "graph.resource" in text or "dense<[" not in text


def test_counts_are_those_of_the_passes() -> None:
    counted = PassStatistics()
    driver.build(small_model(), watcher=counted)
    names = [each.name for phase in extended().phases for each in phase.passes]
    whole = [record for record in counted.records if record.phase not in ("loops", "llvm")]
    assert [record.name for record in counted.records] in (names, [record.name for record in whole])
    for before, after in zip(whole, whole[1:], strict=False):
        assert before.after == after.before
    for record in counted.records:
        assert record.after - record.before == sum(record.change.values())
    lowered = next(record for record in whole if record.name == "lower-graph-to-nest")
    assert lowered.change["graph.matmul"] == -1 and lowered.change["nest.compute"] > 0


@pytest.mark.parametrize("suffix", sorted(TEXT_SUFFIXES))
def test_code_is_written_as_text(seen: Inspection, tmp_path: Path, suffix: str) -> None:
    written = write(small_model(), tmp_path / "new" / f"small{suffix}")
    assert written.files == (tmp_path / "new" / f"small{suffix}",)
    assert written.files[0].read_text() == seen.text(TEXT_SUFFIXES[suffix]).rstrip() + "\n"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_assembly_of_all_kernels_assembles(tmp_path: Path) -> None:
    write(small_model(), tmp_path / "small.s")
    subprocess.run(["gcc", "-c", tmp_path / "small.s", "-o", tmp_path / "small.o"], check=True)


def test_commands_show_it(tmp_path: Path, kernels: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    model, artefact = tmp_path / "small.onnx", tmp_path / "small.penstock"
    model.write_bytes(small_model())
    lines = {
        f"compile {model} -o {artefact} --timing": ("lower-graph-to-nest", "LLVM: ", "bytes of code"),
        f"inspect {model} --kernels": (kernels[0], "lanes of"),
        f"inspect {model} --kernel {kernels[0]}": ("// ---- assembly",),
        f"inspect {model} --level schedule": ("schedule = {",),
        f"inspect {artefact}": ("x.left", "3x20", kernels[0], "offset", "contract-fma"),
        f"run {artefact} --random 0": ("total",),
    }
    for line, expected in lines.items():
        cli.main(line.split(), standalone_mode=False)
        printed = capsys.readouterr().out
        assert [text for text in expected if text not in printed] == [], line
