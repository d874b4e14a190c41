"""A gated run with everything in it: every outcome, hostile text, a case that grew."""

import pytest

from harness.gate.judge_run import judge_run
from harness.gate.policy import Policy
from harness.store.record import Outcome
from tests.harness.gate.made_up import artifact, baseline, case, figures, latency, run, tflite

HOSTILE = "a | b <script>alert(1)</script> `x` @everyone #1 \x00\x1b[31m ]]> **bold** http://nowhere"


@pytest.fixture
def result():
    before = case("m/float32/tflite/one"), case("m/int8/tflite/one"), case("m/float16/tflite/one")
    now = (
        case("m/float32/tflite/one", parity=figures(error=0.1)),
        case("m/int8/tflite/one", measured={"artifact_bytes": 1001}),
        case("m/float16/tflite/one", outcome=Outcome.UNSUPPORTED, parity=None, reason=HOSTILE, artifact=artifact()),
        case("n/float32/tflite/one", outcome=Outcome.CRASHED, parity=None, reason=HOSTILE),
        case("n/int8/tflite/one", outcome=Outcome.UNAVAILABLE, parity=None, reason="not installed"),
        case("n/float16/tflite/one", latency=latency()),
    )
    return judge_run(run(*now), Policy(), baseline(*before), tflite)
