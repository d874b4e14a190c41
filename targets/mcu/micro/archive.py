"""Reads a static library (`ar`) of Arm objects: what it defines, what it asks for, and the ABI it was built for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from harness.errors import Unavailable

_MAGIC = b"!<arch>\n"
_HEADER_BYTES = 60
_SPECIAL = (b"/ ", b"// ", b"/SYM64/ ", b"__.SYMDEF")
# Tag_CPU_arch of the Arm ABI's build attributes ("Addenda to, and Errata in, the ABI for the Arm Architecture").
ARCHITECTURES = {
    1: "v4",
    2: "v4T",
    3: "v5T",
    4: "v5TE",
    6: "v6",
    9: "v6K",
    10: "v7",
    11: "v6-M",
    12: "v6S-M",
    13: "v7E-M",
    14: "v8-A",
    16: "v8-M.baseline",
    17: "v8-M.mainline",
    21: "v8.1-M.mainline",
}


@dataclass(frozen=True)
class Abi:
    """What must agree between all objects of an image. `float_abi` is the compiler's word: soft, softfp or hard."""

    architecture: str
    float_abi: str


@dataclass(frozen=True)
class Contents:
    """`defined` and `undefined` are names of global symbols."""

    abis: frozenset[Abi]
    defined: frozenset[str]
    undefined: frozenset[str]
    objects: int


def read_archive(path: Path) -> Contents:
    """All objects of a library. Raises `Unavailable`, in a sentence, for anything that is not one of Arm objects."""
    abis: set[Abi] = set()
    defined: set[str] = set()
    undefined: set[str] = set()
    objects = 0
    try:
        for member in _members(path.read_bytes()):
            image = ELFFile(io.BytesIO(member))
            if image["e_machine"] != "EM_ARM":
                raise Unavailable(f"{path} holds objects for {_machine(image)}, not for an Arm microcontroller.")
            objects += 1
            abis.add(_abi(image))
            table = image.get_section_by_name(".symtab")
            for symbol in table.iter_symbols() if table is not None else ():
                if symbol["st_info"]["bind"] in ("STB_GLOBAL", "STB_WEAK"):
                    (undefined if symbol["st_shndx"] == "SHN_UNDEF" else defined).add(symbol.name)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from error
    except (ELFError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise Unavailable(f"{path} is not a static library of Arm objects: {error}.") from error
    if not objects:
        raise Unavailable(f"{path} holds no objects.")
    return Contents(frozenset(abis), frozenset(defined), frozenset(undefined), objects)


def _members(data: bytes) -> Iterator[bytes]:
    if not data.startswith(_MAGIC):
        raise ValueError("it does not begin as one (a thin archive, which only points at its objects, is none)")
    position = len(_MAGIC)
    while position + _HEADER_BYTES <= len(data):
        header = data[position : position + _HEADER_BYTES]
        if header[58:60] != b"`\n":
            raise ValueError(f"the header at byte {position} is damaged")
        size = int(header[48:58])
        start = position + _HEADER_BYTES
        if start + size > len(data):
            raise ValueError("it is truncated")
        if not header.startswith(_SPECIAL):
            yield data[start : start + size]
        position = start + size + size % 2


def _machine(image: ELFFile) -> str:
    return str(image["e_machine"]).removeprefix("EM_").lower().replace("_", "-")


def _abi(image: ELFFile) -> Abi:
    tags: dict[str, int] = {}
    section = image.get_section_by_name(".ARM.attributes")
    for vendor in section.iter_subsections("aeabi") if section is not None else ():
        for scope in vendor.iter_subsubsections("TAG_FILE"):
            tags.update({a.tag: a.value for a in scope.iter_attributes() if isinstance(a.value, int)})
    architecture = ARCHITECTURES.get(tags.get("TAG_CPU_ARCH", 0), "an unknown architecture")
    if tags.get("TAG_ABI_VFP_ARGS", 0) == 1:
        return Abi(architecture, "hard")
    return Abi(architecture, "softfp" if tags.get("TAG_FP_ARCH", 0) else "soft")
