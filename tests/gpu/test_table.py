"""What a GPU's run is told as: every case, what drew, and why one did not pass."""

from harness.store.record import Measured, Outcome
from tests.gpu.table import table
from tests.harness.gate.made_up import case, latency


def on(target, renderer="", **fields):
    made = case(f"digits_cnn/float32/{target}", **fields)
    return made.model_copy(update={"measured": Measured(details={"renderer": renderer} if renderer else {})})


def test_each_case_has_its_decibels_and_times_and_each_target_what_drew():
    shown = table([on("tfjs/chromium-webgl", "NVIDIA H100", latency=latency(4_400_000)), on("tfjs/chromium-wasm")])
    lines = shown.splitlines()
    assert lines[0] == "tfjs/chromium-webgl: NVIDIA H100"
    wasm, webgl = lines[-2:]
    assert wasm.split()[:2] == ["digits_cnn/tfjs/chromium-wasm", "passed"]
    assert len(wasm.split()) == 5  # no times where none were taken
    assert webgl.split()[-2:] == ["22.0", "4.40"]


def test_why_cases_did_not_pass_is_said_once_a_target():
    lost = {"outcome": Outcome.FAILED, "parity": None, "reason": "no GPU device here."}
    shown = table([on("tfjs/chromium-webgl", **lost), on("tfjs/chromium-webgl", **lost)])
    assert shown.splitlines()[0] == "tfjs/chromium-webgl, 2 cases: no GPU device here."
    assert shown.splitlines()[-1].split() == ["digits_cnn/tfjs/chromium-webgl", "failed"]
