"""`harness.toml`: the models, variants and choices of a project. Unknown keys are errors, each said in one sentence."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from harness.budget import SampleBudget, default_seconds
from harness.conversion.choices import Choices, CustomOperators, MetadataTable, VariantTable
from harness.conversion.model_entry import ModelEntry, Task
from harness.conversion.source import Kind, Source, module_file, recognise
from harness.conversion.zoo_source import zoo_source
from harness.errors import HarnessError
from harness.model import DetectionOutputs, TensorSpec
from harness.paths import PROJECT_FILE
from harness.variant import Format, Variant

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
WITHOUT_SIGNATURES: Mapping[Kind, str] = {
    "keras": "a .keras file",
    "h5": "an .h5 file",
    "tfjs": "a TensorFlow.js model",
}


class InputTable(BaseModel):
    """`[models.NAME.inputs]`: one declared input."""

    model_config = ConfigDict(extra="forbid")

    shape: tuple[int, ...]
    dtype: Literal["float32", "float64", "float16", "int8", "uint8", "int16", "int32", "int64", "bool"] = "float32"


class DetectionTable(BaseModel):
    """`[models.NAME.detection]`: the names of a detector's outputs, as the signature has them."""

    model_config = ConfigDict(extra="forbid")

    boxes: str
    scores: str
    classes: str = ""
    count: str = ""
    min_score: float = Field(default=0.5, gt=0.0, le=1.0)


class ModelTable(BaseModel):
    """`[models.NAME]`."""

    model_config = ConfigDict(extra="forbid")

    path: Path | None = None
    """A SavedModel or TF Hub folder, a `.keras`, `.h5` or `.tflite` file, or a TF.js `model.json`; relative to
    harness.toml. With `entry`, the folder that the package is in."""
    entry: str = ""
    """`package.module:function`, Python that builds the model; run in the conversion child alone."""
    signature: str = ""
    """Which signature of a SavedModel (or function of a `tf.Module`), where there are several."""
    inputs: dict[str, InputTable] = Field(default_factory=dict)
    """Shapes of the inputs in their order, where the source does not state them (JAX functions)."""
    files: tuple[Path, ...] = ()
    """Further files that decide what the model computes, as an entry point's weights."""
    data: Path | None = None
    """An `.npz` of inputs, samples first, one array per input, and `labels` where there are any."""
    summary: str = ""
    task: Task = "regression"
    sequence: bool = False
    """Whether the samples are a stream, in order, so that a model with state keeps it from each to the next. Without
    it every sample starts from fresh state."""
    labels: tuple[str, ...] = ()
    samples: int | None = Field(default=None, ge=1)
    """Number of the golden's samples that every case runs, however long they take. None: as many as fit the budget."""
    detection: DetectionTable | None = None
    """Which outputs hold boxes, scores and classes, with `task = "detection"`."""
    convert: dict[str, Choices] = Field(default_factory=dict)
    """Choices for the variants whose names match a glob: `[models.NAME.convert."int8*"]`."""
    metadata: MetadataTable | None = None
    custom_operators: CustomOperators | None = None

    @model_validator(mode="after")
    def require_source(self) -> ModelTable:
        if self.path is None and not self.entry:
            raise ValueError("it names neither a `path` nor an `entry`")
        return self

    @model_validator(mode="after")
    def names_its_detections(self) -> ModelTable:
        if (self.task == "detection") != (self.detection is not None):
            raise ValueError(
                'task = "detection" goes with `detection = { boxes = "…", scores = "…", classes = "…" }`, the names of'
                " outputs, and neither without the other"
            )
        return self


class LimitsTable(BaseModel):
    """`[limits]`."""

    model_config = ConfigDict(extra="forbid")

    budget: float = Field(default_factory=default_seconds, gt=0.0, allow_inf_nan=False)
    """Seconds of inference a case: as many of the golden's samples are compared as fit it, and one at least."""


class TargetTable(BaseModel):
    """`[targets.NAME]`: one of the targets with flags of its runtime set."""

    model_config = ConfigDict(extra="forbid")

    base: str
    flags: dict[str, bool | int | float | str] = Field(min_length=1)


class PlacesTable(BaseModel):
    """`[places]`: other machines that have targets."""

    model_config = ConfigDict(extra="forbid")

    scheduler: str = ""
    """`tls://host:port` of a Dask scheduler; empty to stay on this machine."""
    certificates: Path | None = None
    """The folder with the authority, the certificate and its key; relative to harness.toml."""


class ProjectFile(BaseModel):
    """All of `harness.toml`."""

    model_config = ConfigDict(extra="forbid")

    zoo: bool | None = None
    """Whether the zoo's models belong to the default matrix; true unless the file names models of its own."""
    models: dict[str, ModelTable] = Field(default_factory=dict)
    limits: LimitsTable = Field(default_factory=LimitsTable)
    variants: dict[str, VariantTable] = Field(default_factory=dict)
    """Variants of the project's own, each based on one of a format's."""
    targets: dict[str, TargetTable] = Field(default_factory=dict)
    """Targets of the project's own, each based on another; `harness.registry` makes them."""
    places: PlacesTable = Field(default_factory=PlacesTable)

    @field_validator("models", "variants")
    @classmethod
    def plain_names(cls, tables: dict[str, Any]) -> dict[str, Any]:
        for name in tables:
            if not NAME.fullmatch(name):
                raise ValueError(f"the name '{name}' has characters other than letters, digits, '_', '-', '.'")
        return tables


def read_project(root: Path) -> ProjectFile:
    """The project's file, or an empty one. Raises `HarnessError` with one sentence."""
    path = root / PROJECT_FILE
    if not path.is_file():
        return ProjectFile()
    try:
        return ProjectFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise HarnessError(f"{path} cannot be read ({error.strerror}).") from error
    except ValidationError as error:
        raise HarnessError(f"{path}: {'; '.join(sentence(problem) for problem in error.errors())}.") from error


def sentence(problem: object) -> str:
    """One validation problem in words, with the keys it may be."""
    assert isinstance(problem, dict)
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"the key '{where}' is not known; known here are {', '.join(table_of(problem['loc']).model_fields)}"
    return f"'{where}': {problem['msg'].removeprefix('Value error, ')}"


def table_of(place: tuple[Any, ...]) -> type[BaseModel]:
    """The table that a key of harness.toml belongs to."""
    inner: dict[Any, type[BaseModel]] = {
        "convert": Choices,
        "metadata": MetadataTable,
        "custom_operators": CustomOperators,
        "inputs": InputTable,
    }
    if place[0] == "models" and len(place) > 3:
        return inner.get(place[2], ModelTable)
    if place[0] == "variants" and len(place) > 2:
        return VariantTable
    if place[0] == "targets" and len(place) > 2:
        return TargetTable
    if place[0] in ("limits", "places") and len(place) > 1:
        return LimitsTable if place[0] == "limits" else PlacesTable
    return ModelTable if place[0] == "models" and len(place) > 2 else ProjectFile


def model_entries(root: Path, budget_seconds: float | None = None) -> dict[str, ModelEntry]:
    """Every model that can be named here: the project's own first, then the zoo's. `budget_seconds`: another budget
    than the project's."""
    from harness import registry

    project = read_project(root)
    variants = [(table, own_variant(name, table, registry.formats())) for name, table in project.variants.items()]

    def own_variants(model: str) -> tuple[tuple[str, Variant], ...]:
        return tuple(
            own for table, own in variants if not table.models or any(fnmatchcase(model, glob) for glob in table.models)
        )

    with_zoo = project.zoo if project.zoo is not None else not project.models
    seconds = project.limits.budget if budget_seconds is None else budget_seconds
    entries = {name: entry_of(root, name, table, own_variants(name), seconds) for name, table in project.models.items()}
    for name, (model, package, module) in registry.zoo().items():
        if name in entries:
            continue
        source = zoo_source(model, package, module)
        entries[name] = ModelEntry(
            name,
            model.summary,
            model.task,
            source,
            with_zoo,
            budget=SampleBudget(seconds),
            own_variants=own_variants(name),
        )
    return entries


def entry_of(
    root: Path,
    name: str,
    table: ModelTable,
    own_variants: tuple[tuple[str, Variant], ...],
    budget_seconds: float | None = None,
) -> ModelEntry:
    """The entry of one `[models.NAME]`. What is wrong with its files becomes the entry's `problem`."""
    path = absolute(root / (table.path or "."))
    problem = ""
    kind: Kind = "entry_point" if table.entry else "saved_model"
    try:
        if table.entry:
            module_file(path, table.entry)
        else:
            kind = recognise(path)
        if table.signature and kind in WITHOUT_SIGNATURES:
            problem = (
                f"models.{name} names the signature '{table.signature}', and {path} is {WITHOUT_SIGNATURES[kind]},"
                " which has none; leave `signature` out."
            )
        if kind == "tfjs" and path.is_dir():
            path /= "model.json"
        for key, named in (("data", table.data), *(("files", file) for file in table.files)):
            if named is not None and (root / named).is_dir():
                problem = f"{root / named} is a folder; correct `{key}` of models.{name} in harness.toml."
            elif named is not None and not (root / named).is_file():
                problem = f"{root / named} does not exist; correct `{key}` of models.{name} in harness.toml."
        if table.custom_operators is not None:
            table.custom_operators.resolved(root)
        if table.metadata is not None:
            table.metadata.resolved(root)
    except HarnessError as error:
        problem = str(error)
        if path.suffix == ".tflite":
            kind = "tflite"
        elif path.suffix == ".json":
            kind = "tfjs"
    source = Source(
        kind,
        path,
        data=absolute(root / table.data) if table.data else None,
        signature=table.signature,
        function=table.entry,
        inputs=tuple(TensorSpec(key, value.shape, value.dtype) for key, value in table.inputs.items()),
        files=tuple(absolute(root / file) for file in table.files),
        sequence=table.sequence,
    )
    return ModelEntry(
        name,
        table.summary or table.entry or path.name,
        table.task,
        source,
        in_default=True,
        problem=problem,
        choices={glob: choices.options() for glob, choices in table.convert.items()},
        metadata=table.metadata.resolved(root) if table.metadata is not None and not problem else None,
        custom_operators=table.custom_operators.resolved(root) if table.custom_operators and not problem else None,
        budget=SampleBudget(default_seconds() if budget_seconds is None else budget_seconds, table.samples),
        detection=DetectionOutputs(**table.detection.model_dump()) if table.detection is not None else None,
        own_variants=own_variants,
    )


def absolute(path: Path) -> Path:
    """The path from the root of the file system. `Path.resolve` raises where links go in a circle, and not an
    `OSError`."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def own_variant(name: str, table: VariantTable, formats: Mapping[str, Format]) -> tuple[str, Variant]:
    """A `[variants.NAME]` as a variant of its format. Raises `HarnessError` where its base is none."""
    artifact_format = formats.get(table.format)
    if artifact_format is None:
        raise HarnessError(f"variants.{name}: there is no format '{table.format}'; there are {', '.join(formats)}.")
    if any(name == variant.name for variant in artifact_format.variants):
        raise HarnessError(
            f"variants.{name} has the name of one of {artifact_format.name}'s own variants; choose another."
        )
    try:
        base = artifact_format.variant(table.base)
    except KeyError:
        known = ", ".join(variant.name for variant in artifact_format.variants)
        raise HarnessError(
            f"variants.{name}: {artifact_format.name} has no variant '{table.base}'; it has {known}."
        ) from None
    alone = artifact_format.rewriter.choices if artifact_format.rewriter is not None and base.made_from is None else ()
    if unheard := [choice for choice in alone if choice in table.options()]:
        others = ", ".join(variant.name for variant in artifact_format.variants if variant.made_from is not None)
        raise HarnessError(
            f"variants.{name} sets `{unheard[0]}`, which {base.name} does not know; leave it out, or base it on one of"
            f" {others}."
        )
    options = {**base.options, **table.options()}
    summary = table.summary or f"{base.summary}, as harness.toml says"
    if table.converter and base.made_from is not None:
        raise HarnessError(
            f"variants.{name} names a `converter`, and {base.name} is made from the {base.made_from.name} artifact;"
            " leave it out."
        )
    own = replace(base, name=name, summary=summary, options=options, base=base.name, converter=table.converter)
    return artifact_format.name, own
