"""The features of a processor, as Linux names them in the two words that a program is told at its start."""

from __future__ import annotations

_HWCAP = """fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3
sm3 sm4 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg"""
"""Names of the bits of arch/arm64/include/uapi/asm/hwcap.h, in the order of the bits."""
_HWCAP2 = """dcpodp sve2 sveaes svepmull svebitperm svesha3 svesm4 flagm2 frint svei8mm svef32mm svef64mm svebf16 i8mm
bf16 dgh rng bti"""


def features_of(hwcap: int, hwcap2: int) -> str:
    """The names of the bits that are set, separated by blanks; those beyond the lists are left out."""
    words = ((hwcap, _HWCAP), (hwcap2, _HWCAP2))
    return " ".join(name for word, names in words for index, name in enumerate(names.split()) if word >> index & 1)
