"""Objects linked into an image, images loaded and called, and written as object files for other programs."""

import ctypes
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from penstock.backends.llvm import (
    Image,
    LinkError,
    NativeImage,
    Symbol,
    compile_text,
    emit_object,
    link,
    to_shared,
)
from penstock.backends.targets import target
from penstock.errors import TargetError

HOST = target("x86-64")
KERNEL = """
define void @kernel(ptr %x, ptr %y) #0 {
  %v = load <4 x float>, ptr %x, align 4
  %w = fmul <4 x float> %v, <float 1.0, float 2.0, float 3.0, float 4.0>
  store <4 x float> %w, ptr %y, align 4
  ret void
}
attributes #0 = { nounwind }
"""
MAIN = """
declare void @kernel(ptr, ptr)
define void @main(ptr %x, ptr %y) #0 {
  call void @kernel(ptr %x, ptr %y)
  call void @kernel(ptr %y, ptr %y)
  ret void
}
attributes #0 = { nounwind }
"""
SWITCH = """
define void @choose(ptr %x) #0 {
  %v = load i32, ptr %x, align 4
  switch i32 %v, label %d [ i32 0, label %a i32 1, label %b i32 2, label %c i32 3, label %e i32 4, label %f ]
a: store i32 17, ptr %x, align 4
  ret void
b: store i64 4, ptr %x, align 4
  ret void
c: fence seq_cst
  ret void
e: store i32 99, ptr %x, align 4
  fence seq_cst
  ret void
f: store i16 5, ptr %x, align 2
  ret void
d: ret void
}
attributes #0 = { nounwind }
"""


def objects(*texts: str) -> list[bytes]:
    """Machine code of LLVM IR texts."""
    return [compile_text(text, HOST).object for text in texts]


def test_main_calls_a_kernel_of_another_object() -> None:
    for order in (objects(MAIN, KERNEL), objects(KERNEL, MAIN)):
        image = link(order)
        x, y = np.ones(4, np.float32), np.zeros(4, np.float32)
        NativeImage(image).function("main")(x.ctypes.data, y.ctypes.data)
        assert y.tolist() == [1, 4, 9, 16]
        assert set(image.symbols) == {"main", "kernel"}
        assert all(symbol.size > 0 for symbol in image.symbols.values())


def test_image_runs_wherever_it_is_and_is_the_same_every_time() -> None:
    image = link(objects(MAIN, KERNEL))
    assert image == link(objects(MAIN, KERNEL))
    places = {NativeImage(image).address("main") for _ in range(2)}
    loaded = [NativeImage(image) for _ in range(3)]
    places = {one.address("main") for one in loaded}
    assert len(places) == 3


def test_jump_tables_in_constants_are_relocated() -> None:
    (data,) = objects(SWITCH)
    tables = [s.name for s in ELFFile(io.BytesIO(data)).iter_sections() if isinstance(s, RelocationSection)]
    choose = NativeImage(link([data])).function("choose")
    x = np.zeros(2, np.int32)
    for before, after in ((0, 17), (1, 4), (2, 2), (3, 99), (4, 5), (7, 7)):
        x[:] = before, 0
        choose(x.ctypes.data)
        assert x[0] == after
    assert ".rela.rodata" in tables


def test_what_cannot_be_linked_is_named() -> None:
    with pytest.raises(LinkError, match="undefined symbols: kernel"):
        link(objects(MAIN))
    with pytest.raises(LinkError, match="'kernel' is defined twice"):
        link(objects(KERNEL, KERNEL))
    with pytest.raises(LinkError, match="not an ELF file"):
        link([b"text"])
    with pytest.raises(LinkError, match=r"section \.(data|bss)"):
        link(objects("@state = global i32 7\n"))
    absolute = "@f = constant ptr @g\ndefine void @g() { ret void }\n"
    with pytest.raises(LinkError, match=r"section \.data\.rel\.ro"):
        link(objects(absolute))


def test_external_data_is_no_function_call() -> None:
    """A reference through the global offset table has nothing to go through."""
    text = "@far = external global i32\ndefine i32 @f() {\n %v = load i32, ptr @far\n ret i32 %v\n}\n"
    with pytest.raises(LinkError, match="undefined symbols: far"):
        link(objects(text))


def test_executable_memory_is_not_writable() -> None:
    native = NativeImage(link(objects(KERNEL)))
    address = native.address("kernel")
    for line in Path("/proc/self/maps").read_text().splitlines():
        low, high = (int(end, 16) for end in line.split()[0].split("-"))
        if low <= address < high:
            assert line.split()[1].startswith("r-x")
            return
    raise AssertionError("the code is not mapped")


def test_function_outlives_its_image() -> None:
    function = NativeImage(link(objects(KERNEL))).function("kernel")
    filler = [NativeImage(link(objects(MAIN, KERNEL))) for _ in range(3)]
    x, y = np.ones(4, np.float32), np.zeros(4, np.float32)
    function(x.ctypes.data, y.ctypes.data)
    assert y.tolist() == [1, 2, 3, 4] and len(filler) == 3


def test_unknown_functions_and_empty_images_are_named() -> None:
    with pytest.raises(TargetError, match="no function 'other'.*kernel"):
        NativeImage(link(objects(KERNEL))).function("other")
    with pytest.raises(TargetError, match="without code"):
        NativeImage(Image(b"", {}))


def test_loading_code_needs_no_compiler() -> None:
    program = "import sys, penstock.backends.llvm.native, penstock.backends.targets\n"
    program += "print([m for m in ('llvmlite', 'elftools', 'xdsl', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def closed_object(weights: bytes) -> bytes:
    """The image of KERNEL and MAIN as an object, with weights."""
    exports = {"net_run": "main", "net_kernel": "kernel"}
    return emit_object(link(objects(MAIN, KERNEL)), weights, HOST, exports, "net_weights")


def test_object_is_closed_and_the_same_every_time() -> None:
    data = closed_object(bytes(range(200)))
    assert data == closed_object(bytes(range(200)))
    elf = ELFFile(io.BytesIO(data))
    assert not [s for s in elf.iter_sections() if isinstance(s, RelocationSection)]
    (table,) = [s for s in elf.iter_sections() if isinstance(s, SymbolTableSection)]
    symbols = {s.name: s for s in table.iter_symbols() if s.name}
    assert {name for name, s in symbols.items() if s["st_info"]["bind"] == "STB_GLOBAL"} == {
        "net_run",
        "net_kernel",
        "net_weights",
    }
    assert not [name for name, s in symbols.items() if s["st_shndx"] == "SHN_UNDEF"]
    assert symbols["net_weights"]["st_size"] == 200
    assert symbols["net_run"]["st_info"]["type"] == "STT_FUNC"


def test_object_links_into_a_program(tmp_path: Path) -> None:
    compiler = c_compiler()
    (tmp_path / "net.o").write_bytes(closed_object(bytes([7, 8, 9])))
    (tmp_path / "main.c").write_text("""
        #include <stdint.h>
        void net_run(float *, float *);
        extern const unsigned char net_weights[3];
        int main(void) {
            float x[4] = {1, 1, 1, 1}, y[4];
            if ((uintptr_t)net_weights % 64) return 1;
            net_run(x, y);
            return y[0] == 1 && y[1] == 4 && y[3] == 16 && net_weights[2] == 9 ? 0 : 2;
        }""")
    subprocess.run([compiler, "main.c", "net.o", "-o", "program"], cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "program"], check=False).returncode == 0


def test_object_makes_a_shared_library(tmp_path: Path) -> None:
    c_compiler()
    (tmp_path / "net.o").write_bytes(closed_object(b"weights"))
    to_shared(tmp_path / "net.o", tmp_path / "libnet.so")
    library = ctypes.CDLL(str(tmp_path / "libnet.so"))
    x, y = np.ones(4, np.float32), np.zeros(4, np.float32)
    library["net_run"](ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data))
    assert y.tolist() == [1, 4, 9, 16]


def c_compiler() -> str:
    """The C compiler that is there; the test is skipped without one."""
    for folder in os.get_exec_path():
        if (Path(folder) / "cc").exists():
            return str(Path(folder) / "cc")
    pytest.skip("there is no C compiler")


def test_shared_library_without_a_linker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match="needs a linker"):
        to_shared(tmp_path / "net.o", tmp_path / "libnet.so")


def test_linker_errors_are_passed_on(tmp_path: Path) -> None:
    c_compiler()
    (tmp_path / "net.o").write_bytes(b"nothing")
    with pytest.raises(TargetError, match="cannot link"):
        to_shared(tmp_path / "net.o", tmp_path / "libnet.so")


def test_what_cannot_be_emitted_is_named() -> None:
    image = Image(b"\xc3", {"f": Symbol(0, 1)})
    with pytest.raises(LinkError, match="no function g"):
        emit_object(image, b"", HOST, {"a": "g"}, "w")
    with pytest.raises(LinkError, match="cannot be written"):
        emit_object(image, b"", HOST, {'a"b': "f"}, "w")
