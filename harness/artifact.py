"""What a conversion wrote: the files, their hashes, the signature, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from harness.errors import Failed
from harness.quantisation import dequantise, quantise
from harness.ragged import sizes_name, split_samples, stack_samples

State = Literal["none", "variables", "resources"]
"""What a model keeps from one inference to the next: nothing, what its runtime can set back (a recurrent layer's
variables), or resources that only loading it anew brings back."""


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

    def to_stored(self, values: NDArray[Any]) -> NDArray[Any]:
        """Real values to what the artifact takes; any shape."""
        if self.quantisation is None:
            return values.astype(self.dtype, copy=False)
        return quantise(values, self.quantisation.scale, self.quantisation.zero_point, self.dtype)

    def to_real(self, stored: NDArray[Any]) -> NDArray[Any]:
        """What the artifact gives to real values (float32 where it is quantised); any shape."""
        if self.quantisation is None:
            return stored
        return dequantise(stored, self.quantisation.scale, self.quantisation.zero_point)


def real_outputs(outputs: Mapping[str, NDArray[Any]], infos: Sequence[TensorInfo]) -> dict[str, NDArray[Any]]:
    """Stored outputs, as `harness.ragged` keeps them, in real units: what is filled in is zero in these."""
    found: dict[str, NDArray[Any]] = {}
    for info in infos:
        if sizes_name(info.name) in outputs:
            found |= stack_samples(info.name, [info.to_real(values) for values in split_samples(outputs, info.name)])
        else:
            found[info.name] = info.to_real(outputs[info.name])
    return found


class FileHash(Frozen):
    path: str
    bytes: int
    sha256: str


class CustomLibrary(Frozen):
    """The library that registers an artifact's custom operators, and the function in it that does."""

    library: str
    registerer: str
    sha256: str

    NOT_IN_ADDRESS: ClassVar = {"library": "where it is now; its hash says what it holds"}


class Artifact(Frozen):
    """One converted model in the artifact cache."""

    NOT_IN_ADDRESS: ClassVar = {
        "model": "what people call it",
        "variant": "what people call it",
        "key": "how it was made; the digest says what came of it",
        "converter": "how it was made; the digest says what came of it",
        "directory": "where its files are now; the digest says what they hold",
    }
    """Fields that are no part of the address of what is measured of the artifact, with the reason."""

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
    scheme: str = ""
    """The numeric scheme that was read from the file itself (`int8`, `dynamic`, …), where its format tells."""
    signature: str = ""
    """Which of the file's signatures is meant; empty where it has but one, or none."""
    subgraph: int = 0
    """The part of the file that is that signature: an interpreter that knows no signatures runs the first, 0."""
    notes: tuple[str, ...] = ()
    """What the conversion changed or left out, in sentences; empty for most."""
    custom_operators: CustomLibrary | None = None
    """Where its custom operators are, if the user named a library."""
    state: State = "none"
    """What it keeps from one inference to the next, as its operators say."""
    sequence: bool = False
    """Whether its samples are a stream, so that state is kept from each to the next; else every sample starts fresh."""
    directory: Path

    @property
    def state_to_reset(self) -> State:
        """The state that a session makes fresh before each sample. "none" if the samples share it."""
        return "none" if self.sequence else self.state

    @property
    def path(self) -> Path:
        return self.directory / self.entry

    def stored(self, inputs: Mapping[str, NDArray[Any]], samples: int | None = None) -> dict[str, NDArray[Any]]:
        """Golden inputs (canonical name → real values, (samples, *shape)) as this artifact takes them; of all samples,
        or of the first `samples`. Raises `Failed` for an input that the golden does not have, and for NaN where there
        is no stored value for it."""
        missing = [info.name for info in self.inputs if info.name not in inputs]
        if missing:
            raise Failed(
                f"The artifact takes an input '{missing[0]}' that the model does not have ({', '.join(inputs)}): "
                "its signature names another tensor as the input, so that calls by name compute nonsense; an input "
                "that is also returned as an output brings this about (return tf.identity of it)."
            )
        for info in self.inputs:
            if info.quantisation is not None and np.isnan(inputs[info.name][:samples]).any():
                raise Failed(
                    f"The input '{info.name}' has NaN, for which the artifact's {info.dtype} has no value, so that no"
                    " two runtimes need agree; give inputs without it (`data`), or choose a variant with float inputs."
                )
        return {info.name: info.to_stored(inputs[info.name][:samples]) for info in self.inputs}

    def real(self, outputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs that this artifact gave, in real units."""
        return real_outputs(outputs, self.outputs)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)
