"""`harness.toml`: the models and choices of a project. Unknown keys are errors, each said in one sentence."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.conversion.source import Source, recognise
from harness.errors import HarnessError
from harness.paths import PROJECT_FILE

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
Task = Literal["classification", "regression", "reconstruction"]


class ModelTable(BaseModel):
    """`[models.NAME]`."""

    model_config = ConfigDict(extra="forbid")

    path: Path
    """A SavedModel folder, a `.keras`, `.h5` or `.tflite` file; relative to harness.toml."""
    data: Path | None = None
    """An `.npz` of inputs, samples first, one array per input, and `labels` where there are any."""
    summary: str = ""
    task: Task = "regression"
    labels: tuple[str, ...] = ()


class ProjectFile(BaseModel):
    """All of `harness.toml`."""

    model_config = ConfigDict(extra="forbid")

    zoo: bool | None = None
    """Whether the zoo's models belong to the default matrix; true unless the file names models of its own."""
    models: dict[str, ModelTable] = Field(default_factory=dict)

    @field_validator("models")
    @classmethod
    def plain_names(cls, models: dict[str, ModelTable]) -> dict[str, ModelTable]:
        for name in models:
            if not NAME.fullmatch(name):
                raise ValueError(f"the model name '{name}' has characters other than letters, digits, '_', '-', '.'")
        return models


@dataclass(frozen=True)
class ModelEntry:
    """A model of the project or the zoo, ready to be converted."""

    name: str
    summary: str
    task: Task
    source: Source
    in_default: bool
    """Whether the default matrix has it."""
    problem: str = ""
    """Why its source cannot be used at all, where that is plain from its files."""


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
        known = ModelTable if problem["loc"][0] == "models" else ProjectFile
        return f"the key '{where}' is not known; known here are {', '.join(known.model_fields)}"
    return f"'{where}': {problem['msg'].removeprefix('Value error, ')}"


def model_entries(root: Path) -> dict[str, ModelEntry]:
    """Every model that can be named here: the project's own first, then the zoo's."""
    from harness import registry

    project = read_project(root)
    with_zoo = project.zoo if project.zoo is not None else not project.models
    entries: dict[str, ModelEntry] = {}
    for name, table in project.models.items():
        path = (root / table.path).resolve()
        data = (root / table.data).resolve() if table.data else None
        problem = ""
        kind = "tflite" if path.suffix == ".tflite" else "saved_model"
        try:
            kind = recognise(path)
            if data is not None and not data.is_file():
                problem = f"{data} does not exist; correct `data` of models.{name} in harness.toml."
        except HarnessError as error:
            problem = str(error)
        source = Source(kind, path, data=data)  # type: ignore[arg-type]
        entries[name] = ModelEntry(name, table.summary or path.name, table.task, source, True, problem)
    for name, (model, package, module) in registry.zoo().items():
        if name in entries:
            continue
        folder = Path(registry.package_folder(package))
        weights = folder / "weights" / model.weights if model.weights else None
        source = Source("zoo", folder / f"{module.rsplit('.', 1)[1]}.py", package=package, weights=weights)
        entries[name] = ModelEntry(name, model.summary, model.task, source, with_zoo)
    return entries
