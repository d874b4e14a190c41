"""Databases for the tests of the store: SQLite always, PostgreSQL where Debian's package is installed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.store.index.database import Database
from tests.harness.store.postgres import Cluster, programs

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One server for all tests of the session."""
    server = Cluster(programs())
    yield server
    server.remove()


@pytest.fixture
def postgres_url(cluster: Cluster) -> str:
    return cluster.new_database(f"test_{next(_NUMBERS)}")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'team.sqlite'}")
    else:
        made = Database(request.getfixturevalue("postgres_url"))
    yield made
    made.close()
