"""The written schema of the run record: `run-<version>.json`, written by `python -m harness.store.schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.store.record import SCHEMA_VERSION, RunRecord


def schema_path(version: int = SCHEMA_VERSION) -> Path:
    """Where the written schema of a version is."""
    return Path(__file__).parent / f"run-{version}.json"


def schema() -> dict[str, Any]:
    """The JSON schema of a record's file, from the classes; with the seal, which files have and classes have not."""
    made = RunRecord.model_json_schema(mode="serialization")
    seal = {
        "description": "sha256: and the hash of this object's bytes without this member; absent in unsealed records.",
        "pattern": "^sha256:[0-9a-f]{64}$",
        "type": "string",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "properties": {"seal": seal, **made["properties"]},
    }


def text() -> str:
    """The content of the schema's file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
