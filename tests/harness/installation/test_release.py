"""A release is fetched, checked before it is unpacked, and unpacked into its own folder; else nothing is left of it.

Nothing here reaches out: a server on loopback hands out archives that the tests make.
"""

import contextlib
import errno
import hashlib
import io
import socket
import subprocess
import sys
import tarfile
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.errors import Unavailable
from harness.installation import download, unpacking
from harness.installation.release import Release

STAND_IN = b"#!/bin/sh\necho 'Renode v1.16.1.1'\n"


def file(name, content=b"", mode=0o644):
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    return member, content


def link(name, target, kind=tarfile.SYMTYPE):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


SOUND = (
    file("tool_1.0_portable/tool", STAND_IN, 0o755),
    file("tool_1.0_portable/tests/robot.css", b"css"),
    link("tool_1.0_portable/tests/again", "../tool"),
    link("tool_1.0_portable/hard", "tool_1.0_portable/tests/robot.css", tarfile.LNKTYPE),
)


def archive_of(*members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Server:
    """Hands out `content`; `headers` and `status` can be others, and `sent` less than all. Counts its requests."""

    def __init__(self):
        self.content, self.cut, self.moved, self.status = b"", None, {}, 200
        self.asked, self.was_asked = [], threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                outer.was_asked.set()
                outer.may_answer.wait()
                if self.path in outer.moved:
                    self.send_response(302)
                    self.send_header("Location", outer.moved[self.path])
                    self.end_headers()
                    return
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.content)))
                self.end_headers()
                self.wfile.write(outer.content[: outer.cut])

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()


@pytest.fixture
def server():
    made = Server()
    made.content = archive_of(*SOUND)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.delenv("TOOL_ARCHIVE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "environments"


def release(server, content=None, path="/tool.tar.gz"):
    digest = hashlib.sha256(server.content if content is None else content).hexdigest()
    return Release("Tool 1.0", f"{server.address}{path}", digest, "tool", "TOOL_ARCHIVE")


def left(home):
    return sorted(path.name for path in home.iterdir() if path.suffix not in {".lock", ".failed"})


def test_it_is_fetched_checked_and_unpacked_without_its_top_folder(server, home, capfd):
    tool = release(server)
    assert not tool.ready()
    place = tool.install()
    assert tool.ready()
    assert place == home / f"tool-1.0-{tool.sha256[:16]}"
    assert subprocess.run([place / "tool"], capture_output=True, text=True, check=True).stdout == "Renode v1.16.1.1\n"
    assert (place / "tests" / "again").resolve() == place / "tool"
    assert (place / "hard").read_bytes() == b"css"
    assert left(home) == [place.name]
    assert capfd.readouterr().err == f"Fetching Tool 1.0 from {server.address}/tool.tar.gz …\n"
    assert tool.install() == place
    assert len(server.asked) == 1


def test_a_redirect_is_followed(server):
    server.moved = {"/tool.tar.gz": "/elsewhere/tool.tar.gz"}
    assert (release(server).install() / "tool").is_file()
    assert server.asked == ["/tool.tar.gz", "/elsewhere/tool.tar.gz"]


@pytest.mark.parametrize("elsewhere", ["http://127.0.0.1/tool", "ftp://127.0.0.1/tool", "file:///etc/passwd"])
def test_a_redirect_away_from_https_is_not(elsewhere):
    asked = urllib.request.Request("https://127.0.0.1/tool")
    with pytest.raises(urllib.error.URLError, match="leads from https to"):
        download._StaysSecure().redirect_request(asked, io.BytesIO(), 302, "Found", {}, elsewhere)


def test_a_redirect_to_a_local_file_is_not(server, home):
    server.moved = {"/tool.tar.gz": "file:///etc/passwd"}
    with pytest.raises(Unavailable, match=r"Tool 1\.0 cannot be fetched from"):
        release(server).install()
    assert left(home) == []


def test_a_wrong_sum_is_refused_before_anything_is_unpacked(server, home, monkeypatch):
    monkeypatch.setattr(unpacking, "unpack", lambda *_: pytest.fail("unpacked"))
    tool = release(server, b"what it should be")
    with pytest.raises(Unavailable, match=rf"its SHA-256 is [0-9a-f]{{64}}, which is not the release's {tool.sha256}"):
        tool.install()
    assert left(home) == []


def test_a_cut_download_is_refused(server, home):
    tool = release(server)
    server.cut = 100
    with pytest.raises(Unavailable, match=r"the download (was cut after 100 of \d+ bytes|ended early)"):
        tool.install()
    assert left(home) == []
    assert not tool.ready()


def test_what_could_not_be_fetched_is_not_tried_again_within_the_hour(server, home):
    server.status = 503
    tool = release(server)
    with pytest.raises(Unavailable, match="the server answers 503 Service Unavailable"):
        tool.install()
    server.status = 200
    with pytest.raises(Unavailable, match="503 Service Unavailable; not tried again before"):
        tool.install()
    assert len(server.asked) == 1
    assert "503" in tool.failure()
    for kept in home.glob("*.failed"):
        kept.unlink()
    tool.install()
    assert tool.failure() is None


def test_no_network_is_said_at_once(home, monkeypatch):
    monkeypatch.setattr(download, "CONNECT_SECONDS", 3600.0)  # longer than a test may take
    with contextlib.closing(socket.socket()) as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/tool.tar.gz"
    with pytest.raises(Unavailable, match="Connection refused"):
        Release("Tool 1.0", address, "0" * 64, "tool", "TOOL_ARCHIVE").install()
    assert left(home) == []


def test_a_server_that_does_not_answer_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.2)
    server.may_answer.clear()
    with pytest.raises(Unavailable, match=r"there was no answer within 0\.2 s"):
        release(server).install()
    server.may_answer.set()


def test_a_full_disk_is_one_sentence_and_is_tried_again(server, home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(download, "_transfer", full)
        with pytest.raises(
            Unavailable, match=r"Tool 1\.0 cannot be installed in .* \(No space left on device\); make room"
        ):
            release(server).install()
    assert left(home) == []
    assert release(server).install().is_dir()


@pytest.mark.parametrize(
    "members",
    [
        (file("top/tool", STAND_IN, 0o755), file("top/../../outside", b"!")),
        (file("top/tool", STAND_IN, 0o755), file("/outside", b"!")),
        (file("top/tool", STAND_IN, 0o755), file("../outside", b"!")),
        (file("top/tool", STAND_IN, 0o755), link("top/out", "../../outside")),
        (file("top/tool", STAND_IN, 0o755), link("top/out", "/etc/passwd")),
        (file("top/tool", STAND_IN, 0o755), link("top/out", "../../outside", tarfile.LNKTYPE)),
        (file("top/tool", STAND_IN, 0o755), link("top/folder", "."), file("top/folder/inside", b"!")),
        (file("top/tool", STAND_IN, 0o755), link("top/device", "", tarfile.CHRTYPE)),
        (file("top/tool", STAND_IN, 0o755), link("top/pipe", "", tarfile.FIFOTYPE)),
    ],
    ids=[
        "climbs",
        "absolute",
        "top-climbs",
        "link-out",
        "link-absolute",
        "hard-link-out",
        "behind-link",
        "device",
        "pipe",
    ],
)
@pytest.mark.parametrize("with_filter", [True, False], ids=["filter", "before-3.11.4"])
def test_a_path_that_climbs_out_is_refused(members, with_filter, server, home, monkeypatch):
    if not with_filter:
        if sys.version_info >= (3, 14):
            pytest.skip("since Python 3.14 tarfile always filters")
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    server.content = archive_of(*members)
    with pytest.raises(Unavailable, match="its archive cannot be unpacked"):
        release(server).install()
    assert left(home) == []
    assert not list(home.parent.rglob("outside"))


def test_an_archive_that_is_none_is_refused(server, home):
    server.content = b"<html>a captive portal</html>"
    with pytest.raises(Unavailable, match="its archive cannot be unpacked"):
        release(server).install()
    server.content = archive_of(file("top/other", b""))
    with pytest.raises(Unavailable, match="its archive holds no tool"):
        release(server).install()
    assert left(home) == []


def test_more_than_a_disk_should_hold_is_refused(server, home, monkeypatch):
    monkeypatch.setattr(unpacking, "LARGEST_BYTES", 1000)
    server.content = archive_of(file("top/tool", b"0" * 1001))
    with pytest.raises(Unavailable, match="it holds more than 1000 bytes"):
        release(server).install()
    assert left(home) == []


def test_no_file_is_for_others_to_write_or_run_as_root(server):
    server.content = archive_of(file("top/tool", STAND_IN, 0o6777), file("top/data", b"", 0o666))
    place = release(server).install()
    assert (place / "tool").stat().st_mode & 0o7777 == 0o755
    assert (place / "data").stat().st_mode & 0o7777 == 0o644


def test_a_named_archive_is_taken_and_its_sum_is_the_same(server, tmp_path, home, monkeypatch):
    named = tmp_path / "tool.tar.gz"
    named.write_bytes(server.content)
    monkeypatch.setenv("TOOL_ARCHIVE", str(named))
    assert (release(server).install() / "tool").is_file()
    other = release(server, b"another one")
    with pytest.raises(Unavailable, match=rf"Tool 1\.0 cannot be installed from {named}: its SHA-256 is"):
        other.install()
    monkeypatch.setenv("TOOL_ARCHIVE", str(tmp_path / "absent"))
    with pytest.raises(Unavailable, match=r"absent: it cannot be read \(No such file or directory\)"):
        other.install()
    assert not server.asked
    assert not list(home.glob("*.failed")), "whoever names an archive is never kept waiting"


INSTALL = "import sys; from harness.installation.release import Release; print(Release(*sys.argv[1:]).install())"


def test_two_set_ups_at_once_fetch_it_once(server, home):
    """The second comes while the first waits for the server, which answers once the second has said that it waits."""
    server.may_answer.clear()
    tool = release(server)
    arguments = [tool.name, tool.url, tool.sha256, tool.program, tool.archive_variable]
    command = [sys.executable, "-c", INSTALL, *arguments]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.was_asked.wait(60)
    second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "waiting for it" in second.stderr.readline()
    server.may_answer.set()
    said = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert said == [f"{tool.location()}\n"] * 2
    assert len(server.asked) == 1
    assert left(home) == [tool.location().name]
