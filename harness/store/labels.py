"""Labels that people put on change points: small immutable files, mergeable by copying, as records are.

The newest label of a change point counts; the label `none` takes the others back. In a team's database they are rows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from harness.errors import HarnessError
from harness.store.index.database import Database
from harness.store.index.tables import LABELS
from harness.store.runs import write_atomically

KINDS = ("fixed", "accepted", "noise", "none")


@dataclass(frozen=True)
class Label:
    """What a person said of a change.

    It names the series and the first run after the change, not a place in a list: so it is found again when runs were
    added."""

    model: str
    variant: str
    target: str
    metric: str
    machine: str
    environment: str
    run: str
    """The id of the run after the change."""
    started: float
    """Start of the run, in seconds since 1970."""
    direction: int
    """1 where the figure rose, −1 where it fell."""
    kind: str
    note: str
    created: float

    @property
    def id(self) -> str:
        return hashlib.sha256(self.text().encode()).hexdigest()[:32]

    def text(self) -> str:
        """The content of its file."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False) + "\n"


class LabelSource(Protocol):
    """Where labels are read from."""

    def of(self, model: str | None) -> list[Label]:
        """The labels of a model, or of all models, oldest first. Damaged ones are left out."""


class Labels(LabelSource, Protocol):
    """Where labels are kept."""

    def put(self, label: Label) -> None:
        """Keep a label. One with the same id stays as it is."""


def label_of(text: str) -> Label:
    """The label in the text of a file. Raises `HarnessError` where the text is no label."""
    try:
        label = Label(**json.loads(text))
        if label.kind not in KINDS:
            raise ValueError(label.kind)
        float(label.started), float(label.created), int(label.direction)
    except (TypeError, ValueError) as error:
        raise HarnessError(f"This is no label ({error}).") from error
    return label


class LabelFiles:
    """Labels beside the records, in `results/labels`."""

    def __init__(self, results: Path) -> None:
        self.folder = results / "labels"

    def of(self, model: str | None) -> list[Label]:
        found = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                label = label_of(path.read_text(encoding="utf-8"))
            except (HarnessError, OSError, UnicodeDecodeError):
                continue
            if model is None or label.model == model:
                found.append(label)
        return sorted(found, key=lambda label: label.created)

    def put(self, label: Label) -> None:
        path = self.folder / f"{label.id}.json"
        if not path.exists():
            write_atomically(path, label.text())


class LabelTable:
    """Labels in a team's database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def of(self, model: str | None) -> list[Label]:
        query = select(LABELS.c.text).order_by(LABELS.c.created)
        if model is not None:
            query = query.where(LABELS.c.model == model)
        with self.database.reading() as connection:
            return [label_of(text) for text in connection.execute(query).scalars()]

    def put(self, label: Label) -> None:
        with self.database.writing() as connection:
            insert: Any = postgresql.insert if self.database.is_postgresql else sqlite.insert
            row = {"id": label.id, "model": label.model, "created": label.created, "text": label.text()}
            connection.execute(insert(LABELS).values(row).on_conflict_do_nothing(index_elements=["id"]))
