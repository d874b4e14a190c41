"""Where each buffer lies in the arena: buffers that are never alive together may share bytes."""

from __future__ import annotations

from dataclasses import dataclass

from .format import ALIGNMENT


@dataclass(eq=False)
class Storage:
    """A buffer of the arena, alive from operator `first` to operator `last`, both included."""

    nbytes: int
    first: int
    last: int
    offset: int = -1

    @property
    def padded(self) -> int:
        return max(ALIGNMENT, -(-self.nbytes // ALIGNMENT) * ALIGNMENT)

    def overlaps_in_time(self, other: Storage) -> bool:
        return self.first <= other.last and other.first <= self.last


def lay_out(storages: list[Storage]) -> int:
    """Gives every storage its offset and returns the arena's size in bytes.

    Greedy by size, as TensorFlow Lite Micro's planner does: the largest buffers first, each in the lowest gap that is
    free for as long as it lives.
    """
    placed: list[Storage] = []
    for storage in sorted(storages, key=lambda s: (-s.padded, s.first)):
        offset = 0
        for other in sorted((p for p in placed if p.overlaps_in_time(storage)), key=lambda p: p.offset):
            if offset + storage.padded <= other.offset:
                break
            offset = max(offset, other.offset + other.padded)
        storage.offset = offset
        placed.append(storage)
    return max((s.offset + s.padded for s in placed), default=0)
