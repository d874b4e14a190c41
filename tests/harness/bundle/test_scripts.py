"""Each family's script repeats, alone, what its runtime gives: it ends with 0 where that is what should be, else 1."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import registry
from harness.artifact import Quantisation, TensorInfo
from harness.bundle.fault import Fault
from harness.bundle.report import made_with, write_report
from harness.errors import Unsupported
from harness.isolation import derive_artifact
from harness.reproduction import run_script
from harness.store.record import Check
from tests.harness.fakes.artifact import made_artifact
from tests.parts import on_target
from tests.targets.mcu.model_writer import ModelWriter

TARGETS = registry.targets()
SCALE = Quantisation(scale=0.5, zero_point=-3)


def relu(folder, dtype, quantisation=None):
    """max(x, 0) of four values."""
    folder.mkdir()
    model = ModelWriter()
    steps = {"scale": quantisation.scale, "zero_point": quantisation.zero_point} if quantisation else {}
    model.operator("RELU", [model.input((1, 4), dtype, **steps)], [model.output((1, 4), dtype, **steps)])
    (folder / "model.tflite").write_bytes(model.write())
    info = {"index": 0, "shape": (1, 4), "dtype": dtype, "quantisation": quantisation}
    made = made_artifact(
        model="relu",
        format="tflite",
        variant="ready",
        entry="model.tflite",
        inputs=(TensorInfo(name="x", tensor="tensor_0", **info),),
        outputs=(TensorInfo(name="y", tensor="tensor_1", **info),),
        operators={"RELU": 1},
        directory=folder,
    )
    return derive_artifact(made, folder)


@pytest.fixture
def artifact(tmp_path):
    """max(x, 0), of int8."""
    return relu(tmp_path / "model", "int8", SCALE)


@pytest.fixture
def fault(artifact):
    """As if RELU were to give zero for 2.5."""
    x = np.array([[[-9, -3, 2, 100]]], np.int8)
    wrong = np.array([[[-3, -3, -3, 100]]], np.int8)
    check = Check.make("parity.runtime.max_lsb", "m", measured=5, limit=1, passed=False, source="s", message="m")
    return Fault(artifact, "RELU", {"x": x}, {"y": np.maximum(x, -3)}, {"y": wrong}, "them", (("y", check),), True)


@pytest.mark.parametrize(
    "name",
    [
        on_target(name)
        for name in (
            "tflite/litert-xnnpack",
            "tflite/litert-reference",
            "tflite/tflite-runtime",
            "tflite/tensorflow",
            "tflm/host",
        )
    ],
)
def test_a_script_ends_with_what_it_sees(name, fault, tmp_path):
    target = TARGETS[name]
    target.prepare()
    reproduction = target.reproduction(fault.artifact)
    ended = {}
    for what, one in (("wrong", fault), ("right", replace(fault, expected=fault.actual))):
        folder = tmp_path / what
        folder.mkdir()
        write_report(folder, one, reproduction)
        ended[what] = reproduction.repeat(folder)
    assert [ended[what].status for what in ("wrong", "right")] == [1, 0], ended
    assert "1 of 4 values differ, the largest difference is 2.5 (5 steps of 0.5)" in ended["wrong"].text
    assert f"RELU by itself gives other values in {reproduction.runtime_name} than in them." in ended["wrong"].text
    assert "==" in reproduction.instructions[0], "the packages in just these versions"


@pytest.fixture
def float_fault(tmp_path):
    """As if max(x, 0) of two samples were to give zero for 2.5."""
    x = np.array([[[-3, 0, 2.5, 50]], [[1, 2, 3, -4]]], np.float32)
    came_out = np.maximum(x, 0)
    wrong = np.where(x == 2.5, np.float32(0), came_out)
    check = Check.make("parity.runtime.sqnr_db", "m", measured=26, limit=80, passed=False, source="s", message="m")
    return Fault(
        relu(tmp_path / "model", "float32"),
        "RELU",
        {"x": x},
        {"y": came_out},
        {"y": wrong},
        "them",
        (("y", check),),
        True,
    )


@pytest.mark.parametrize(
    "name",
    [on_target(name) for name in ("litertjs/chromium-wasm", "litertjs/chromium-webgpu", "litertjs/firefox-wasm")],
)
def test_a_page_of_litertjs_ends_with_what_it_sees(name, float_fault, tmp_path):
    """With its public packages alone: the browser is given the report's folder and what npm brings, and all else is
    refused."""
    reproduction = TARGETS[name].reproduction(float_fault.artifact)
    ended = {}
    for what, one in (("wrong", float_fault), ("right", replace(float_fault, expected=float_fault.actual))):
        folder = tmp_path / what
        folder.mkdir()
        write_report(folder, one, reproduction)
        ended[what] = reproduction.repeat(folder)
    assert [ended[what].status for what in ("wrong", "right")] == [1, 0], ended
    assert "1 of 8 values differ, the largest difference is 2.5" in ended["wrong"].text
    assert "[0, 0, 2]" in ended["wrong"].text
    accelerator = "webgpu" if "webgpu" in name else "wasm"
    assert f"LiteRT.js 2.5.3, {accelerator}" in ended["wrong"].text.splitlines()[1]
    assert reproduction.instructions[0] == "npm install --prefix . @litertjs/core@2.5.3 @litertjs/wasm-utils@2.5.3"


@pytest.mark.parametrize("name", ["mcu/qemu-cortex-m4", "tflite/arm64-cortex-a53"])
def test_a_runtime_without_a_script_says_so(name, artifact):
    with pytest.raises(Unsupported, match=f"no script that repeats on {name}"):
        TARGETS[name].reproduction(artifact)


DYING = """
import os, signal

class OpResolverType:
    AUTO = None

class Interpreter:
    def __init__(self, **_):
        {ends}
"""


@pytest.mark.parametrize(
    ("ends", "status", "said"),
    [
        (
            "os.kill(os.getpid(), signal.SIGSEGV)",
            1,
            "The fault shows: the process that runs the model dies of SIGSEGV.",
        ),
        ("raise SystemExit(0)", 0, "The fault does not show."),
        ("raise ImportError('no such runtime')", 2, "It cannot be told: ImportError: no such runtime"),
    ],
)
def test_a_script_looks_on_while_a_runtime_dies(fault, tmp_path, ends, status, said):
    """In place of the runtime's module one that ends at once."""
    folder = tmp_path / "report"
    folder.mkdir()
    reproduction = replace(
        TARGETS["tflite/litert-xnnpack"].reproduction(fault.artifact),
        setting={"module": "dying", "resolver": "AUTO", "threads": 1},
    )
    write_report(folder, replace(fault, death_signal="SIGSEGV", actual={}, expected={}), reproduction)
    (folder / "dying.py").write_text(DYING.format(ends=ends))
    repeated = run_script(Path(sys.executable), folder, "repeat.py")
    assert (repeated.status, repeated.text.splitlines()[-1]) == (status, said), repeated.text
    assert repeated.text.startswith("RELU by itself kills the process that runs it in ai-edge-litert")


def test_of_a_file_that_came_as_it_is_it_is_not_said_what_made_it(artifact):
    converted = artifact.model_copy(update={"variant": "int8", "converter": {"tensorflow": "2.19.0"}})
    assert made_with(converted) == {"tensorflow": "2.19.0"}
    assert made_with(converted.model_copy(update={"variant": "ready"})) == {}
