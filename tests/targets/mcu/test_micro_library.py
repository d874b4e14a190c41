"""The user's own library is looked at before anything is linked: what does not fit is said in one sentence."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import Unavailable
from harness_targets.mcu.boards import MPS2_CORTEX_M3, MPS2_CORTEX_M4
from harness_targets.mcu.micro.archive import Abi, read_archive
from harness_targets.mcu.micro.library import check_board, named_library
from harness_targets.mcu.target import targets
from harness_targets.mcu.toolchain import host_compiler

LOOKS_LIKE_MICRO = "void _ZN6tflite16MicroInterpreterC1Ev(void) {}\n"
for_arm = pytest.mark.needs("arm-gcc")
HARD_FLOAT = ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
SOFT_FLOAT = ("-mcpu=cortex-m4", "-mfloat-abi=soft")
CORTEX_M3 = ("-mcpu=cortex-m3", "-mfloat-abi=soft")


@pytest.fixture
def make_archive(tmp_path: Path):
    """Objects of one line of C each, compiled as asked, in a static library."""

    def make(*parts: tuple[str, tuple[str, ...]], prefix: str = "arm-none-eabi-") -> Path:
        compiler = f"{prefix}gcc" if prefix else str(host_compiler()[0])
        objects = []
        for number, (text, flags) in enumerate(parts):
            source = tmp_path / f"part{number}.c"
            source.write_text(text)
            objects.append(tmp_path / f"part{number}.o")
            command = [compiler, *flags, "-ffreestanding", "-c", str(source), "-o", str(objects[-1])]
            subprocess.run(command, check=True, timeout=60)
        library = tmp_path / "libtensorflow-microlite.a"
        library.unlink(missing_ok=True)
        subprocess.run([f"{prefix}ar", "rcs", str(library), *map(str, objects)], check=True, timeout=60)
        return library

    return make


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Name a library, beside a folder that looks like Micro's headers."""
    header = tmp_path / "include/tensorflow/lite/micro/micro_interpreter.h"
    header.parent.mkdir(parents=True)
    header.touch()
    monkeypatch.setenv("TFLM_INCLUDE", str(tmp_path / "include"))
    return lambda library: monkeypatch.setenv("TFLM_LIB", str(library))


def refusal() -> str:
    with pytest.raises(Unavailable) as caught:
        named_library()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@for_arm
@pytest.mark.parametrize(
    ("flags", "abi"),
    [
        (HARD_FLOAT, Abi("v7E-M", "hard")),
        (SOFT_FLOAT, Abi("v7E-M", "soft")),
        (("-mcpu=cortex-m4", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16"), Abi("v7E-M", "softfp")),
        (CORTEX_M3, Abi("v7", "soft")),
    ],
    ids=lambda value: str(value) if isinstance(value, Abi) else "",
)
def test_the_abi_is_read_from_the_objects(make_archive, flags, abi):
    assert read_archive(make_archive(("float twice(float x) { return x + x; }\n", flags))).abis == {abi}


@for_arm
def test_a_usable_library_is_known_by_its_content(make_archive, named):
    named(make_archive((LOOKS_LIKE_MICRO, SOFT_FLOAT)))
    library = named_library()
    assert library.kernels == "reference"
    assert not library.messages
    check_board(library, MPS2_CORTEX_M4)


@for_arm
def test_optimised_kernels_are_told_by_their_functions(make_archive, named):
    named(make_archive((LOOKS_LIKE_MICRO, SOFT_FLOAT), ("void arm_convolve_s8(void) {}\n", SOFT_FLOAT)))
    assert named_library().kernels == "CMSIS-NN"


def test_nothing_named(monkeypatch):
    monkeypatch.delenv("TFLM_LIB", raising=False)
    monkeypatch.delenv("TFLM_INCLUDE", raising=False)
    assert "TFLM_LIB and TFLM_INCLUDE do not name" in refusal()
    for target in targets():
        if target.name.endswith("-tflm") and "qemu" in target.name:
            assert not target.probe().ready
            assert target.default_variants == ()


def test_a_file_that_is_not_there(named, tmp_path):
    named(tmp_path / "nothing.a")
    assert "which is no file" in refusal()


def test_headers_that_are_not_there(named, tmp_path, monkeypatch):
    (tmp_path / "lib.a").touch()
    named(tmp_path / "lib.a")
    monkeypatch.setenv("TFLM_INCLUDE", str(tmp_path / "elsewhere"))
    assert "does not hold tensorflow/lite/micro/micro_interpreter.h" in refusal()


@pytest.mark.parametrize("content", [b"", b"no library", b"!<thin>\n", b"!<arch>\n" + b"x" * 200])
def test_a_file_that_is_no_library(named, tmp_path, content):
    (tmp_path / "lib.a").write_bytes(content)
    named(tmp_path / "lib.a")
    assert "is not a static library of Arm objects" in refusal()


@for_arm
def test_a_truncated_library(make_archive, named):
    library = make_archive((LOOKS_LIKE_MICRO, SOFT_FLOAT))
    library.write_bytes(library.read_bytes()[:-100])
    named(library)
    assert "is truncated" in refusal()


@pytest.mark.needs("c-compiler")
def test_a_library_of_this_machine(make_archive, named):
    named(make_archive((LOOKS_LIKE_MICRO, ()), prefix=""))
    assert "not for an Arm microcontroller" in refusal()


@for_arm
def test_another_library(make_archive, named):
    named(make_archive(("void other(void) {}\n", SOFT_FLOAT)))
    assert "is not TensorFlow Lite Micro" in refusal()


@for_arm
def test_a_debug_library(make_archive, named):
    asserts = "void __assert_func(void);\nvoid check(void) { __assert_func(); }\n"
    named(make_archive((LOOKS_LIKE_MICRO, SOFT_FLOAT), (asserts, SOFT_FLOAT)))
    assert "is a debug build" in refusal()


@for_arm
def test_a_library_with_dynamic_tensors(make_archive, named):
    named(make_archive((LOOKS_LIKE_MICRO, SOFT_FLOAT), ("void TfLiteTensorRealloc(void) {}\n", SOFT_FLOAT)))
    assert "built without TF_LITE_STATIC_MEMORY" in refusal()


@for_arm
def test_objects_that_disagree(make_archive, named):
    named(make_archive((LOOKS_LIKE_MICRO, SOFT_FLOAT), ("float one(float x) { return x; }\n", HARD_FLOAT)))
    assert "mixes objects of v7E-M with hard float and v7E-M with soft float" in refusal()


@for_arm
def test_a_core_that_cannot_run_it(make_archive, named):
    named(make_archive((LOOKS_LIKE_MICRO, SOFT_FLOAT)))
    with pytest.raises(Unavailable, match="Armv7E-M, which the cortex-m3 of mps2-cortex-m3 does not run"):
        check_board(named_library(), MPS2_CORTEX_M3)


@for_arm
def test_a_core_without_the_floating_point_unit_that_it_wants(make_archive, named):
    named(make_archive((LOOKS_LIKE_MICRO, CORTEX_M3)))
    library = replace(named_library(), abi=Abi("v7", "hard"))
    with pytest.raises(Unavailable, match=r"float ABI hard.*the cortex-m3 of mps2-cortex-m3 has none"):
        check_board(library, MPS2_CORTEX_M3)
