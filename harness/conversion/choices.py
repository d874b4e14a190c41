"""What a project may choose about conversion: the tables of harness.toml that end as a converter's options."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import HarnessError

LARGEST_LABELS_FILE = 16 * 1024 * 1024


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choices(Table):
    """`[models.NAME.convert.GLOB]`: choices that replace those of the variants it matches.

    Their counterparts among the converters' own flags are in the comments.
    """

    operators: tuple[Literal["builtin", "select-tf", "custom"], ...] | None = None
    """Which operators the artifact may have (`target_spec.supported_ops`; `allow_custom_ops`)."""
    calibration_samples: int | None = Field(default=None, ge=1)
    """How many samples of the calibration data (`representative_dataset`)."""
    excluded_nodes: tuple[str, ...] | None = None
    """Tensors left in float (`denylisted_nodes`)."""
    float_operators: tuple[str, ...] | None = None
    """Operators left in float, each by the name of its first output in the float32 `.tflite`: as `harness locate` has
    it, in full or, where no other operator's is so shortened, as shown on the screen."""
    float_weights: Literal["float32", "float16"] | None = None
    """How the quantiser's variants store the weights of operators left in float (its `FLOAT_CASTING`)."""
    granularity: Literal["tensor", "channel", 32, 64, 128, 256] | None = None
    """What the quantiser's variants give one scale: the weights of a tensor, of a channel, or of this many values in a
    row (`QuantGranularity`)."""
    calibration_ranges: Literal["min-max", "moving-average"] | None = None
    """How the quantiser's variants make one range of those of the calibration samples (`qsv_update_func`)."""
    excluded_operators: tuple[str, ...] | None = None
    """Operators left in float, as `FULLY_CONNECTED` (`denylisted_ops`)."""
    integer_only: bool | None = None
    """Refuse an int8 artifact with operators left in float, which TensorFlow 2.19 writes without a word."""
    per_tensor: bool | None = None
    """One scale a weight tensor instead of one a channel (`_experimental_disable_per_channel`)."""
    shard_bytes: int | None = Field(default=None, ge=1024)
    """Size of a TensorFlow.js weight file (`--weight_shard_size_bytes`)."""
    weights: Literal["float32", "float16", "uint16", "uint8"] | None = None
    """How TensorFlow.js weights are stored (`--quantize_float16=*` and so on)."""
    skip_operator_check: bool | None = None
    """Convert to TensorFlow.js without the converter's own check (`--skip_op_check`); what it lacks is named after."""
    io: Literal["float32", "int8", "uint8", "int16"] | None = None
    """Type of inputs and outputs (`inference_input_type`, `inference_output_type`)."""

    def options(self) -> dict[str, Any]:
        """What was chosen, as options of the converter (JSON)."""
        names = set(Choices.model_fields)
        chosen = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in chosen.items() if name in names}


class VariantTable(Choices):
    """`[variants.NAME]`: a variant of the project's own."""

    format: str = "tflite"
    base: str = "float32"
    """The variant that it differs from."""
    models: tuple[str, ...] = ()
    """Globs of the models that have it; all of them without any. What names operators is of one model."""
    summary: str = ""
    converter: tuple[str, ...] = ()
    """Pins of another converter (`["tensorflow==2.21.0"]`), installed in an environment of its own."""


class MetadataTable(Table):
    """`[models.NAME.metadata]`: what is embedded in a `.tflite`."""

    name: str = ""
    description: str = ""
    author: str = ""
    version: str = ""
    license: str = ""
    mean: tuple[float, ...] = ()
    """Normalisation of the input, with `std`: one number or one a channel."""
    std: tuple[float, ...] = ()
    labels: Path | None = None
    """A text file with one label a line."""

    def resolved(self, root: Path) -> dict[str, Any]:
        """The choices as options of the converter: the labels' file name and its text. Raises `HarnessError`."""
        found = self.model_dump(mode="json", exclude={"labels"})
        if len(self.mean) != len(self.std):
            raise HarnessError("The metadata has a `mean` and a `std` of different lengths; give both one number each.")
        if self.labels is not None:
            path = root / self.labels
            try:
                if path.stat().st_size > LARGEST_LABELS_FILE:
                    raise HarnessError(f"{path} is too long for a labels file; name a text file of one label a line.")
                found |= {"labels_file": path.name, "labels_text": path.read_text(encoding="utf-8")}
            except (OSError, UnicodeDecodeError) as error:
                raise HarnessError(f"{path} cannot be read as a labels file ({error}); correct `labels`.") from error
        return found


class CustomOperators(Table):
    """`[models.NAME.custom_operators]`: the library that registers the model's custom operators."""

    library: Path
    """A shared library that a TFLite interpreter can load."""
    registerer: str
    """The function in it that registers them, as in `InterpreterWithCustomOps(custom_op_registerers=[…])`."""

    def resolved(self, root: Path) -> CustomOperators:
        """The entry with the absolute path of the library. Raises `HarnessError` where the library is not there."""
        path = Path(os.path.abspath(root / self.library))  # noqa: PTH100 - `resolve` raises where links go in a circle
        if not path.is_file():
            raise HarnessError(f"{path} does not exist; correct `custom_operators.library` in harness.toml.")
        return CustomOperators(library=path, registerer=self.registerer)
