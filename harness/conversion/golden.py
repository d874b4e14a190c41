"""A model's golden as the engine holds it, and as it lies on disk."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from harness.named_arrays import first_samples, read_arrays, write_arrays

ATTEMPTS = 10


@dataclass(frozen=True)
class Golden:
    """Inputs and TensorFlow float32 outputs in real units, (samples, *shape) each; labels (samples,) or None."""

    inputs: dict[str, NDArray[Any]]
    outputs: dict[str, NDArray[Any]]
    labels: NDArray[Any] | None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def first(self, samples: int) -> Golden:
        """The golden with its first `samples` samples only."""
        labels = None if self.labels is None else self.labels[:samples]
        return Golden(first_samples(self.inputs, samples), first_samples(self.outputs, samples), labels)


def read_golden(path: Path) -> Golden:
    """The golden that a preparation wrote."""
    arrays = read_arrays_with_retry(path)
    return Golden(
        {name[3:]: values for name, values in arrays.items() if name.startswith("in:")},
        {name[4:]: values for name, values in arrays.items() if name.startswith("out:")},
        arrays.get("labels"),
    )


def read_arrays_with_retry(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file. NumPy has Python parse the header of each, which CPython 3.11 fails at with `SystemError`
    where another thread parses in the same instant (`harness.errors.PARSING`): then they are read again."""
    for _ in range(ATTEMPTS):
        with suppress(SystemError):
            return read_arrays(path)
    return read_arrays(path)


def write_golden(path: Path, golden: Golden) -> None:
    """Writes the golden in the form that `read_golden` takes."""
    arrays = {f"in:{name}": values for name, values in golden.inputs.items()}
    arrays |= {f"out:{name}": values for name, values in golden.outputs.items()}
    if golden.labels is not None:
        arrays["labels"] = golden.labels
    write_arrays(path, arrays)
