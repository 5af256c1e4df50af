"""From the llvm dialect to object code, linked images and functions that can be called.

Names are loaded when they are first used: running a saved artefact needs neither LLVM nor the ELF reader.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.backends.llvm.compile import ObjectCode as ObjectCode
    from penstock.backends.llvm.compile import compile_module as compile_module
    from penstock.backends.llvm.compile import compile_text as compile_text
    from penstock.backends.llvm.emit import emit_object as emit_object
    from penstock.backends.llvm.emit import to_shared as to_shared
    from penstock.backends.llvm.image import Image as Image
    from penstock.backends.llvm.image import LinkError as LinkError
    from penstock.backends.llvm.image import Symbol as Symbol
    from penstock.backends.llvm.linker import link as link
    from penstock.backends.llvm.native import NativeImage as NativeImage
    from penstock.backends.llvm.translator import translate as translate

_HOMES = {
    "ObjectCode": "compile",
    "compile_module": "compile",
    "compile_text": "compile",
    "emit_object": "emit",
    "to_shared": "emit",
    "Image": "image",
    "LinkError": "image",
    "Symbol": "image",
    "link": "linker",
    "NativeImage": "native",
    "translate": "translator",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found
