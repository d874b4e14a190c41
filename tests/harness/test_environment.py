"""Environments are installed once, whole or not at all, and say what is in them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import environment as module
from harness.environment import ENVIRONMENTS, Environment, environment
from harness.errors import HarnessError, Unavailable
from harness.paths import cache_directory, environments_directory, project_root, results_directory

# The smallest package that the engine's own requirements pin with hashes: uv has it in its cache by now.
REPOSITORY = Path(__file__).parents[2]
OWN_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(autouse=True)
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_ENVIRONMENTS", str(tmp_path / "environments"))
    return tmp_path / "environments"


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
    return Environment("small", requirements)


def imports(python: Path, package: str) -> bool:
    return subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


def leftovers(environments: Path) -> list[str]:
    return [path.name for path in environments.iterdir() if ".partial" in path.name]


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

    monkeypatch.setattr(module, "_find_uv", refuse)
    assert small.python() == python
    assert not capfd.readouterr().err


def test_nothing_in_it_names_the_folder_that_it_was_made_in(small: Environment, environments: Path) -> None:
    location = small.python().parents[1]
    scripts = [path for path in (location / "bin").iterdir() if path.is_file() and not path.is_symlink()]
    assert scripts
    assert not [path for path in [*scripts, location / "pyvenv.cfg"] if ".partial" in path.read_text(errors="replace")]


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
print(Environment('small', Path(sys.argv[1])).python())"


def start_install(small: Environment, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INSTALL, str(small.requirements)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
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
    real = module._find_uv()
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


def test_pins_install() -> None:
    assert imports(Environment.from_pins("mine", ["mdurl==0.1.2"]).python(), "mdurl")


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
    assert wrong.versions() == {"numpy": "2.5.5" if OWN_VERSION in ("3.11", "3.12") else "2.4.6"}


def test_unknown_names_and_missing_parts_get_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HarnessError, match="There is no environment `litter`; name one of converter, litert"):
        environment("litter")
    with pytest.raises(Unavailable, match=r"requirement file .*absent.txt of the environment `a` cannot be read"):
        Environment("a", tmp_path / "absent.txt").ready()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"`old` needs Python 3\.4, which is not on PATH; install it"):
        Environment.from_pins("old", ["mdurl==0.1.2"], python_versions=["3.4"]).python()


def test_a_launcher_that_refuses_to_start_is_no_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = tmp_path / "python3.4"
    launcher.write_text("#!/bin/sh\necho 'python3.4: command not found' >&2\nexit 127\n")
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(Unavailable, match=r"needs Python 3\.4"):
        Environment.from_pins("old", ["mdurl==0.1.2"], python_versions=["3.4"]).python()


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
        assert environments_directory() == project / ".harness" / "environments"
        assert results_directory() == project / "results"

    def test_without_a_project_it_is_the_current_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert project_root() == tmp_path.resolve()

    def test_this_checkout_is_a_project(self) -> None:
        assert project_root(REPOSITORY / "tests") == REPOSITORY.resolve()

    def test_variables_move_the_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HARNESS_ENVIRONMENTS")
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
        assert cache_directory() == (tmp_path / "cache").resolve()
        assert environments_directory() == (tmp_path / "cache" / "environments").resolve()
