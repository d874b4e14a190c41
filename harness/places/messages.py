"""What travels between the engine and a place: JSON, and the bytes of files by their hash."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness import errors
from harness.cache import sha256_file
from harness.conversion.reference import Reference
from harness.errors import CaseError, Failed, as_case_error
from harness.run.measure import Job, ParityResult
from harness.store.record import Latency

JOBS = TypeAdapter(Job)
PARITY = TypeAdapter(ParityResult)
LATENCY = TypeAdapter(Latency)

GOLDEN, REFERENCE, KEPT, LIBRARY, ARTIFACT = "golden.npz", "reference.npz", "kept.npz", "library", "artifact"
"""Where the files of a job are in the folder that a place lays out for it."""


@dataclass(frozen=True)
class JobPayload:
    """A job as it travels: JSON, and for each of its files the name and the hash; `paths` says where they are here."""

    job: dict[str, Any]
    files: dict[str, str]
    paths: dict[str, Path]
    """Files by their hash."""


def pack_job(job: Job) -> JobPayload:
    """A job with the hashes of all files that it names. Raises `OSError` where one cannot be read."""
    here = {GOLDEN: job.golden, REFERENCE: job.reference.path}
    if job.sequence_reference is not None:
        here[KEPT] = job.sequence_reference.path
    if job.artifact.custom_operators is not None:
        here[LIBRARY] = Path(job.artifact.custom_operators.library)
    files = {name: hash_of(path) for name, path in here.items()}
    paths = {files[name]: path for name, path in here.items()}
    for file in job.artifact.files:
        files[f"{ARTIFACT}/{file.path}"] = file.sha256
        paths[file.sha256] = job.artifact.directory / file.path
    return JobPayload(JOBS.dump_python(job, mode="json"), files, paths)


def unpack_job(job: Mapping[str, Any], folder: Path) -> Job:
    """The job, with its files in `folder`."""
    found = JOBS.validate_python(job)
    artifact = found.artifact.model_copy(update={"directory": folder / ARTIFACT})
    if artifact.custom_operators is not None:
        library = artifact.custom_operators.model_copy(update={"library": str(folder / LIBRARY)})
        artifact = artifact.model_copy(update={"custom_operators": library})

    def moved(reference: Reference, name: str) -> Reference:
        return dataclasses.replace(reference, path=folder / name)

    return dataclasses.replace(
        found,
        artifact=artifact,
        golden=folder / GOLDEN,
        reference=moved(found.reference, REFERENCE),
        sequence_reference=moved(found.sequence_reference, KEPT) if found.sequence_reference is not None else None,
    )


def hash_of(path: Path) -> str:
    """SHA-256 of a file, made again only where it changed. Raises `OSError`."""
    status = path.stat()
    return _hash(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _hash(path: Path, _modified: int, _size: int) -> str:
    return sha256_file(path)


def error_message(error: BaseException, doing: str) -> dict[str, Any]:
    """What ended a piece of work, as it travels."""
    found = as_case_error(error, doing)
    return {"error": {"kind": type(found).__name__, "message": str(found), "log": found.log, "lasting": found.lasting}}


def raise_error(answer: Mapping[str, Any]) -> None:
    """Raise the `CaseError` that an answer carries, if it does."""
    problem = answer.get("error")
    if problem is None:
        return
    kind = getattr(errors, str(problem["kind"]), Failed)
    if not (isinstance(kind, type) and issubclass(kind, CaseError)):
        kind = Failed
    raised = kind(str(problem["message"]), str(problem["log"]))
    raised.lasting = bool(problem["lasting"])
    raise raised


def to_json(message: Mapping[str, Any]) -> str:
    return json.dumps(message)
