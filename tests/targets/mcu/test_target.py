"""The adapter between the engine and the boards: names and order of tensors, figures, and what cannot be run."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from harness.artifact import Artifact, TensorInfo
from harness.errors import Unsupported
from harness.target import TimingPlan
from harness_targets.mcu import plan_target
from harness_targets.mcu.boards import STM32F4
from harness_targets.mcu.emulator import EMULATORS
from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.plan import PlanRefused, plan_model
from harness_targets.mcu.target import targets
from harness_targets.tflm.target import MicroTarget
from tests.harness.fakes.artifact import made_artifact

from .model_writer import ModelWriter
from .random_operators import random_inputs, random_model

TARGETS = {target.name: target for target in targets()}


def make_artifact(folder: Path, content: bytes) -> Artifact:
    """An artifact whose tensors are called `in0`, `out0` and so on."""
    (folder / "model.tflite").write_bytes(content)
    try:
        plan = plan_model(content)
        sides = (plan.inputs, plan.outputs)
    except PlanRefused:  # it still has an artifact
        sides = ((), ())
    inputs, outputs = (
        tuple(
            TensorInfo(name=f"{kind}{index}", tensor="", index=index, shape=tensor.shape, dtype=tensor.dtype)
            for index, tensor in enumerate(side)
        )
        for kind, side in zip(("in", "out"), sides, strict=True)
    )
    return made_artifact(
        model="model",
        format="tflite",
        variant="int8",
        entry="model.tflite",
        inputs=inputs,
        outputs=outputs,
        directory=folder,
        digest=hashlib.sha256(content).hexdigest(),
    )


def samples_of(artifact: Artifact, inputs: list[bytes]) -> dict[str, np.ndarray]:
    (info,) = artifact.inputs
    return {info.name: np.stack([np.frombuffer(v, info.dtype).reshape(info.shape) for v in inputs])}


def test_outputs_and_figures_come_by_name(qemu: str, host_kernels: HostKernels, tmp_path: Path):
    content = random_model("CONV_2D", "int8", 2).write()
    artifact, plan = make_artifact(tmp_path, content), plan_model(content)
    inputs = random_inputs(plan.inputs, 1, 3)
    with TARGETS["mcu/qemu-cortex-m4"].open(artifact) as session:
        outputs = session.infer(samples_of(artifact, inputs))
        footprint = session.footprint()
        with pytest.raises(Unsupported, match="is not timed: an emulator knows instructions, not milliseconds"):
            session.time({}, TimingPlan())
    assert [values.tobytes() for values in outputs["out0"]] == host_kernels.run(plan, inputs)
    assert footprint.exact == set(footprint.figures)
    assert footprint.figures["instructions"] > 0
    assert footprint.figures["firmware_bytes"] + footprint.figures["plan_bytes"] == footprint.figures["flash_bytes"]
    assert [cost["operator"] for cost in footprint.per_operator] == ["CONV_2D"]


def test_what_is_no_model_is_said_so(tmp_path: Path):
    artifact = make_artifact(tmp_path, b"no model at all")
    (reason,) = TARGETS["mcu/qemu-cortex-m4"].unsupported_operators(artifact)
    assert reason.startswith("this model (This is not a readable TFLite model")


def test_a_model_that_does_not_fit_says_how_many_bytes_are_missing(qemu: str, tmp_path: Path):
    model = ModelWriter()
    source = model.input((1, 200_000), scale=0.1)
    model.operator("RELU6", [source], [model.output((1, 200_000), scale=0.1)])
    artifact = make_artifact(tmp_path, model.write())
    inputs = [bytes(200_000)]
    with (
        pytest.raises(Unsupported, match=r"does not fit stm32f4: \d+ bytes of RAM are missing"),
        TARGETS["mcu/qemu-stm32f4"].open(artifact) as session,
    ):
        session.infer(samples_of(artifact, inputs))


@pytest.mark.parametrize("sequence", [False, True])
def test_state_begins_anew_with_each_sample_or_is_kept_in_a_sequence_as_in_micro(
    qemu: str, tflite_micro_python: Path, tmp_path: Path, *, sequence: bool
):
    content = random_model("SVDF", "int8", 3).write()
    found = make_artifact(tmp_path, content)
    artifact = found.model_copy(update={"state": "variables", "sequence": sequence})
    same = random_inputs(plan_model(content).inputs, 1, 1) * 3
    with TARGETS["mcu/qemu-cortex-m4"].open(artifact) as session:
        outputs = session.infer(samples_of(artifact, same))["out0"]
        assert session.footprint().figures["instructions"] > 0
    with MicroTarget().open(artifact) as session:
        expected = session.infer(samples_of(artifact, same))["out0"]
    np.testing.assert_array_equal(outputs, expected)
    assert (len(np.unique(outputs, axis=0)) > 1) is sequence


def test_a_sequence_that_a_board_cannot_hold_at_once_is_unsupported_and_says_how_much_it_holds(
    qemu: str, tmp_path: Path
):
    content = random_model("SVDF", "int8", 3).write()
    artifact = make_artifact(tmp_path, content).model_copy(update={"state": "variables", "sequence": True})
    many = random_inputs(plan_model(content).inputs, 1, 1) * 10_001
    with (
        pytest.raises(Unsupported, match=r"room for 10000 of the 10001 samples of this sequence"),
        TARGETS["mcu/qemu-cortex-m4"].open(artifact) as session,
    ):
        session.infer(samples_of(artifact, many))


def test_a_model_beyond_the_whole_boards_memory_is_refused_before_any_firmware_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def build(*_):
        raise AssertionError("no firmware makes room on a board")

    monkeypatch.setattr(plan_target, "build_firmware", build)
    board = dataclasses.replace(STM32F4, flash_bytes=64)
    target = plan_target.PlanTarget("mcu/small", EMULATORS["qemu"], board, ("int8",))
    (reason,) = target.unsupported_operators(make_artifact(tmp_path, random_model("CONV_2D", "int8", 2).write()))
    assert re.fullmatch(rf"this model \(.*{board.name}: \d+ bytes of flash .* for its plan of \d+ alone\)", reason)
