"""Renode comes with the set-up: which one is taken, what is said where there is none, and how its tests are run.

A stand-in answers as Renode does; its archive is made here, and nothing reaches out.
"""

import hashlib
import io
import os
import re
import tarfile
from pathlib import Path

import pytest

from harness.errors import Unavailable
from harness_targets.mcu.emulator import renode as renode_module
from harness_targets.mcu.emulator import renode_release as facts
from harness_targets.mcu.emulator.get_renode import get_renode
from harness_targets.mcu.emulator.renode import find_renode
from harness_targets.mcu.emulator.renode_release import renode_release
from harness_targets.mcu.export import renode_test as tests_module
from harness_targets.mcu.target import targets

STAND_IN = "#!/bin/sh\necho 'Renode v1.16.1.4242'\n"
TESTS = '#!/bin/sh\necho "$@"; command -v python3\nexit 3\n'


def stand_in(folder: Path) -> Path:
    """An archive as the release's: one folder, with programs in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in (("renode", STAND_IN), ("renode-test", TESTS)):
            member = tarfile.TarInfo(f"renode_1.16.1-dotnet_portable/{name}")
            member.size, member.mode = len(text), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
    archive = folder / "renode.tar.gz"
    archive.write_bytes(buffer.getvalue())
    return archive


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """Without Renode; a try to fetch it would be seen."""
    monkeypatch.setenv("HARNESS_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    for name in ("RENODE_HOME", facts.ARCHIVE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr("harness.installation.download.download", lambda *_: pytest.fail("it reached out"))
    renode_module._version.cache_clear()
    return tmp_path


@pytest.fixture
def archive(machine, monkeypatch):
    """A named archive of the stand-in, whose sum is taken for the release's."""
    made = stand_in(machine)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    monkeypatch.setattr(facts, "_SUMS", dict.fromkeys(facts._SUMS, digest))
    monkeypatch.setenv(facts.ARCHIVE_VARIABLE, str(made))
    return made


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(STAND_IN)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("system", "machine_name", "expected"),
    [
        ("Linux", "x86_64", "renode-1.16.1.linux-portable-dotnet.tar.gz"),
        ("Linux", "aarch64", "renode-1.16.1.linux-arm64-portable-dotnet.tar.gz"),
        ("Linux", "riscv64", None),
        ("Darwin", "arm64", None),
    ],
)
def test_each_system_has_its_official_archive_or_none(system, machine_name, expected, monkeypatch):
    name = os.uname_result((system, "host", "6", "1", machine_name))
    monkeypatch.setattr(os, "uname", lambda: name)
    release = renode_release()
    if expected is None:
        assert release is None
        with pytest.raises(Unavailable, match=r"no portable release of Renode 1\.16\.1 for this system"):
            get_renode()
    else:
        assert release.url == f"https://github.com/renode/renode/releases/download/v1.16.1/{expected}"
        assert re.fullmatch(r"[0-9a-f]{64}", release.sha256)


def test_it_is_brought_and_every_renode_target_is_ready_but_for_its_compiler(archive, capsys):
    assert get_renode() == 0
    found = find_renode()
    assert found == renode_release().location() / "renode"
    assert capsys.readouterr().out == f"Renode 1.16.1 is installed: {found}\n"
    assert get_renode() == 0
    assert capsys.readouterr().out == f"Renode is there: {found}\n"
    target = next(target for target in targets() if target.name == "mcu/renode-cortex-m4")
    readiness = target.probe()
    assert readiness.ready, readiness
    assert readiness.details["renode"] == "1.16.1.4242"


def test_renode_home_goes_before_path_and_path_before_the_release(archive, machine, monkeypatch):
    get_renode()
    on_path = program(machine / "bin" / "renode")
    assert find_renode() == on_path
    at_home = program(machine / "home" / "renode")
    monkeypatch.setenv("RENODE_HOME", str(at_home.parent))
    assert find_renode() == at_home


def test_without_it_doctor_has_one_line(machine):
    target = next(target for target in targets() if target.name == "mcu/renode-cortex-m4")
    readiness = target.probe()
    assert not readiness.ready
    assert readiness.missing == "Renode"
    assert readiness.install == "harness get-renode, or name its archive in HARNESS_RENODE_ARCHIVE."


def test_where_it_cannot_be_had_that_is_said_with_what_it_costs_and_not_tried_again(machine, monkeypatch):
    tried = []

    def refuse(*_):
        from harness.installation.download import NotFetched

        tried.append(1)
        raise NotFetched("Name or service not known")

    monkeypatch.setattr("harness.installation.download.download", refuse)
    cost = r"; unavailable: the targets mcu/renode-\*; QEMU serves their boards\.$"
    with pytest.raises(Unavailable, match=rf"^Renode 1\.16\.1 cannot be fetched from .*not known{cost}"):
        get_renode()
    with pytest.raises(Unavailable, match=rf"not known; not tried again before .*{cost}"):
        get_renode()
    assert len(tried) == 1
    target = next(target for target in targets() if target.name == "mcu/renode-cortex-m4")
    assert "Name or service not known; not tried again before" in target.probe().install


def test_a_named_archive_of_another_content_is_refused(archive):
    archive.write_bytes(b"something else")
    with pytest.raises(Unavailable, match="its SHA-256 is"):
        get_renode()
    assert not renode_release().ready()


def test_renode_test_gets_its_arguments_its_packages_and_gives_its_verdict(archive, machine, monkeypatch, capfd):
    get_renode()
    capfd.readouterr()

    class Packages:
        def python(self):
            return program(machine / "packages" / "bin" / "python3")

    monkeypatch.setattr(tests_module, "environment", {"renode-test": Packages()}.__getitem__)
    assert tests_module.renode_test(["suite.robot", "-r", "a folder"]) == 3
    assert capfd.readouterr().out == f"suite.robot -r a folder\n{machine / 'packages' / 'bin' / 'python3'}\n"


def test_a_renode_without_renode_test_says_so(machine):
    program(machine / "bin" / "renode")
    with pytest.raises(Unavailable, match="There is no renode-test beside"):
        tests_module.renode_test([])
