"""The result of an assessment: values only, so that `--json` is the whole of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PredictionVerdict = Literal["runs", "does not run", "expected to run", "wrong", "not known"]
"""`wrong`: it runs, and its outputs break a rule of the runtime edge."""


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OperatorRow(Value):
    """One kind of operator of the source and what becomes of it."""

    operator: str
    count: int
    tflite: str
    """`builtin X`, `fused into X`, `select TF`, `custom`, `removed, fused or rewritten`, `not converted`."""
    tfjs: dict[str, str]
    """Backend → `yes`, `no`, `not known`, or `not converted`."""
    macs: int | None = None
    """Where the operator has the same name in the artifact (a ready model)."""


class ArtifactOperator(Value):
    """One kind of operator of the TFLite artifact."""

    operator: str
    count: int
    macs: int


class Size(Value):
    """One variant tried: its bytes, or why there is none."""

    format: str
    variant: str
    bytes: int | None = None
    problem: str = ""


class Prediction(Value):
    """Whether one target will run one variant. `how` says how that is known: `tried` (one inference was made),
    `conversion` (the converter refused), `operators` (and memory), `kernels` (of the bundle), or the name of the target
    that was tried instead."""

    target: str
    format: str
    variant: str
    verdict: PredictionVerdict
    how: str
    reason: str = ""
    missing_here: str = ""
    """The part that this machine lacks to run the target; the verdict holds for one that has it."""
    arena_bytes: int | None = None
    """What the trial allocated, where the runtime counts it."""


class MicrocontrollerNeeds(Value):
    """What Micro needs for the smallest variant that it runs."""

    variant: str
    model_bytes: int
    arena_bytes: int
    profile: str
    """The smallest one that it fits; empty where none does."""


class Assessment(Value):
    """Everything that was found out about one model."""

    model: str
    recognised: str
    inputs: tuple[dict[str, Any], ...]
    open_dimensions: dict[str, Any]
    operators: tuple[OperatorRow, ...]
    tflite_operators: tuple[ArtifactOperator, ...]
    parameters: int | None
    macs: int | None
    peak_activation_bytes: dict[str, int]
    """Variant → the most bytes of activations alive at once."""
    types: dict[str, int]
    experimental: tuple[str, ...]
    sizes: tuple[Size, ...]
    predictions: tuple[Prediction, ...] = Field(serialization_alias="forecasts")
    """Predictions, which the JSON calls `forecasts`."""
    default_targets: tuple[str, ...] = ()
    """The targets that a run takes by itself."""
    microcontroller: MicrocontrollerNeeds | None
    metadata: dict[str, Any]
    notes: tuple[str, ...]
    recommendation: tuple[str, ...]
