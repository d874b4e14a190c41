"""The written schema is the classes', and old versions are lifted to today's."""

import json
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.store.record import SCHEMA_VERSION
from harness.store.record_migration import STEPS, migrate_record
from harness.store.runs import parse
from harness.store.schema import schema_path, text
from tests.harness.store.records import make_record

OLD_RECORDS = Path(__file__).parent / "old_records"


def test_the_written_schema_equals_the_classes() -> None:
    assert schema_path().read_text() == text(), "run `python -m harness.store.schema`, or raise SCHEMA_VERSION"


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_each_version_keeps_its_schema_and_its_records_can_be_read(version: int) -> None:
    assert json.loads(schema_path(version).read_text())["properties"]["schema_version"]["const"] == version
    path = OLD_RECORDS / f"run-{version}.json"
    record = parse(path.read_text(), path.name)
    assert record.schema_version == SCHEMA_VERSION
    assert record.id == "20260301T060000Z-0ldrec0d"
    assert record.cases[0].latency is not None
    assert record.cases[0].latency.median_ms == 1.5


def test_every_version_but_the_newest_has_a_step() -> None:
    assert set(STEPS) == set(range(1, SCHEMA_VERSION))


def test_steps_are_taken_one_after_the_other_and_leave_what_they_do_not_know() -> None:
    steps = {
        1: lambda old: {**old, "name": old["title"]},
        2: lambda old: {key: value for key, value in old.items() if key != "title"},
    }
    lifted = migrate_record({"schema_version": 1, "title": "a", "other": 7}, steps, newest=3)
    assert lifted == {"schema_version": 3, "name": "a", "other": 7}


def test_a_record_from_the_future_says_so() -> None:
    later = make_record().model_dump(mode="json") | {"schema_version": SCHEMA_VERSION + 1}
    with pytest.raises(HarnessError, match="update the harness"):
        parse(json.dumps(later), "later.json")


@pytest.mark.parametrize(
    "content", ["", "[]", "7", "{}", '{"schema_version":"1"}', '{"schema_version":true}', "[" * 5000]
)
def test_what_is_no_record_is_one_sentence(content: str) -> None:
    with pytest.raises(HarnessError, match=r"^some\.json is not a run record of a version known here"):
        parse(content, "some.json")
