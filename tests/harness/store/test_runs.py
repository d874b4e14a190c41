"""Record files: written once, read whole or named as damaged."""

import random
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.store.runs import RunStore, parse
from tests.harness.store.records import make_record


def test_a_record_comes_back_equal(tmp_path: Path) -> None:
    store, record = RunStore(tmp_path), make_record()
    assert store.read(store.write(record)) == record


def test_a_written_record_is_never_changed(tmp_path: Path) -> None:
    store, record = RunStore(tmp_path), make_record()
    path = store.write(record)
    before = path.read_bytes()
    store.write(record.model_copy(update={"command": "something else"}))
    assert path.read_bytes() == before


def test_a_flipped_byte_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    path = store.write(make_record())
    content = path.read_bytes()
    chance = random.Random(3)
    for place in [*range(100), *(chance.randrange(len(content)) for _ in range(200))]:
        flipped = bytearray(content)
        flipped[place] ^= 1 << chance.randrange(8)
        path.write_bytes(bytes(flipped))
        with pytest.raises(HarnessError) as caught:
            store.read(path)
        assert path.name in str(caught.value)


def test_a_cut_file_is_damaged(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    path = store.write(make_record())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(HarnessError, match="is damaged"):
        store.read(path)


def test_a_record_of_another_program_needs_no_seal() -> None:
    record = make_record()
    assert parse(record.model_dump_json(), "it") == record


def test_an_id_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no file name"):
        RunStore(tmp_path).write_text("../../outside", "{}")
