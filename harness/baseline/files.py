"""Baseline files below `results/baselines`: read whole, written whole, in an order that never depends on the run's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.baseline.accepted_results import AcceptedCase, AcceptedRun, BaselineFile
from harness.case_name import CaseName
from harness.errors import HarnessError
from harness.store.record import ModelOrigin
from harness.store.runs import SAFE_NAME, write_atomically

FOLDER = "baselines"
WIDTH = 210
"""A converter's packages fit one line."""


@dataclass(frozen=True)
class Baseline:
    """All accepted cases, and the runs that they come from."""

    cases: dict[CaseName, AcceptedCase]
    runs: dict[str, AcceptedRun]
    sources: dict[str, ModelOrigin] = field(default_factory=dict)
    """The models' origins, by their identity."""

    def run_of(self, case: AcceptedCase) -> AcceptedRun:
        """Where a case comes from."""
        return self.runs[case.run]

    def machine_of(self, case: AcceptedCase) -> str:
        """The id of the machine that a case was measured on."""
        return case.machine or self.run_of(case).machine


def baseline_path(folder: Path, model: str) -> Path:
    """The file of a model. Raises `HarnessError` for a name that could lead elsewhere."""
    if not SAFE_NAME.fullmatch(model.replace(".", "_")):
        raise HarnessError(f"The model '{model}' has a name that no file can have; rename it in harness.toml.")
    return folder / f"{model}.json"


def read_baseline(folder: Path) -> Baseline:
    """Every file of a folder; empty where there is none. Raises `HarnessError` with one sentence for a broken file."""
    cases: dict[CaseName, AcceptedCase] = {}
    runs: dict[str, AcceptedRun] = {}
    sources: dict[str, ModelOrigin] = {}
    for file in _files(folder):
        runs |= file.runs
        sources |= file.sources
        cases |= {CaseName.parse(f"{file.model}/{name}"): case for name, case in file.cases.items()}
    return Baseline(cases, runs, sources)


def read_file(path: Path) -> BaselineFile:
    """One file. Raises `HarnessError`."""
    try:
        file = BaselineFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise HarnessError(f"The baseline {path} cannot be read ({error.strerror}).") from error
    except (ValidationError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise HarnessError(f"{path} is no baseline ({first}); restore it, or remove it and accept a run.") from error
    unknown = sorted({case.run for case in file.cases.values()} - set(file.runs))
    if unknown:
        raise HarnessError(f"{path} names the run {unknown[0]} and does not describe it; restore the file.")
    return file


def write_file(folder: Path, file: BaselineFile) -> Path:
    """Write a model's file; runs and sources that no case names any more are left out."""
    cases = file.cases.values()
    used, needed = {case.run for case in cases}, {case.artifact.source for case in cases if case.artifact is not None}
    kept = file.model_copy(
        update={
            "runs": {run: about for run, about in file.runs.items() if run in used},
            "sources": {identity: origin for identity, origin in file.sources.items() if identity in needed},
        }
    )
    path = baseline_path(folder, file.model)
    document = {**kept.model_dump(mode="json", exclude_defaults=True), "schema_version": kept.schema_version}
    write_atomically(path, review_json(document) + "\n")
    return path


def review_json(value: Any, depth: int = 0) -> str:
    """JSON for review: keys in order, a line for what fits one: a change of one figure is one line of a diff."""
    inline = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or (depth > 2 and len(inline) + 2 * depth <= WIDTH):
        return inline
    inner, outer = "\n" + "  " * (depth + 1), "\n" + "  " * depth
    if isinstance(value, list):
        return f"[{inner}{f',{inner}'.join(review_json(item, depth + 1) for item in value)}{outer}]"
    members = (f"{json.dumps(key, ensure_ascii=False)}: {review_json(value[key], depth + 1)}" for key in sorted(value))
    return f"{{{inner}{f',{inner}'.join(members)}{outer}}}"


def _files(folder: Path) -> Iterator[BaselineFile]:
    for path in sorted(folder.glob("*.json")):
        yield read_file(path)
