"""The tables of the index, in SQLAlchemy Core: the same on SQLite and PostgreSQL.

A year of daily runs over 12,000 cases is 4.4 million rows of `results`, so that table is narrow where it can be: what
repeats (names of a cell, provenance, artifacts) is held once elsewhere, and well-known figures are columns, the others
one JSON text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("id", String(100), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False, comment="Of the record's text: tells two records of one id apart."),
    Column("started", Double, nullable=False, index=True, comment="Seconds since 1970, UTC."),
    Column("status", String(16), nullable=False),
    Column("commit", Text),
    Column("harness_version", Text, nullable=False),
    Column("machine", String(64), nullable=False),
    Column("facts", Text, nullable=False, comment="JSON: command, finished, machine, planned cases, outcomes."),
)
"""One row a record. A run is in the index with all its results or not at all."""

CELLS = Table(
    "cells",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("target", Text, nullable=False),
    UniqueConstraint("model", "variant", "target"),
)
"""Model, variant and target: what a series is of."""

PROVENANCE = Table(
    "provenance",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("environment", Text, nullable=False, comment="What stays when versions change: threads, backend, renderer."),
    Column("facts", Text, nullable=False, comment="JSON: fingerprint of the target, versions of the converter."),
)

ARTIFACTS = Table(
    "artifacts",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("digest", String(128), nullable=False, unique=True),
)

FIGURES = (
    "latency_median_ms",
    "latency_low_ms",
    "latency_high_ms",
    "latency_p90_ms",
    "latency_p99_ms",
    "latency_first_ms",
    "conversion_sqnr_db",
    "conversion_max_abs",
    "runtime_sqnr_db",
    "runtime_max_abs",
    "runtime_max_lsb",
    "end_to_end_max_abs",
    "task_value",
    "artifact_bytes",
    "arena_bytes",
    "flash_bytes",
    "ram_bytes",
    "peak_memory_bytes",
    "instructions",
)
"""Columns of `results` that hold a figure; the metrics of `harness.history.metrics` name them."""

RESULTS = Table(
    "results",
    METADATA,
    Column("run", Integer, ForeignKey("runs.number", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("cell", Integer, ForeignKey("cells.number"), primary_key=True, autoincrement=False),
    Column("provenance", Integer, ForeignKey("provenance.number"), nullable=False),
    Column("artifact", Integer, ForeignKey("artifacts.number")),
    Column("outcome", SmallInteger, nullable=False, comment="Place in `OUTCOMES`."),
    Column("state", SmallInteger, comment="Place in `STATES`; null where nothing was timed."),
    Column("simulated", Boolean, nullable=False),
    Column("measurement", BigInteger, comment="Hash of the timing: equal where it was reused and not measured again."),
    *(Column(name, Double) for name in FIGURES),
    Column("more", Text, comment="JSON: further figures by name."),
    Index("results_by_cell", "cell", "run"),
    sqlite_with_rowid=False,
)

CONTENTS = Table(
    "contents",
    METADATA,
    Column("id", String(100), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("text", LargeBinary, nullable=False, comment="The record's file, zlib-compressed."),
)
"""The records themselves, in a team's database alone: beside files the files are the truth."""

FILES = Table(
    "files",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("run", String(100)),
    Column("problem", Text, comment="Why the file is left out; null where its run is in the index."),
)
"""Beside files: which of them were read, so that the next indexing reads new ones alone."""

LABELS = Table(
    "labels",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("model", Text, nullable=False, index=True),
    Column("created", Double, nullable=False),
    Column("text", Text, nullable=False, comment="The label's file, JSON."),
)
"""Labels on change points, in a team's database alone: beside files they are files too."""

STEPS = Table(
    "series_steps",
    METADATA,
    Column("series", String(64), primary_key=True, comment="Hash of the series' names."),
    Column("digest", String(64), nullable=False, comment="Of its values and of the method."),
    Column("steps", Text, nullable=False, comment="JSON."),
)
"""Change points that were computed last, one row a series: a cache, and nothing else."""

SCHEMA = Table("index_schema", METADATA, Column("version", Integer, nullable=False))
