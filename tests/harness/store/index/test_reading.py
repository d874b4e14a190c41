"""Many new records are read by several processes: the same comes of it, and none of them is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.errors import HarnessError
from harness.store.index import reading
from harness.store.index.folder import FolderIndex
from harness.store.index.run_index import count_runs
from harness.store.runs import RunStore
from harness.store.seal import seal
from tests.harness.store.records import make_case, make_record

SYNCHRONISE = """
import sys
from pathlib import Path
from harness.store.index import reading
from harness.store.index.folder import FolderIndex
reading.WORTH_A_PROCESS = 1
if __name__ == "__main__":
    FolderIndex(Path(sys.argv[1])).synchronise(lambda name: print(name, flush=True))
"""


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Twelve records, of which the fourth is damaged."""
    for day in range(12):
        RunStore(tmp_path).write(make_record(day, make_case(measured_on=day), make_case("tfjs/wasm")))
    found = RunStore(tmp_path).paths()
    found[3].write_bytes(found[3].read_bytes()[:-10])
    return found


def test_several_processes_give_what_one_gives_in_the_same_order(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = list(reading.read_all(paths, 1))
    monkeypatch.setattr(reading, "WORTH_A_PROCESS", 1)
    together = list(reading.read_all(paths, 1000))
    assert [type(found) for found in together] == [type(found) for found in alone]
    assert str(together[3]) == str(alone[3])
    assert [one.run for one in together if not isinstance(one, HarnessError)] == [
        one.run for one in alone if not isinstance(one, HarnessError)
    ]


def test_a_kill_of_the_reader_ends_its_processes_and_the_index_is_completed(paths: list[Path]) -> None:
    results = paths[0].parent.parent
    process = subprocess.Popen([sys.executable, "-c", SYNCHRONISE, str(results)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    readers = psutil.Process(process.pid).children(recursive=True)
    assert readers
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 60
    while any(reader.is_running() and reader.status() != psutil.STATUS_ZOMBIE for reader in readers):
        assert time.monotonic() < deadline, "a process goes on after the one that asked is gone"
        time.sleep(0.05)
    index = FolderIndex(results)
    assert list(index.synchronise().problems) == [paths[3].name]
    assert count_runs(index.database) == 11


def test_a_sealed_file_that_is_no_record_is_one_sentence() -> None:
    for text in ('{"schema_version":1,"id":"x"}', '{"schema_version":1,"cases":7,"id":"x"}'):
        with pytest.raises(HarnessError, match=r"^it is not a run record of a version known here"):
            reading.index_results(seal(text), "it")


def test_what_another_program_wrote_without_a_seal_is_checked_field_by_field() -> None:
    text = make_record().model_dump_json()
    assert reading.index_results(text, "it").run["id"] == make_record().id
    with pytest.raises(HarnessError, match="is not a run record"):
        reading.index_results(text.replace('"median_ms":1.0', '"median_ms":"1.0 ms"'), "it")
