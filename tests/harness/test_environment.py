"""Environments are installed once, whole or not at all, and say what is in them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness import environment as module
from harness.environment import ENVIRONMENTS, Environment, environment
from harness.errors import HarnessError, Unavailable
from harness.installation.interpreter import own_version
from harness.paths import cache_directory, environments_directory, project_root, results_directory

# The smallest package that the engine's own requirements pin with hashes: uv has it in its cache by now.
REPOSITORY = Path(__file__).parents[2]
OWN_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(autouse=True)
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_ENVIRONMENTS", str(tmp_path / "environments"))
    return tmp_path / "environments"


INSTALLS = pytest.mark.needs("package-index")
OWN = (own_version(),)
"""So that nothing has to be brought, whichever Python tests."""


@pytest.fixture
def small(tmp_path: Path) -> Environment:
    lines: list[str] = []
    for line in (REPOSITORY / "requirements" / "engine.txt").read_text().splitlines():
        if line.startswith("mdurl==") or (lines and line.startswith(" ")):
            lines.append(line)
        elif lines:
            break
    requirements = tmp_path / "small.txt"
    requirements.write_text("\n".join(lines) + "\n")
    return Environment("small", requirements, python_versions=OWN)


def imports(python: Path, package: str) -> bool:
    return subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


def leftovers(environments: Path) -> list[str]:
    return [path.name for path in environments.iterdir() if ".partial" in path.name]


@INSTALLS
def test_is_installed_on_first_use_and_never_again(
    small: Environment, environments: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not small.ready()
    python = small.python()
    assert small.ready()
    assert imports(python, "mdurl")
    assert not leftovers(environments)
    said = capfd.readouterr()
    assert not said.out
    assert "Installing the environment `small` (mdurl " in said.err

    def refuse() -> str:
        raise AssertionError("installed twice")

    monkeypatch.setattr(module, "find_uv", refuse)
    assert small.python() == python
    assert not capfd.readouterr().err


@INSTALLS
def test_nothing_in_it_names_the_folder_that_it_was_made_in(small: Environment, environments: Path) -> None:
    location = small.python().parents[1]
    scripts = [path for path in (location / "bin").iterdir() if path.is_file() and not path.is_symlink()]
    assert scripts
    assert not [path for path in [*scripts, location / "pyvenv.cfg"] if ".partial" in path.read_text(errors="replace")]


@INSTALLS
def test_an_environment_whose_interpreter_is_gone_is_made_again(small: Environment) -> None:
    python = small.python()
    python.unlink()
    assert not small.ready()
    assert imports(small.python(), "mdurl")


def test_digest_follows_the_requirements(small: Environment) -> None:
    before = small.digest()
    assert small.digest() == before
    assert small.requirements is not None
    small.requirements.write_text(small.requirements.read_text() + "# changed\n")
    assert small.digest() != before


@INSTALLS
def test_a_wrong_hash_is_refused_and_leaves_nothing(small: Environment, environments: Path) -> None:
    assert small.requirements is not None
    pin = small.requirements.read_text().splitlines()[0]
    small.requirements.write_text(f"{pin}\n    --hash=sha256:{'0' * 64}\n")
    with pytest.raises(Unavailable, match="`small` cannot be installed") as caught:
        small.python()
    assert "\n" not in str(caught.value)
    assert not small.ready()
    assert not leftovers(environments)


INSTALL = "import sys; from pathlib import Path; from harness.environment import Environment; \
print(Environment('small', Path(sys.argv[1]), python_versions=(sys.argv[2],)).python())"


def start_install(small: Environment, cwd: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INSTALL, str(small.requirements), *OWN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
    )


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def slow_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A uv that waits, before it installs packages, until the file `go` is there, and says so by `go.waited-for`."""
    go = tmp_path / "go"
    real = module.find_uv()
    package = tmp_path / "slow" / "uv"
    package.mkdir(parents=True)
    script = package / "slow-uv"
    script.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = pip ]; then touch "{go}.waited-for"; while [ ! -e "{go}" ]; do sleep 0.05; done; fi\n'
        f'exec "{real}" "$@"\n'
    )
    script.chmod(0o755)
    (package / "__init__.py").write_text(f"def find_uv_bin():\n    return {str(script)!r}\n")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    yield go
    go.touch()  # nothing waits on after a test that failed


@INSTALLS
def test_two_processes_install_it_once(small: Environment, environments: Path, slow_uv: Path) -> None:
    first = start_install(small)
    wait_until(Path(f"{slow_uv}.waited-for").exists)
    second = start_install(small)
    assert second.stderr is not None
    assert "waiting for it" in second.stderr.readline()
    slow_uv.touch()
    said = [process.communicate(timeout=60) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert "Installing" in said[0][1]
    assert "Installing" not in said[1][1]
    assert len([path for path in environments.iterdir() if path.is_dir()]) == 1


@INSTALLS
def test_killed_in_mid_install_it_is_not_ready_and_the_next_one_clears_up(
    small: Environment, environments: Path, slow_uv: Path
) -> None:
    process = start_install(small)
    wait_until(Path(f"{slow_uv}.waited-for").exists)
    process.kill()
    process.communicate()
    assert leftovers(environments)
    assert not small.ready()
    # The killed process' uv goes on by itself, and its folder is not cleared under it.
    following = start_install(small)
    assert following.stderr is not None
    assert "waiting for it" in following.stderr.readline()
    assert leftovers(environments)
    slow_uv.touch()
    following.communicate(timeout=60)
    assert following.returncode == 0
    assert not leftovers(environments)
    assert imports(small.python(), "mdurl")


def test_interrupted_it_clears_up_itself(
    small: Environment, environments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Environment, "_uv", interrupt)
    with pytest.raises(KeyboardInterrupt):
        small.python()
    assert not small.ready()
    assert not leftovers(environments)


def test_pins_that_a_user_names(environments: Path) -> None:
    pinned = Environment.from_pins("mine", ["Packaging==24.2", "mdurl==0.1.2"])
    assert pinned.versions() == {"packaging": "24.2", "mdurl": "0.1.2"}
    assert pinned.digest() != Environment.from_pins("mine", ["packaging==24.1"]).digest()
    with pytest.raises(HarnessError, match="`packaging` in the environment `mine` does not pin a version"):
        Environment.from_pins("mine", ["packaging"])
    with pytest.raises(HarnessError, match="pins no package"):
        Environment.from_pins("mine", [])


@INSTALLS
def test_pins_install() -> None:
    assert imports(Environment.from_pins("mine", ["mdurl==0.1.2"], OWN).python(), "mdurl")


@pytest.mark.parametrize("name", sorted(ENVIRONMENTS))
def test_each_known_environment_says_its_versions(name: str) -> None:
    known = environment(name)
    assert known.name == name
    assert tuple(known.versions()) == known.packages
    assert len(known.digest()) == 64
    assert known.requirements is not None
    text = known.requirements.read_text()
    assert "://" not in text
    pins = text.count("==") - text.count("version ==") - text.count("platform ==") - text.count("implementation ==")
    assert pins
    assert text.count("--hash=sha256:") >= pins


def test_versions_are_those_of_the_python_that_it_gets(tmp_path: Path) -> None:
    requirements = tmp_path / "split.txt"
    requirements.write_text(
        "numpy==2.4.6 ; python_full_version < '3.12' \\\n    --hash=sha256:00\n"
        "numpy==2.5.5 ; python_full_version >= '3.12' \\\n    --hash=sha256:11\n"
    )
    assert Environment("split", requirements, python_versions=("3.11",)).versions() == {"numpy": "2.4.6"}
    wrong = Environment("split", requirements, python_versions=("3.12",))
    assert wrong.versions() == {"numpy": "2.5.5"}


@pytest.mark.parametrize("installed", ["3.12", "3.11"])
def test_the_python_that_it_is_installed_for_stays_its_python(
    installed: str, small: Environment, environments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second project with another Python does not get a second converter of 2.7 GB."""
    small = replace(small, python_versions=("3.11", "3.12"))
    monkeypatch.setattr(module, "own_version", lambda: "3.13")
    monkeypatch.setattr(module, "installed_interpreter", lambda version: None)
    place = environments / f"small-{small._digest_for(installed)[:16]}"
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").touch()
    assert small.ready()
    assert small.python() == place / "bin" / "python"


def test_without_one_the_first_python_that_is_there_is_taken(
    small: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(small, python_versions=("3.11", "3.12"))
    monkeypatch.setattr(module, "own_version", lambda: "3.13")
    monkeypatch.setattr(module, "installed_interpreter", lambda version: Path(version) if version == "3.12" else None)
    assert small.digest() == small._digest_for("3.12")
    # What becomes ready meanwhile does not change what this process has said of it.
    monkeypatch.setattr(module, "installed_interpreter", lambda version: Path(version))
    assert small.digest() == small._digest_for("3.12")


def test_packages_without_wheels_elsewhere_are_left_out_there(monkeypatch: pytest.MonkeyPatch) -> None:
    here = environment("converter")
    digest, pins = here.digest(), here.versions()
    monkeypatch.setattr(module, "_on_linux_x86", lambda: False)
    assert here.digest() != digest
    assert set(pins) - set(here.versions()) == {"tflite-micro"}
    text = here._text()
    assert "\ntensorflow==" in text
    assert "tensorflow-decision-forests" not in text
    assert text.count("==") > 50


@INSTALLS
def test_two_projects_have_one_environment(small: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_ENVIRONMENTS")
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    projects = [tmp_path / "one", tmp_path / "two"]
    processes = []
    for project in projects:
        project.mkdir()
        (project / "harness.toml").touch()
        processes.append(start_install(small, cwd=project))
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert said[0][0].startswith(str(tmp_path / "home" / "environments" / "small-"))
    assert sum(err.count("Installing the environment") for _, err in said) == 1
    assert [list(project.iterdir()) for project in projects] == [[project / "harness.toml"] for project in projects]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    small: Environment, environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = tmp_path / "full-uv"
    full.write_text("#!/bin/sh\necho 'error: failed to write: No space left on device (os error 28)' >&2\nexit 2\n")
    full.chmod(0o755)
    monkeypatch.setattr(module, "find_uv", lambda: str(full))
    with pytest.raises(Unavailable, match=r"`small` cannot be installed \(uv: .*No space left on device") as caught:
        small.python()
    assert "\n" not in str(caught.value)
    assert not small.ready()
    assert not leftovers(environments)


def test_unknown_names_and_missing_parts_get_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="There is no environment `litter`; name one of converter, litert"):
        environment("litter")
    with pytest.raises(Unavailable, match=r"requirement file .*absent.txt of the environment `a` cannot be read"):
        Environment("a", tmp_path / "absent.txt").ready()


class TestPaths:
    def test_the_project_is_found_upwards(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HARNESS_ENVIRONMENTS")
        monkeypatch.delenv("HARNESS_CACHE", raising=False)
        inner = tmp_path / "project" / "a" / "b"
        inner.mkdir(parents=True)
        (tmp_path / "project" / "harness.toml").touch()
        # Somebody else's pyproject.toml, even a broken one, does not end the search.
        (tmp_path / "project" / "a" / "pyproject.toml").write_text("[project\n")
        (inner / "pyproject.toml").write_text('[project]\nname = "other"\n')
        monkeypatch.chdir(inner)
        project = (tmp_path / "project").resolve()
        assert project_root() == project
        assert cache_directory() == project / ".harness"
        assert results_directory() == project / "results"

    def test_without_a_project_it_is_the_current_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert project_root() == tmp_path.resolve()

    def test_this_checkout_is_a_project(self) -> None:
        assert project_root(REPOSITORY / "tests") == REPOSITORY.resolve()

    def test_variables_move_the_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
        assert cache_directory() == (tmp_path / "cache").resolve()

    @pytest.mark.parametrize(
        ("variables", "expected"),
        [
            ({"HARNESS_ENVIRONMENTS": "/e", "HARNESS_HOME": "/h"}, "/e"),
            ({"HARNESS_HOME": "/h", "XDG_CACHE_HOME": "/x", "HARNESS_CACHE": "/c"}, "/h/environments"),
            ({"XDG_CACHE_HOME": "/x"}, "/x/ml-runtime-harness/environments"),
            ({"XDG_CACHE_HOME": "relative"}, "/home/me/CACHES/ml-runtime-harness/environments"),
            ({"HARNESS_HOME": "", "XDG_CACHE_HOME": ""}, "/home/me/CACHES/ml-runtime-harness/environments"),
        ],
    )
    @pytest.mark.parametrize(("system", "caches"), [("linux", ".cache"), ("darwin", "Library/Caches")])
    def test_what_is_installed_is_shared_by_all_projects_of_a_user(
        self,
        variables: dict[str, str],
        expected: str,
        system: str,
        caches: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in ("HARNESS_ENVIRONMENTS", "HARNESS_HOME", "HARNESS_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"HOME": "/home/me", **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.platform", system)
        assert str(environments_directory()) == expected.replace("CACHES", caches)
        # The set-up's shell scripts have to know it before there is a Python.
        (tmp_path / "uname").write_text(f"#!/bin/sh\necho {system.capitalize()}\n")
        (tmp_path / "uname").chmod(0o755)
        program = f". {REPOSITORY}/harness/setup/shared.sh; environments_directory"
        said = subprocess.run(
            ["/bin/sh", "-euc", program],
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert said.stdout == str(environments_directory())
