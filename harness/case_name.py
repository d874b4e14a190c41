"""The name of a case: `model/variant/target`, as people write it and as every result is found again.

Where a target is at several places, each makes a case of its own, and its target is written `target@place`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.errors import HarnessError

AT = "@"


@dataclass(frozen=True, order=True)
class CaseName:
    """One cell of the matrix by name. Two names are equal where model, variant and target are."""

    model: str
    variant: str
    target: str
    format: str = field(default="", compare=False, kw_only=True)
    """The artifact format that the target takes; empty where the name was read and nobody has looked it up."""
    base: str = field(default="", compare=False, kw_only=True)
    """The variant that a project's own variant differs from; empty for every other."""

    @classmethod
    def parse(cls, text: str) -> CaseName:
        """The name that `text` writes out. Raises `HarnessError` where it is none."""
        parts = text.split("/", 2)
        if len(parts) != 3 or not all(parts):
            raise HarnessError(
                f"'{text}' is no case; write MODEL/VARIANT/TARGET, as digits_cnn/int8/tflite/litert-xnnpack."
            )
        return cls(*parts)

    @property
    def runtime(self) -> str:
        """The target without its place: the name that rules are for, and that a place is asked for."""
        return runtime_of(self.target)

    def __str__(self) -> str:
        return f"{self.model}/{self.variant}/{self.target}"


def target_at(target: str, place: str) -> str:
    """The target of a case that several places have."""
    return f"{target}{AT}{place}"


def runtime_of(target: str) -> str:
    """The target of a case without its place, where it names one."""
    return target.partition(AT)[0]


def place_of(target: str) -> str:
    """The place in the target of a case; empty where it names none."""
    return target.partition(AT)[2]
