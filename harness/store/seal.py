"""The seal of a record's file: its first member is the hash of all the rest, so that a flipped byte is noticed.

A sealed file is the JSON object `{"seal":"sha256:<64 hexadecimal digits>",…}`; the hash is over the bytes of the same
object without that member. Records without a seal, as another program may write them, are taken as they are.
"""

from __future__ import annotations

import hashlib
import re

_SEALED = re.compile(r'\{"seal":"sha256:([0-9a-f]{64})",')


class BrokenSeal(ValueError):
    """The text is not what was written."""


def seal(text: str) -> str:
    """`text`, a JSON object with at least one member, with its seal. Raises ValueError where it is no such text."""
    if not text.startswith('{"'):
        raise ValueError("only a compact JSON object with members can be sealed")
    return f'{{"seal":"sha256:{_digest(text)}",{text[1:]}'


def unseal(text: str) -> str:
    """The object without its seal; `text` itself where it has none. Raises `BrokenSeal`."""
    found = _SEALED.match(text)
    if found is None:
        return text
    inner = "{" + text[found.end() :]
    if _digest(inner) != found[1]:
        raise BrokenSeal("its bytes are not those that were written")
    return inner


def is_whole(text: str) -> bool:
    """Whether `text` has a seal, and is what was written."""
    try:
        return unseal(text) is not text
    except BrokenSeal:
        return False


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
