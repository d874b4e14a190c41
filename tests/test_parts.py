"""A part that cannot be had is a skipped test on a laptop, and a failed one in CI where CI's set-up installs it."""

import pytest

from harness.installation.packages import TABLE
from harness_targets.tflite.arm.target import arm_targets
from tests import parts

NOT_IN_CI = {"arm-gcc", "renode", "micro-headers", "micro-library", "shared-models", "model-explorer"}
"""Too large for CI, or in none of the registries that it reaches."""
FROM_CI_PACKAGES = {
    "firefox-esr,firefox": "firefox",
    "webkit,WebKitWebDriver": "webkit",
    "Xvfb": "webkit",
    "pg_createcluster": "postgresql",
    "pdftotext": "pdftotext",
    "g++": "c++-compiler",
}


@pytest.fixture
def lacking(monkeypatch):
    """Have a part that is missing, which CI's set-up installs or does not."""

    def lacking(*, expected_in_ci):
        part = parts.Part(lambda: "made-up is not on PATH: apt-get install it", expected_in_ci)
        monkeypatch.setitem(parts.PARTS, "made-up", part)
        parts.missing.cache_clear()
        return "made-up"

    yield lacking
    parts.missing.cache_clear()


def end_of(name):
    """How a test that requires the part ends, and what is said."""
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception)) as ended:
        parts.require(name)
    return ended.type, str(ended.value)


@pytest.mark.parametrize("expected_in_ci", [True, False])
def test_on_a_laptop_a_missing_part_is_a_skip_that_says_how_to_get_it(lacking, monkeypatch, expected_in_ci):
    monkeypatch.delenv("CI", raising=False)
    ended, said = end_of(lacking(expected_in_ci=expected_in_ci))
    assert ended is pytest.skip.Exception
    assert said == "made-up: made-up is not on PATH: apt-get install it"


def test_in_ci_a_missing_part_of_its_set_up_is_a_failure(lacking, monkeypatch):
    monkeypatch.setenv("CI", "true")
    ended, said = end_of(lacking(expected_in_ci=True))
    assert ended is pytest.fail.Exception
    assert "missing in CI: made-up is not on PATH" in said


def test_in_ci_a_missing_part_that_it_never_has_is_a_skip(lacking, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert end_of(lacking(expected_in_ci=False))[0] is pytest.skip.Exception


def test_what_ci_does_not_have_is_listed():
    assert {name for name, part in parts.PARTS.items() if not part.expected_in_ci} == NOT_IN_CI


def test_every_package_that_is_installed_in_ci_alone_is_a_part_that_is_expected_there():
    rows = [line.split() for line in TABLE.read_text().splitlines() if line and line[0] != "#"]
    in_ci = {row[0] for row in rows if row[6] == "ci"}
    assert in_ci == set(FROM_CI_PACKAGES)
    assert set(FROM_CI_PACKAGES.values()) <= {name for name, part in parts.PARTS.items() if part.expected_in_ci}


def test_phones_cores_of_the_default_matrix_are_expected_in_ci():
    assert all(parts.part(target.name).expected_in_ci for target in arm_targets() if target.default_variants)


def test_a_users_own_library_is_not_expected_in_ci():
    assert not parts.part("mcu/qemu-cortex-m4-tflm").expected_in_ci
