"""What a conversion wrote: the files, their hashes, the signature, and how it was made."""

from __future__ import annotations

from pathlib import Path


import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quantisation(Frozen):
    """Affine quantisation of a whole tensor: real = scale * (stored - zero_point)."""

    scale: float
    zero_point: int


class TensorInfo(Frozen):
    """One input or output of an artifact.

    `name` is the canonical name: the one of the source model's signature, under which golden tensors are kept.
    `tensor` is what the runtime calls it.
    """

    name: str
    tensor: str
    index: int
    shape: tuple[int, ...]
    dtype: str
    quantisation: Quantisation | None = None

    def quantise(self, values: NDArray[np.floating]) -> NDArray[np.generic]:
        """Real values to the stored type; rounds half away from zero as TFLite's QUANTIZE does. Any shape."""
        if self.quantisation is None:
            return values.astype(self.dtype)
        scaled = values.astype(np.float32) / np.float32(self.quantisation.scale)
        rounded = np.sign(scaled) * np.floor(np.abs(scaled) + np.float32(0.5)) + self.quantisation.zero_point
        limits = np.iinfo(self.dtype)
        return np.clip(rounded, limits.min, limits.max).astype(self.dtype)

    def dequantise(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Stored values to real ones (float32) where the tensor is quantised; unchanged otherwise. Any shape."""
        if self.quantisation is None:
            return values
        shifted = values.astype(np.float32) - np.float32(self.quantisation.zero_point)
        return shifted * np.float32(self.quantisation.scale)


class FileHash(Frozen):
    path: str
    bytes: int
    sha256: str


class Artifact(Frozen):
    """One converted model in the artifact cache. `directory` is where its files are now; it is not part of its identity."""

    model: str
    format: str
    variant: str
    key: str
    """Content address: the hash of source, recipe and converter versions."""
    digest: str
    """Hash over the paths and hashes of all files: equal digests are equal bytes."""
    entry: str
    """The file that a runtime opens (`model.tflite`, `model.json`), relative to `directory`."""
    files: tuple[FileHash, ...]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: dict[str, int]
    """Operator name to count, as the format names them (`CONV_2D`, `FlexErf`, `_FusedConv2D`)."""
    converter: dict[str, str]
    """Package name to version of everything that took part."""
    seconds: float
    directory: Path

    @property
    def path(self) -> Path:
        return self.directory / self.entry

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)



