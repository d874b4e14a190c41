"""What a target on an emulated core says of itself, whatever of it is here."""

import stat
from pathlib import Path

import pytest

from harness.errors import Unavailable
from harness.installation.packages import install_line
from harness_targets.tflite.arm import qemu
from harness_targets.tflite.arm.counter import interface_version
from harness_targets.tflite.arm.sysroot import SYSROOT, Sysroot
from harness_targets.tflite.arm.target import arm_targets
from tests.targets.mcu.test_target import make_artifact

TARGETS = {target.name: target for target in arm_targets()}
A53 = TARGETS["tflite/arm64-cortex-a53"]
USAGE = "usage: qemu-aarch64\n-plugin              QEMU_PLUGIN       [file=]<file>\n"


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """A PATH with nothing on it but, if asked, a QEMU of some version."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def pretend(version="7.2.22", cores=("cortex-a53", "cortex-a76"), usage=USAGE):
        program = tmp_path / qemu.PROGRAM
        listed = "\\n  ".join(cores)
        program.write_text(
            "#!/bin/sh\n"
            f'case "$1" in --version) echo "qemu-aarch64 version {version} (Debian)";;\n'
            f'-cpu) printf "Available CPUs:\\n  {listed}\\n";;\n'
            f"-h) echo '{usage}';; esac\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        qemu._answer.cache_clear()

    yield pretend
    qemu._answer.cache_clear()


def test_the_default_matrix_has_an_old_core_and_a_newer_one():
    by_default = {name for name, target in TARGETS.items() if target.default_variants}
    assert by_default == {"tflite/arm64-cortex-a53", "tflite/arm64-cortex-a76"}
    assert all(target.simulated and not target.timed for target in TARGETS.values())


@pytest.mark.usefixtures("pretended")
def test_without_qemu_the_package_is_named():
    readiness = A53.probe()
    assert not readiness.ready
    assert readiness.missing == "qemu-aarch64"
    assert readiness.install == install_line("qemu-aarch64")


def test_a_core_that_this_qemu_does_not_know_is_named_with_the_release_that_does(pretended):
    pretended()
    readiness = TARGETS["tflite/arm64-cortex-a710"].probe()
    assert readiness.missing == "Arm Cortex-A710 in QEMU 7.2.22"
    assert "8.2" in readiness.install


def test_without_a_debian_to_take_the_system_from_it_is_not_ready(pretended, monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_ENVIRONMENTS", str(tmp_path / "none"))
    pretended()
    assert A53.probe().missing == "apt-get"


def test_a_qemu_without_plugins_is_ready_and_says_what_it_does_not_count(pretended, monkeypatch):
    monkeypatch.setattr(Sysroot, "lacking", lambda self: "")
    pretended(usage="usage: qemu-aarch64\n-seed  QEMU_RAND_SEED\n")
    readiness = A53.probe()
    assert readiness.ready
    assert readiness.details["instructions"] == "not counted: this QEMU takes no plugin"


def test_a_program_that_is_no_qemu_is_told(pretended):
    pretended(version="")
    assert not A53.probe().ready


def test_the_plugin_asks_for_an_interface_that_the_qemu_has():
    assert [interface_version(version) for version in ("7.2.22", "8.2.2", "9.0.0", "10.1.0")] == [1, 1, 2, 2]


def test_another_core_stands_beside_it():
    assert A53.with_fingerprint({"core": "cortex-a76"}).fingerprint()["core"] == "cortex-a76"


def test_an_older_runtime_is_other_packages_in_the_fingerprint():
    older = A53.with_fingerprint({"ai-edge-litert": "2.1.0"})
    assert older.fingerprint()["ai-edge-litert"] == "2.1.0"
    assert older.fingerprint()["environment"] != A53.fingerprint()["environment"]


@pytest.mark.parametrize("changes", [{"core": "cortex-m4"}, {"threads": "2"}])
def test_what_cannot_be_changed_is_refused_in_one_sentence(changes):
    with pytest.raises(Unavailable, match="; "):
        A53.with_fingerprint(changes)


def test_what_the_system_was_made_of_is_passed_over_as_nobody_has_it_back():
    assert A53.with_fingerprint({"libc6": "2.35", "qemu": "7.0"}).fingerprint() == A53.fingerprint()


def test_select_tf_operators_and_libraries_for_this_processor_are_foretold(tmp_path):
    artifact = make_artifact(tmp_path, b"").model_copy(update={"operators": {"FlexErf": 1}})
    assert "FlexErf" in A53.unsupported_operators(artifact)[0]


def test_the_folder_is_another_where_the_cores_are_described_otherwise(monkeypatch):
    before = SYSROOT.location()
    monkeypatch.setattr("harness_targets.tflite.arm.cores.Core._cpuinfo", lambda self: "other")
    assert Path(SYSROOT.location()) != before
