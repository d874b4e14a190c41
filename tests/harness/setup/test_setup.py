"""Set-up goes on where a part cannot be had, says what that costs, and leaves nothing that names a machine."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from harness.installation import packages

REPOSITORY = Path(__file__).parents[3]
SETUP = REPOSITORY / "harness" / "setup"

TABLE = """\
# commands debian ubuntu fedora macos other when purpose
present-command present-package present-package - - - always nothing
absent-command absent-package absent-package absent-rpm absent-brew - always the targets some/absent-*
other-name,ci-command ci-package ci-package - - - ci the tests that open a window
told-command told-package,b told-package - - - tell the targets some/told
chromium,chromium-browser chromium playwright:chromium chromium-rpm - playwright:chromium tell the targets some/page
doctor-command doctor-package doctor-package - - - doctor the targets some/doctor
"""


class Machine:
    """A PATH with the few commands that the script needs, and whatever else a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.commands = folder / "commands"
        self.state = folder / "state"
        self.calls = folder / "calls"
        self.commands.mkdir()
        for name in ("sh", "cat", "find", "mkdir", "env", "printf", "dirname", "chmod", "tr", "uname"):
            (self.commands / name).symlink_to(Path("/usr/bin") / name)
        self.add("present-command", "exit 0")
        self.table = folder / "table.txt"
        self.table.write_text(TABLE)
        self.release = folder / "os-release"
        self.release.write_text("ID=debian\n")

    def add(self, name: str, body: str) -> None:
        command = self.commands / name
        command.write_text(f"#!/bin/sh\n{body}\n")
        command.chmod(command.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def add_apt(self, effect: str) -> None:
        self.add("apt-get", f'echo "$@" >>"{self.calls}"\n{effect}')

    def run(self, **variables: str) -> str:
        done = subprocess.run(
            ["/bin/sh", str(SETUP / "system.sh")],
            env={
                "PATH": str(self.commands),
                "HARNESS_SYSTEM_PACKAGES": str(self.table),
                "HARNESS_SETUP_DIRECTORY": str(self.state),
                "HARNESS_OS_RELEASE": str(self.release),
                "HOME": str(self.state),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0
        assert not done.stderr
        return done.stdout

    def apt_calls(self) -> str:
        return self.calls.read_text() if self.calls.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


MISSING = "setup: absent-command is missing, so unavailable: the targets some/absent-*; "
ABSENT = f"{MISSING}get it with `sudo apt-get install absent-package`\n"


def test_without_apt_it_says_what_stays_unavailable(machine: Machine) -> None:
    machine.add("id", "echo 0")
    said = machine.run()
    assert f"{MISSING}get it as your system has it\n" in said
    assert "told-command is missing" in said
    assert "ci-command" not in said
    assert "present-command" not in said
    assert "doctor-command" not in said


@pytest.mark.parametrize(
    ("managers", "release", "absent", "page"),
    [
        (["apt-get"], "ID=debian", "`sudo apt-get install absent-package`", "`sudo apt-get install chromium`"),
        (
            ["apt-get"],
            "ID=linuxmint\nID_LIKE='ubuntu debian'",
            "`sudo apt-get install absent-package`",
            "`.venv/bin/playwright install chromium`",
        ),
        (["dnf"], "ID=fedora", "`sudo dnf install absent-rpm`", "`sudo dnf install chromium-rpm`"),
        (["brew"], "", "`brew install absent-brew`", "as your system has it"),
        ([], "ID=arch", "as your system has it", "`.venv/bin/playwright install chromium`"),
    ],
)
def test_each_system_is_told_its_own_packages(
    managers: list[str], release: str, absent: str, page: str, machine: Machine
) -> None:
    machine.add("id", "echo 1000")
    for manager in managers:
        machine.add(manager, "exit 1")
    machine.release.write_text(f"{release}\n")
    said = machine.run()
    assert MISSING in said
    assert absent in said
    assert "chromium is missing, so unavailable: the targets some/page" in said
    assert page in said


def test_one_of_several_commands_is_enough(machine: Machine) -> None:
    machine.add("id", "echo 1000")
    machine.add("ci-command", "exit 0")
    machine.add("chromium-browser", "exit 0")
    said = machine.run(CI="true")
    assert "other-name" not in said
    assert "chromium is missing" not in said


@pytest.mark.parametrize("by", ["home", "variable", "xdg"])
def test_a_browser_that_playwright_downloaded_is_there(by: str, machine: Machine, tmp_path: Path) -> None:
    machine.add("id", "echo 1000")
    folder = {"home": machine.state / ".cache" / "ms-playwright", "variable": tmp_path / "p", "xdg": tmp_path / "x"}[by]
    variables = {
        "home": {},
        "variable": {"PLAYWRIGHT_BROWSERS_PATH": str(folder)},
        "xdg": {"XDG_CACHE_HOME": str(folder)},
    }
    (folder / ("ms-playwright" if by == "xdg" else "") / "chromium-1248").mkdir(parents=True)
    assert "chromium is missing" not in machine.run(**variables[by])


def test_without_root_and_sudo_apt_is_not_called(machine: Machine) -> None:
    machine.add("id", "echo 1000")
    machine.add_apt("exit 0")
    assert ABSENT in machine.run()
    assert not machine.apt_calls()


def test_root_installs_what_is_missing_and_nothing_else(machine: Machine) -> None:
    machine.add("id", "echo 0")
    made = machine.commands / "absent-command"
    machine.add_apt(f'case "$*" in *absent-package*) echo >"{made}"; chmod 755 "{made}" ;; esac')
    said = machine.run()
    assert "installing the packages absent-package" in said
    assert "absent-command is missing" not in said
    assert "told-package" not in machine.apt_calls()
    assert "ci-package" not in machine.apt_calls()
    assert "present-package" not in machine.apt_calls()


def test_ci_installs_its_own_too(machine: Machine) -> None:
    machine.add("id", "echo 0")
    machine.add_apt("exit 0")
    machine.run(CI="true")
    assert "ci-package" in machine.apt_calls()


def test_sudo_is_used_where_it_needs_no_password(machine: Machine) -> None:
    machine.add("id", "echo 1000")
    machine.add("sudo", 'shift; exec "$@"')
    machine.add("true", "exit 0")
    machine.add_apt("exit 0")
    machine.run()
    assert "install --yes --no-install-recommends absent-package" in machine.apt_calls()


def test_a_failing_apt_is_not_tried_again_at_once(machine: Machine) -> None:
    machine.add("id", "echo 0")
    machine.add_apt("exit 100")
    assert ABSENT in machine.run()
    before = machine.apt_calls()
    assert ABSENT in machine.run()
    assert machine.apt_calls() == before


@pytest.mark.parametrize("script", sorted(SETUP.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_plain_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)


def test_the_lines_of_doctor_are_those_of_the_set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert packages.this_system() == "other"
    assert packages.install_line("qemu-system-arm") == "install qemu-system-arm as your system has it"
    assert packages.install_line("chromium") == f"{sys.executable} -m playwright install chromium"
    for manager, line in (
        ("brew", "brew install qemu"),
        ("dnf", "dnf install -y qemu-system-arm"),
        ("apt-get", "apt-get install -y qemu-system-arm"),
    ):
        (tmp_path / manager).write_text("#!/bin/sh\n")
        (tmp_path / manager).chmod(0o755)
        assert packages.install_line("qemu-system-arm") == line
    monkeypatch.setattr(packages.platform, "freedesktop_os_release", lambda: {"ID": "ubuntu"})
    assert packages.install_line("chromium").endswith("-m playwright install chromium")


def pinned(file: str) -> dict[str, set[Version]]:
    found: dict[str, set[Version]] = {}
    for name, version in re.findall(r"(?m)^([\w.-]+)==([^\s;\\]+)", (REPOSITORY / file).read_text()):
        found.setdefault(name, set()).add(Version(version))
    return found


@pytest.mark.parametrize("file", ["requirements/engine.txt", "requirements/dev.txt"])
def test_requirement_files_are_in_step_with_the_project(file: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"]]
    if file.endswith("dev.txt"):
        wanted += project["dependency-groups"]["dev"]
    versions = pinned(file)
    for requirement in map(Requirement, wanted):
        assert versions.get(requirement.name), f"{requirement.name} is not in {file}: run `make requirements`"
        for version in versions[requirement.name]:
            assert version in requirement.specifier, f"{requirement} is not what {file} pins: run `make requirements`"


def test_requirement_files_name_no_address_and_have_hashes() -> None:
    files = [*REPOSITORY.glob("requirements/*.txt"), *REPOSITORY.glob("harness/requirements/*.txt")]
    assert files
    for file in files:
        text = file.read_text()
        assert "://" not in text
        assert "--index-url" not in text
        assert all(
            "--hash=sha256:" in block
            for block in re.split(r"(?m)^(?=[a-z])", text)
            if not block.startswith("#") and block
        )


def test_ci_can_start_its_script() -> None:
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)
