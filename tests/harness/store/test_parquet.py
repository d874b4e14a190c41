"""The Parquet export: every row, with names and units that a notebook understands."""

from pathlib import Path

from harness.store.index.database import Database
from harness.store.index.reading import RecordText
from harness.store.index.run_index import RunIndex
from harness.store.parquet import export
from harness.store.seal import seal
from tests.harness.store.records import make_case, make_record


def test_every_result_is_a_row_with_names(tmp_path: Path, database: Database) -> None:
    from pyarrow import parquet

    index = RunIndex(database)
    for day in range(3):
        cases = (make_case(median_ms=1.0 + day), make_case("mcu/board", median_ms=None, figures={"custom": 7}))
        index.add(RecordText(seal(make_record(day, *cases).model_dump_json()), "it"))
    path = tmp_path / "out" / "history.parquet"
    assert export(database, path) == 6
    rows = parquet.read_table(path).to_pylist()
    timed = [row for row in rows if row["target"] == "tflite/litert"]
    assert [row["latency_median_ms"] for row in timed] == [1.0, 2.0, 3.0]
    assert timed[0]["outcome"] == "passed"
    assert timed[0]["steady_state"] == "flat"
    assert timed[0]["started"] == make_record(0).started
    untimed = next(row for row in rows if row["target"] == "mcu/board")
    assert untimed["latency_median_ms"] is None
    assert untimed["more"] == '{"custom": 7}'
    assert export(database, path, "no such model") == 0
    assert [file.name for file in path.parent.iterdir()] == [path.name]
