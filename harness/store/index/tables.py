"""The tables of the index, in SQLAlchemy Core: the same on SQLite and PostgreSQL.

A year of daily runs over 12,000 cases is 4.4 million cases with a score of figures each. One row for each of them would
take ten times as long to write and to read as what is here: results are kept by column, as an array over the cases of
one model in one run (`arrays`), which is what a history of a model reads and a run adds. An array is held once however
often it comes: figures that are the same at every run cost nothing from the second run on. `blocks.py` reads and writes
them; `harness export` gives rows.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
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
    "heap_bytes",
    "latency_kernel_ms",
)
"""The figures that every harness knows; the metrics of `harness.history.metrics` name them. A target's own have their
own names in the same table."""

ARRAYS = Table(
    "arrays",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("digest", LargeBinary(16), nullable=False, unique=True, comment="BLAKE2b of the data."),
    Column("data", LargeBinary, nullable=False, comment="Little-endian numbers; their type is that of the column."),
)
"""Columns of results, each once. None is ever changed or taken out: other programs may know its number."""


def _array(name: str, comment: str) -> Column[int]:
    return Column(name, Integer, ForeignKey("arrays.number"), nullable=False, comment=comment)


RESULTS = Table(
    "results",
    METADATA,
    Column("run", Integer, ForeignKey("runs.number", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("model", Text, primary_key=True),
    Column("cases", Integer, nullable=False, comment="How many; the length of each array."),
    _array("cell", "Numbers of cells, int32."),
    _array("provenance", "Numbers of provenances, int32."),
    _array("artifact", "Numbers of artifacts, int32; -1 where there is none."),
    _array("outcome", "Places in `OUTCOMES`, int8."),
    _array("state", "Places in `STATES`, int8; -1 where nothing was timed."),
    _array("simulated", "int8."),
    _array("measurement", "Hashes of timings, int64: equal where one was reused; 0 where nothing was timed."),
    Index("results_of_model", "model", "run"),
    sqlite_with_rowid=False,
)
"""One row a run and model; each column but the first three is the number of an array with an entry a case."""

VALUES = Table(
    "figures",
    METADATA,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    _array("array", "float64, NaN where it was not measured."),
    ForeignKeyConstraint(["run", "model"], ["results.run", "results.model"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)
"""One row a figure that any case of a model has in a run."""

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
    Column("sha256", String(64), comment="Of the text when it was first read: a record without a seal is known by it."),
    Column("problem", Text, comment="Why the file is left out; null where its run is in the index."),
)
"""Table of the record files that were read, so that the next indexing reads only new ones."""

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

SUMMARIES = Table(
    "history_summaries",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("state", String(64), nullable=False, comment="Hash of the runs, the labels and the method it is made from."),
    Column("series", Integer, nullable=False, comment="How many."),
    Column(
        "recent", Text, nullable=False, comment="JSON: its newest changes, those of one run and direction together."
    ),
    Column("content", LargeBinary, nullable=False, comment="JSON of all its series, thinned; zlib-compressed."),
)
"""What a page says of all histories of a model, made once a run: a cache, and nothing else."""

SCHEMA = Table("index_schema", METADATA, Column("version", Integer, nullable=False))
