"""What a measurement is addressed by: a target's whole family decides its figures."""

from pathlib import Path

from harness.conversion.target_address import family_folder


def test_a_target_in_a_folder_of_its_family_is_decided_by_the_whole_family():
    family = Path("targets/tflite")
    assert family_folder(family / "target.py", "harness_targets.tflite.target") == family
    assert family_folder(family / "arm" / "target.py", "harness_targets.tflite.arm.target") == family


def test_a_target_of_another_package_is_decided_by_its_folder():
    assert family_folder(Path("acme/target.py"), "acme.target") == Path("acme")
    assert family_folder(Path("acme.py"), "acme") == Path()
