"""Old records read as new ones: each version of the schema is lifted to the next until it is today's.

The files stay as they are: a record is lifted each time it is read. Whoever raises `SCHEMA_VERSION` adds the step from
the version before to `STEPS`, keeps the old `schema/run-<version>.json`, and adds an old record to the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import HarnessError
from harness.store.record import SCHEMA_VERSION

Document = dict[str, Any]
Migration = Callable[[Document], Document]

STEPS: Mapping[int, Migration] = {}
"""Version to the step that makes a document of that version one of the next. Version 1 is the first there was."""


def migrate_record(
    document: Document, steps: Mapping[int, Migration] = STEPS, newest: int = SCHEMA_VERSION
) -> Document:
    """`document` as version `newest` has it. Raises `HarnessError` where its version is not known here."""
    version = document.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise HarnessError("It names no schema version, so it is no run record.")
    if version > newest:
        raise HarnessError(f"It has schema version {version}, this harness knows up to {newest}: update the harness.")
    while version < newest:
        document = {**steps[version](document), "schema_version": version + 1}
        version += 1
    return document
