"""The artifact cache: whole entries or none; damage is found, said and mended."""

import signal
import subprocess
import sys
import threading

import pytest

from harness.cache import MANIFEST, Cache, sha256_json, sha256_tree


@pytest.fixture
def notes():
    return []


@pytest.fixture
def cache(tmp_path, notes):
    return Cache(tmp_path / "cache", notes.append)


def writes(text):
    def write(folder):
        (folder / "model.bin").write_text(text)
        return {"text": text}

    return write


def test_what_was_made_is_found_with_its_facts(cache):
    made = cache.make("converted", "k", writes("one"))
    assert cache.find("converted", "k") == made
    assert made.facts == {"text": "one"}
    assert [file.path for file in made.files] == ["model.bin"]


def test_what_was_never_made_is_not_found(cache, notes):
    assert cache.find("converted", "k") is None
    assert notes == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.bin").write_text("one byte morE"),
        lambda folder: (folder / "model.bin").write_bytes(b""),
        lambda folder: (folder / "model.bin").unlink(),
        lambda folder: (folder / MANIFEST).unlink(),
        lambda folder: (folder / MANIFEST).write_text("{"),
        lambda folder: (folder / MANIFEST).write_text("[]"),
    ],
    ids=["flipped", "emptied", "file gone", "manifest gone", "manifest cut", "manifest of another kind"],
)
def test_damage_is_said_once_and_the_entry_is_made_again(cache, notes, damage):
    damage(cache.make("converted", "k", writes("one byte more")).folder)
    assert cache.find("converted", "k") is None
    assert len(notes) == 1
    assert "damaged" in notes[0]
    assert cache.make("converted", "k", writes("again")).facts == {"text": "again"}


def test_who_comes_second_gets_what_the_first_one_put_there(cache):
    """Two processes convert the same model at once; converters do not always write the same bytes."""

    def overtaken(folder):
        cache.make("converted", "k", writes("the first"))
        return writes("the second")(folder)

    made = cache.make("converted", "k", overtaken)
    assert made.facts == {"text": "the first"}
    assert made == cache.find("converted", "k")


def test_a_maker_that_fails_leaves_nothing_behind(cache):
    def write(folder):
        (folder / "half").write_text("half")
        raise RuntimeError("died")

    with pytest.raises(RuntimeError):
        cache.make("converted", "k", write)
    assert list((cache.root / "converted").iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from harness.cache import Cache

def write(folder):
    (folder / "model.bin").write_text("half")
    print(folder.name, flush=True)
    if sys.argv[2] == "waits":
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)

Cache(Path(sys.argv[1])).make("converted", "k", write)
"""


def test_the_next_run_sweeps_what_a_killed_process_left(cache):
    cache.make("converted", "whole", writes("one"))
    died = subprocess.run([sys.executable, "-c", KILLED, cache.root, "dies"], capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL
    left = cache.root / "converted" / died.stdout.strip()
    assert (left / "model.bin").read_text() == "half"
    cache.sweep()
    assert [entry.name for entry in (cache.root / "converted").iterdir()] == ["whole"]
    assert cache.find("converted", "whole") is not None


def test_what_a_living_process_is_writing_is_not_swept(cache):
    command = [sys.executable, "-c", KILLED, cache.root, "waits"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as alive:
        folder = cache.root / "converted" / alive.stdout.readline().strip()
        cache.sweep()
        assert (folder / "model.bin").read_text() == "half"
        alive.communicate("")
    cache.sweep()
    assert not folder.exists()


def test_what_this_process_is_writing_is_not_swept_either(cache):
    def write(folder):
        cache.sweep()
        return writes("one")(folder)

    assert cache.make("converted", "k", write).facts == {"text": "one"}


def test_two_makers_at_once_give_one_entry(cache):
    barrier = threading.Barrier(2)

    def write(folder):
        (folder / "model.bin").write_text("same")
        barrier.wait()
        return {}

    threads = [threading.Thread(target=cache.make, args=("converted", "k", write)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.find("converted", "k") is not None
    assert [path.name for path in (cache.root / "converted").iterdir()] == ["k"]


def test_hashes_do_not_depend_on_order_but_on_every_byte_and_name(tmp_path):
    assert sha256_json({"a": 1, "b": 2}) == sha256_json({"b": 2, "a": 1})
    for name, text in (("a", "1"), ("b", "2")):
        (tmp_path / name).write_text(text)
    both = sha256_tree([tmp_path / "a", tmp_path / "b"])
    assert sha256_tree([tmp_path / "b", tmp_path / "a"]) == both
    (tmp_path / "b").write_text("3")
    assert sha256_tree([tmp_path / "a", tmp_path / "b"]) != both
