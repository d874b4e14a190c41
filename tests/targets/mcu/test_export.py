"""What a firmware team is given: C that compiles to the model's bytes, and a Robot suite that is green, or red."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import signal
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from harness import registry
from harness.artifact import Artifact, Quantisation, TensorInfo
from harness.errors import HarnessError
from harness_targets.mcu.boards import MPS2_CORTEX_M4, STM32F4, Board
from harness_targets.mcu.export.c_array import arena_estimate, header, operators_snippet, source
from harness_targets.mcu.export.golden_vectors import Converted, GoldenVectors, file_name, least_arena_bytes
from harness_targets.mcu.export.job_report import job_report
from harness_targets.mcu.export.renode_test import renode_test_program, renode_test_variables
from harness_targets.mcu.export.robot import expected_text, write_suite
from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.plan import plan_model, variables_in
from harness_targets.mcu.plan.model import operator_names
from harness_targets.mcu.toolchain import host_compiler
from harness_targets.tflm.target import MicroSession
from tests.harness.fakes.artifact import made_artifact

from .model_writer import ModelWriter
from .random_operators import random_inputs, random_model

SUITE_SECONDS = 240


def artifact_of(folder: Path, content: bytes, taken: tuple[int, ...], given: tuple[int, ...]) -> Artifact:
    (folder / "model.tflite").write_bytes(content)
    scheme = Quantisation(scale=0.5, zero_point=-3)
    return made_artifact(
        model="conv",
        format="tflite",
        variant="int8",
        entry="model.tflite",
        inputs=(TensorInfo(name="in", tensor="", index=0, shape=taken, dtype="int8", quantisation=scheme),),
        outputs=(TensorInfo(name="out", tensor="", index=0, shape=given, dtype="int8"),),
        directory=folder,
    )


def converted(vectors: GoldenVectors) -> Converted:
    return Converted(vectors.artifact, vectors.content, Path(), "")


@pytest.fixture
def vectors(tmp_path: Path, host_kernels: HostKernels) -> GoldenVectors:
    """A small model, two inputs, and the outputs of the host's kernels (exact with Micro: test_exactness.py)."""
    content = random_model("CONV_2D", "int8", 2).write()
    plan = plan_model(content)
    (one,), (result,) = plan.inputs, plan.outputs
    inputs = random_inputs(plan.inputs, 1, 2)
    artifact = artifact_of(tmp_path, content, one.shape, result.shape)
    samples = {"in": np.stack([np.frombuffer(values, np.int8).reshape(one.shape) for values in inputs])}
    return GoldenVectors(artifact, content, samples, tuple((v,) for v in host_kernels.run(plan, inputs)))


@pytest.mark.parametrize(
    "compiler",
    [
        pytest.param(("-std=c11", "-x", "c"), marks=pytest.mark.needs("c-compiler"), id="C"),
        pytest.param(("g++", "-std=c++11", "-x", "c++"), marks=pytest.mark.needs("c++-compiler"), id="C++"),
    ],
)
def test_the_array_compiles_to_the_models_bytes(compiler, vectors: GoldenVectors, tmp_path: Path):
    program = compiler if compiler[0] == "g++" else (str(host_compiler()[0]), *compiler)
    (tmp_path / "m.h").write_text(header("m", converted(vectors), 3000))
    (tmp_path / "m.c").write_text(source("m", vectors.content))
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include <stdint.h>\n#include "m.h"\n'
        "int main(void) { fwrite(m, 1, M_BYTES, stdout); return (int)((uintptr_t)m % 16); }\n"
    )
    command = [*program, "-Wall", "-Wextra", "-Werror", "m.c", "main.c", "-o", "print"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    printed = subprocess.run([tmp_path / "print"], capture_output=True, check=True, timeout=60)
    assert printed.stdout == vectors.content


def test_the_header_says_what_the_model_is(vectors: GoldenVectors):
    text = header("m", converted(vectors), 3000)
    assert f"#define M_BYTES {len(vectors.content)}u" in text
    assert hashlib.sha256(vectors.content).hexdigest() in text
    assert f"input(0), 'in': int8 {'x'.join(map(str, vectors.artifact.inputs[0].shape))}, real = 0.5 *" in text
    assert "(stored - -3)" in text
    assert "output(0), 'out': int8 " in text
    assert "3000 bytes" in text
    assert "10 %" in text
    assert f"#define M_ARENA_BYTES {arena_estimate(3000)}u" in text


def test_a_tensors_name_does_not_end_the_comment_that_it_stands_in(vectors: GoldenVectors):
    artifact = vectors.artifact
    named = artifact.inputs[0].model_copy(update={"name": "a*/b\n\u00e4"})
    text = header("m", Converted(artifact.model_copy(update={"inputs": (named,)}), b"", Path(), ""), 3000)
    assert "'a* /b\\n\\xe4'" in text


def test_the_arena_is_one_that_suffices_and_no_smaller_one_does(tmp_path: Path, tflite_micro_python: Path):
    """Micro's own figure of what it used is below it."""
    content = random_model("CALL_ONCE", "int8", 2).write()
    plan = plan_model(content)
    artifact = artifact_of(tmp_path, content, plan.inputs[0].shape, plan.outputs[0].shape)
    least = least_arena_bytes(artifact)
    with registry.targets()["tflm/host"].open(artifact) as session:
        assert isinstance(session, MicroSession)
        assert session.footprint().figures["arena_bytes"] <= least
        suffices = [session.child.call("suffices", seconds=60, arena_bytes=n)[0] for n in (least - 16, least)]
    assert suffices == [{"suffices": False}, {"suffices": True}]


def test_the_arena_has_its_margin():
    assert arena_estimate(930) == 1024
    assert arena_estimate(931) == 2048
    assert arena_estimate(24_224) == 27_648


def test_the_resolver_holds_each_operator_once():
    text = operators_snippet("my_model", ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "CUSTOM Mine"], 0)
    assert "MicroMutableOpResolver<3>" in text
    assert re.findall(r"resolver\.(\w+)\(\)", text) == ["AddConv2D", "AddDepthwiseConv2D"]
    assert "mine" in text
    assert "MicroResourceVariables" not in text


def test_a_model_with_variables_says_what_its_interpreter_must_have():
    model = random_model("CALL_ONCE", "int8", 2).write()
    text = operators_snippet("my_model", operator_names(model), len(variables_in(model)))
    assert "AddCallOnce" in text
    assert f"MicroResourceVariables::Create(allocator, {len(variables_in(model))})" in text
    assert "MicroInterpreter interpreter(model, resolver, allocator, variables)" in text


@pytest.mark.parametrize(("given", "safe"), [("a-b c", "a_b_c"), ("2 fast", "model_2_fast"), ("../x*/", "x")])
def test_names_are_safe_in_paths_and_in_c(given, safe):
    assert file_name(given) == safe


def frame(text: str) -> str:
    return f"@{text} *{zlib.crc32(text.encode()):08x}\n"


@pytest.fixture
def report(tmp_path: Path):
    """The keywords after reading these lines of a serial port."""

    def read(*lines: str) -> job_report:
        (tmp_path / "uart.txt").write_text("noise\n" + "".join(lines))
        keywords = job_report()
        keywords.read_report(str(tmp_path / "uart.txt"))
        return keywords

    return read


WHOLE = (frame("HELLO 1 2 400"), frame("RUN 0 0 10 74"), frame("OUT 0 0 0 00ff"), frame("END 3"))


def test_keywords_are_silent_when_all_is_as_expected(report, tmp_path):
    keywords = report(*WHOLE)
    (tmp_path / "expected.txt").write_text("# sample, output, bytes\n0 0 00ff\n")
    keywords.report_should_be_whole()
    keywords.outputs_should_equal(str(tmp_path / "expected.txt"))
    keywords.instructions_should_be_at_most("100")


@pytest.mark.parametrize(
    ("expected", "complaint"),
    [
        ("0 0 00fe", "1 of 2 bytes differ, first byte 1: 0xff came where 0xfe was expected"),
        ("0 0 00ff00", "2 bytes came where 3 were expected"),
        ("1 0 00ff", "sample 0, output 0: not expected"),
        ("0 0 00ff\n0 1 00", "sample 0, output 1: did not come"),
        ("# nothing", "expects nothing"),
    ],
)
def test_a_wrong_byte_is_named(report, tmp_path, expected, complaint):
    (tmp_path / "expected.txt").write_text(expected + "\n")
    with pytest.raises(AssertionError, match=complaint):
        report(*WHOLE).outputs_should_equal(str(tmp_path / "expected.txt"))


def test_an_instruction_too_many_is_named(report):
    with pytest.raises(AssertionError, match="took 100 instructions, which is 1 over the budget of 99"):
        report(*WHOLE).instructions_should_be_at_most("99")


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (WHOLE[:-1], "has no end"),
        ((*WHOLE[:2], WHOLE[3]), "lines are missing"),
        ((WHOLE[0], WHOLE[1].replace("74", "73"), *WHOLE[2:]), "damaged line: @RUN 0 0 10 73"),
        ((frame("FAULT 1 4"), frame("END 1")), "FAULT 1 4"),
        ((), "has no end"),
    ],
)
def test_a_report_that_is_not_whole_is_red(report, lines, complaint):
    with pytest.raises(AssertionError, match=complaint):
        report(*lines).report_should_be_whole()


def test_a_firmware_that_gives_other_bytes_is_not_handed_over(qemu, vectors: GoldenVectors, tmp_path: Path):
    wrong = GoldenVectors(vectors.artifact, vectors.content, vectors.samples, ((b"\0",), (b"\0",)))
    with pytest.raises(HarnessError, match="gives other bytes on"):
        write_suite(wrong, MPS2_CORTEX_M4, tmp_path / "suite", None)
    assert not (tmp_path / "suite").exists()


def test_operators_without_a_kernel_are_named(vectors: GoldenVectors, tmp_path: Path):
    model = ModelWriter()
    model.operator("ATAN2", [model.input((1, 4), "float32")], [model.output((1, 4), "float32")])
    lacking = dataclasses.replace(vectors, content=model.write())
    with pytest.raises(HarnessError, match=r"mps2-cortex-m4 does not run ATAN2 \(operator 0\), for which the plan"):
        write_suite(lacking, MPS2_CORTEX_M4, tmp_path / "suite", None)


@pytest.mark.parametrize("sequence", [False, True])
def test_state_is_fresh_for_each_sample_or_kept_along_a_sequence(
    sequence: bool, qemu, host_kernels: HostKernels, tmp_path: Path
):
    content = random_model("CALL_ONCE", "int8", 3).write()
    plan = plan_model(content)
    inputs = random_inputs(plan.inputs, 1, 3)
    outputs = host_kernels.run(plan, inputs, sequence=sequence)
    assert outputs != host_kernels.run(plan, inputs, sequence=not sequence)
    artifact = artifact_of(tmp_path, content, plan.inputs[0].shape, plan.outputs[0].shape)
    artifact = artifact.model_copy(update={"sequence": sequence, "state": "resources"})
    samples = {"in": np.stack([np.frombuffer(v, np.int8).reshape(plan.inputs[0].shape) for v in inputs])}
    vectors = GoldenVectors(artifact, content, samples, tuple((values,) for values in outputs))
    suite, _ = write_suite(vectors, MPS2_CORTEX_M4, tmp_path / "suite", None)
    assert suite.exists()


@pytest.fixture
def renode_test(renode: str) -> Path:
    return renode_test_program()


def verdict(program: Path, suite: Path, results: Path, *options: str) -> tuple[int, str]:
    """Exit code and output of `renode-test`; it and all it started are gone afterwards."""
    temporary = results.with_name("temporary")
    temporary.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [program, *options, suite.name, "-r", results],
        cwd=suite.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**renode_test_variables(), "TMPDIR": str(temporary)},
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=SUITE_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode, output


@pytest.mark.parametrize("board", [MPS2_CORTEX_M4, STM32F4], ids=lambda board: board.name)
def test_the_suite_is_green(board: Board, renode_test: Path, vectors: GoldenVectors, tmp_path: Path):
    """In a folder with a space in its name, which Renode's monitor would split."""
    suite, _ = write_suite(vectors, board, tmp_path / "a suite", None)
    files = sorted(path.name for path in suite.parent.iterdir())
    status, output = verdict(renode_test, suite, tmp_path / "results")
    assert status == 0, output
    left = {path.name for path in suite.parent.iterdir() if path.name != "__pycache__"}
    assert left == set(files), "a suite in a repository must leave it clean"


def test_the_suite_is_red_for_one_byte(renode_test: Path, vectors: GoldenVectors, tmp_path: Path):
    suite, _ = write_suite(vectors, MPS2_CORTEX_M4, tmp_path / "suite", None)
    first = vectors.outputs[0][0]
    changed = bytes([first[0] ^ 1]) + first[1:]
    other = GoldenVectors(vectors.artifact, vectors.content, vectors.samples, ((changed,), vectors.outputs[1]))
    (suite.parent / "expected_outputs.txt").write_text(expected_text(other))
    status, output = verdict(renode_test, suite, tmp_path / "results")
    assert status == 1, output
    assert "sample 0, output 0: 1 of" in output


def test_the_suite_is_red_for_one_instruction(renode_test: Path, vectors: GoldenVectors, tmp_path: Path):
    suite, budget = write_suite(vectors, MPS2_CORTEX_M4, tmp_path / "suite", None)
    options = ("--variable", f"BUDGET:{budget.measured - 1}")
    status, output = verdict(renode_test, suite, tmp_path / "results", *options)
    assert status == 1, output
    assert "1 over the budget" in output
