"""Files at a place: whole, verified, and not too many."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from harness.errors import Failed, Unavailable
from harness.places.content_store import ContentStore, Dropped

SENDER = "a" * 64


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


def send(kept, content, digest=None, sender=SENDER, part=4):
    digest = digest or digest_of(content)
    for offset in range(0, max(1, len(content)), part):
        kept.receive(digest, sender, offset, len(content), content[offset : offset + part])
    return digest


@pytest.mark.parametrize("content", [b"", b"abc", b"abcd", b"abcdefghij"])
def test_a_file_that_arrived_is_laid_out_under_its_name(tmp_path, content):
    kept = ContentStore(tmp_path)
    digest = send(kept, content)
    assert kept.missing([digest, "0" * 64]) == ["0" * 64]
    with kept.checked_out({"artifact/model.bin": digest, "golden.npz": digest}) as folder:
        assert (folder / "artifact/model.bin").read_bytes() == (folder / "golden.npz").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == [digest]


def test_other_bytes_than_were_sent_are_never_kept(tmp_path):
    kept = ContentStore(tmp_path)
    with pytest.raises(Failed, match="other bytes than were sent"):
        send(kept, b"abcdefgh", digest_of(b"something else"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_cut_off_is_not_there_and_two_senders_do_not_meet(tmp_path):
    kept = ContentStore(tmp_path)
    content = b"abcdefgh"
    kept.receive(digest_of(content), "b" * 64, 0, 8, b"abcd")
    assert kept.missing([digest_of(content)]) == [digest_of(content)]
    send(kept, content)
    assert kept.missing([digest_of(content)]) == []
    with pytest.raises(Failed, match="another order"):
        kept.receive(digest_of(b"x"), SENDER, 0, 8, b"ab") or kept.receive(digest_of(b"x"), SENDER, 1, 8, b"ab")


def test_what_was_not_used_for_longest_is_dropped(tmp_path):
    kept = ContentStore(tmp_path, most_bytes=25)
    digests = [send(kept, bytes([number]) * 10) for number in (1, 2)]
    os.utime(tmp_path / digests[0], (1, 1))
    os.utime(tmp_path / digests[1], (2, 2))
    kept.missing(digests[:1])  # used now
    newest = send(kept, b"3" * 10)
    assert kept.missing([*digests, newest]) == [digests[1]]


def test_a_file_that_is_in_use_stays_for_who_uses_it(tmp_path):
    kept = ContentStore(tmp_path, most_bytes=10)
    digest = send(kept, b"0123456789")
    with kept.checked_out({"a": digest}) as folder:
        send(kept, b"9876543210")
        assert kept.missing([digest]) == [digest]
        assert (folder / "a").read_bytes() == b"0123456789"
    with pytest.raises(FileNotFoundError), kept.checked_out({"a": digest}):
        raise AssertionError


def test_a_dropped_file_is_named_whether_or_not_it_is_back_by_then(tmp_path):
    """Another case may have it sent again between the two looks: the place then named none, and the case crashed."""
    kept = ContentStore(tmp_path)
    digest = hashlib.sha256(b"0123456789").hexdigest()
    with pytest.raises(Dropped) as dropped, kept.checked_out({"a": digest}):
        raise AssertionError
    assert dropped.value.digest == send(kept, b"0123456789")
    assert kept.missing([digest]) == []


def test_folders_of_killed_processes_go_and_those_in_use_stay(tmp_path):
    kept = ContentStore(tmp_path)
    left = tmp_path / ".case-left"
    left.mkdir()
    digest = send(kept, b"abc")
    with kept.checked_out({"a": digest}) as folder:
        send(kept, b"other")
        assert folder.is_dir()
    assert not left.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path, monkeypatch, code):
    kept = ContentStore(tmp_path)
    kept.receive(digest_of(b"abcdefgh"), SENDER, 0, 8, b"abcd")

    def full(self, mode):
        raise OSError(code, "full")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(Unavailable, match="The disk of the place is full at "):
        kept.receive(digest_of(b"abcdefgh"), SENDER, 4, 8, b"efgh")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/../../b", ""])
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    kept = ContentStore(tmp_path)
    digest = send(kept, b"abc")
    with pytest.raises(Failed, match="no name inside a folder"), kept.checked_out({name: digest}):
        raise AssertionError
    with pytest.raises(Failed, match="no hash"):
        kept.missing(["../x"])
    with pytest.raises(Failed, match="no hash"):
        kept.receive("x/../../y", SENDER, 0, 1, b"z")
