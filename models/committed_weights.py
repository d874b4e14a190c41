"""Weights trained once by the project and committed: a file under `models/weights/` and the hash it must have."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "weights"


class WeightsError(ValueError):
    """The committed weights cannot be trusted or do not fit the network."""


@dataclass(frozen=True)
class CommittedWeights:
    """An `.npz` of float32 arrays, in the order of the network's layers, and its SHA-256."""

    file: str
    sha256: str

    @property
    def path(self) -> Path:
        return FOLDER / self.file

    def load(self) -> list[NDArray[np.float32]]:
        """The arrays in layer order; raises `WeightsError` if the file is missing or is not the one declared."""
        if not self.path.is_file():
            raise WeightsError(f"{self.path} is missing: check it out again (it is committed)")
        content = self.path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise WeightsError(
                f"{self.path} has SHA-256 {found}, its model file says {self.sha256}: "
                "check the file out again, or state the new hash if it was trained anew on purpose"
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return [arrays[name] for name in sorted(arrays.files)]

    def fill(self, network: Any) -> Any:
        """The Keras network, holding these weights."""
        arrays = self.load()
        expected = [tuple(weight.shape) for weight in network.weights]
        if expected != [array.shape for array in arrays]:
            raise WeightsError(f"{self.path} does not fit the network of its model file: train it anew")
        network.set_weights(arrays)
        return network

    def save(self, arrays: list[NDArray[np.float32]]) -> str:
        """Write the arrays and return the hash of the file.

        Not compressed: the bytes then do not depend on the version of a compression library.
        """
        named = {f"weight_{index:03d}": np.asarray(array, dtype=np.float32) for index, array in enumerate(arrays)}
        content = io.BytesIO()
        np.savez(content, **cast(Any, named))  # the stubs take a keyword for `allow_pickle`
        FOLDER.mkdir(exist_ok=True)
        self.path.write_bytes(content.getvalue())
        return hashlib.sha256(content.getvalue()).hexdigest()
