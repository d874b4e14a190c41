"""A board with the right image on it: asked who it is, flashed where it is another, asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ..boards.silicon import SiliconBoard
from .flash import flash
from .hardware_map import MapEntry
from .image import Image
from .line import BoardIdentity, Line, Refusal, RetryTimeouts
from .line_errors import BoardBusy, BoardReset, BoardSilent, FlashFailed, LineGarbled, LineUnavailable
from .port import Port, also_open, open_port

START_SECONDS = 10.0
"""Seconds within which a board answers after it was flashed: the system may find its adapter anew."""
_AGAIN_SECONDS = 0.2
_LOCKS: dict[str, threading.Lock] = {}
_NOT_OURS = (BoardSilent, BoardBusy, BoardReset, LineGarbled)


@dataclass(frozen=True)
class Connection:
    """A line whose far side has the image that was asked for."""

    line: Line
    identity: BoardIdentity
    flashed: bool


@contextmanager
def connected(
    entry: MapEntry, kind: SiliconBoard, image: Image, patience: RetryTimeouts, seconds: float
) -> Iterator[Connection]:
    """The board of a map with an image; flashed only where it has another. Others of this process wait for it.
    Raises the outcomes of a line and of flashing."""
    with _LOCKS.setdefault(entry.place, threading.Lock()), _naming_another_reader(entry):
        with open_port(entry) as port:
            line = Line(port, entry.place, patience, seconds)
            identity = _asked(line, entry)
            if _has(identity, image):
                assert isinstance(identity, BoardIdentity)
                yield Connection(line, identity, flashed=False)
                return
        flash(entry, kind, image)
        with _reopened(entry, image, patience, seconds) as connection:
            yield connection


@contextmanager
def _naming_another_reader(entry: MapEntry) -> Iterator[None]:
    """One that takes characters off the line, and is why nothing whole comes, is named."""
    try:
        yield
    except (BoardSilent, BoardBusy, LineGarbled) as error:
        other = also_open(entry.serial)
        if not other:
            raise
        raise type(error)(f"{error} Meanwhile {other} has {entry.serial} open as well: end that.", error.log) from None


@contextmanager
def _reopened(entry: MapEntry, image: Image, patience: RetryTimeouts, seconds: float) -> Iterator[Connection]:
    """The board once it is up again."""
    with ExitStack() as stack:
        line = Line(_port_in_time(stack, entry), entry.place, patience, seconds)
        identity = line.identify()
        if not _has(identity, image):
            raise FlashFailed(
                f"The board {entry.id} was flashed, and what answers on {entry.place} is {_described(identity)}: see"
                " that `serial` and `id` in the hardware map are of the same board."
            )
        assert isinstance(identity, BoardIdentity)
        yield Connection(line, identity, flashed=True)


def _port_in_time(stack: ExitStack, entry: MapEntry) -> Port:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return stack.enter_context(open_port(entry))
        except LineUnavailable:
            if time.monotonic() > end:
                raise
            time.sleep(_AGAIN_SECONDS)


def _asked(line: Line, entry: MapEntry) -> BoardIdentity | Refusal | None:
    """The board's identity or refusal. None if a board does not answer as ours do; it is then flashed. With another
    reader on the line nobody can know that."""
    try:
        return line.identify()
    except _NOT_OURS:
        if also_open(entry.serial):
            raise
        return None


def _has(identity: BoardIdentity | Refusal | None, image: Image) -> bool:
    return isinstance(identity, BoardIdentity) and (identity.image_checksum, identity.job_checksum) == (
        image.image_checksum,
        image.job_checksum,
    )


def _described(identity: BoardIdentity | Refusal) -> str:
    if isinstance(identity, Refusal):
        return f"firmware of the harness that refuses its own job (error {identity.status}, {identity.detail})"
    return f"another image (checksums {identity.image_checksum:08x} and {identity.job_checksum:08x})"
