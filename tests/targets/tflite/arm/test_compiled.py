"""C of the harness's own, built on first use: what the compiler refuses is its author's fault, and no missing part."""

from types import SimpleNamespace

import pytest

from harness.errors import Failed, Unavailable
from harness.paths import environments_directory
from harness_targets.tflite.arm import compiled
from harness_targets.tflite.arm.compiled import library

pytestmark = pytest.mark.needs("zig")


def test_what_the_compiler_refuses_is_a_failure_in_one_sentence_and_leaves_nothing(tmp_path):
    source = tmp_path / "wrong.c"
    source.write_text("int answer(void) { return nobody_declared_this; }\n")
    with pytest.raises(Failed, match=r"The compiler refuses wrong\.c: .*nobody_declared_this") as caught:
        library(source)
    assert "\n" not in str(caught.value)
    assert not list(environments_directory().glob("arm64-wrong-*"))


def test_a_compiler_that_dies_is_a_part_that_cannot_be_had(tmp_path, monkeypatch):
    source = tmp_path / "right.c"
    source.write_text(f'const char *from = "{tmp_path}";\n')
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    zig = SimpleNamespace(python=lambda: program, digest=lambda: "one that dies")
    monkeypatch.setattr(compiled, "environment", lambda name: zig)
    with pytest.raises(Unavailable, match=r"right\.c was not built: the compiler ended with status -9\."):
        library(source)
    assert not list(environments_directory().glob("arm64-right-*"))


def test_what_it_takes_is_built_once(tmp_path):
    source = tmp_path / "right.c"
    source.write_text(f'const char *from = "{tmp_path}";\n')
    built = library(source)
    try:
        changed = built.stat().st_mtime_ns
        assert library(source) == built
        assert built.stat().st_mtime_ns == changed
    finally:
        built.unlink()
