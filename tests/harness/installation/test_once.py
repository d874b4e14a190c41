"""What is installed is whole or not there, made once, and waited for by whoever comes second."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.errors import Unavailable
from harness.installation import once
from harness.installation.once import install_once
from tests.harness.fakes.announced_lock import AnnouncedLock


def maker(text="whole"):
    def make(folder: Path, lock: int) -> Path:
        made = folder / "made"
        made.mkdir()
        (made / "content").write_text(text)
        return made

    return make


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_appears_by_its_name_and_is_made_once(tmp_path):
    place = tmp_path / "shared" / "thing"
    install_once(place, "the thing", place.is_dir, maker("first"))
    install_once(place, "the thing", place.is_dir, maker("second"))
    assert (place / "content").read_text() == "first"
    assert names(place.parent) == ["thing", "thing.lock"]


def test_a_second_thread_waits_in_silence(tmp_path, capfd, monkeypatch):
    """It was this process that was called another: each thread has the lock file open for itself."""
    place, made, held = tmp_path / "thing", [], AnnouncedLock(4)
    monkeypatch.setitem(once._threads, place.with_name("thing.lock"), held)

    def slow(folder: Path, lock: int) -> Path:
        made.append(threading.get_ident())
        assert held.all_want_it.wait(60)
        return maker()(folder, lock)

    threads = [threading.Thread(target=install_once, args=(place, "the thing", place.is_dir, slow)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 1
    assert place.is_dir()
    assert capfd.readouterr().err == ""


HOLD = """
import sys, time
from pathlib import Path
from harness.installation.once import hold_lock
with hold_lock(Path(sys.argv[1]), "the thing"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_another_process_is_said_and_waited_for(tmp_path, monkeypatch):
    said: list[str] = []
    was_said = threading.Event()
    monkeypatch.setattr(once, "print_line", lambda line: (said.append(line), was_said.set()))
    place = tmp_path / "thing"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place.with_name("thing.lock"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    waiting = threading.Thread(target=install_once, args=(place, "the thing", place.is_dir, maker()))
    waiting.start()
    assert was_said.wait(30)
    assert not place.exists()
    holder.communicate("go\n", timeout=30)
    waiting.join(30)
    assert place.is_dir()
    assert said == ["Another process is installing the thing: waiting for it …"]


def test_what_a_killed_process_left_is_cleared(tmp_path):
    place = tmp_path / "thing"
    (tmp_path / "thing.partial-abandoned").mkdir()
    (tmp_path / "other.partial-in-use").mkdir()
    install_once(place, "the thing", place.is_dir, maker())
    assert names(tmp_path) == ["other.partial-in-use", "thing", "thing.lock"]


def test_what_is_there_and_not_whole_is_made_again(tmp_path):
    place = tmp_path / "thing"
    place.mkdir()
    install_once(place, "the thing", (place / "content").is_file, maker())
    assert names(place) == ["content"]


@pytest.mark.parametrize(("number", "remedy"), [(errno.ENOSPC, "make room there"), (errno.EROFS, "make it writable")])
def test_a_disk_that_takes_no_more_is_one_sentence_and_leaves_nothing(tmp_path, number, remedy):
    place = tmp_path / "thing"

    def full(folder: Path, lock: int) -> Path:
        (folder / "half").write_text("half of it")
        raise OSError(number, os.strerror(number))

    with pytest.raises(Unavailable) as caught:
        install_once(place, "the thing", place.is_dir, full)
    assert str(caught.value) == (
        f"The thing cannot be installed in {tmp_path} ({os.strerror(number)}); {remedy}, or name another folder in"
        " HARNESS_HOME or HARNESS_ENVIRONMENTS."
    )
    assert names(tmp_path) == ["thing.lock"]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "below" / "thing"
    with pytest.raises(Unavailable, match=r"^The thing cannot be installed in .*file/below \(Not a directory\)"):
        install_once(place, "the thing", place.is_dir, maker())
