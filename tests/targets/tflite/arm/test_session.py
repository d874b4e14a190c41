"""A session on an emulated core: what is asked of the process, and what becomes of the answers."""

import numpy as np
import pytest

from harness.errors import Unsupported
from harness.target import SessionTimeouts, TimingPlan
from harness_targets.tflite.arm.session import ArmSession
from tests.targets.mcu.model_writer import ModelWriter
from tests.targets.mcu.test_target import make_artifact

SAMPLES = {"in0": np.arange(12, dtype=np.float32).reshape(3, 1, 4)}


class FakeGuest:
    """Answers from a script, and keeps what it was sent."""

    features = "fp asimd asimddp"

    def __init__(self, **answers):
        self.answers = {"load": {"sha256": "abc", "inputs": ["in0"]}, "unload": {}, "infer": {}, **answers}
        self.sent, self.allowed = [], []
        self.child = type("Child", (), {"what": "tflite/arm64-cortex-a76"})

    def call(self, operation, tensors=None, *, seconds, **fields):
        self.sent.append((operation, tensors, fields))
        self.allowed.append((operation, seconds))
        return self.answers[operation], {"out0": np.zeros((len(tensors["in0"]), 1, 4))} if tensors else {}


@pytest.fixture
def session(tmp_path):
    model = ModelWriter()
    x, middle = model.input((1, 4), "float32"), model.tensor((1, 4), "float32")
    model.operator("NEG", [x], [middle])
    model.operator("ABS", [middle], [model.output((1, 4), "float32")])
    artifact = make_artifact(tmp_path, model.write())

    def session(counts=True, **answers):
        guest = FakeGuest(**answers)
        return ArmSession(
            guest, artifact, {"runtime": "litert"}, SessionTimeouts(7.0, 11.0), "Arm Cortex-A76", counts=counts
        ), guest

    return session


MEMORY = {"heap_bytes": 1000, "peak_memory_bytes": 1500}
COUNTED = {**MEMORY, "counts": [100, 139, 100], "stable_outputs": True}


def test_the_first_sample_of_all_is_counted_however_they_come_in_batches(session):
    """The engine sends as many at once as its time allows: on another machine they are others."""
    opened, guest = session(count=COUNTED, operators={"whole": 100, "counts": [60, 100]})
    opened.infer({"in0": SAMPLES["in0"][:1]})
    opened.infer({"in0": SAMPLES["in0"][1:]})
    opened.footprint()
    (counted,) = [tensors for operation, tensors, _ in guest.sent if operation == "count"]
    np.testing.assert_array_equal(counted["in0"], SAMPLES["in0"][:1])


def test_figures_operators_and_what_it_ran_on_are_told(session):
    opened, _ = session(count=COUNTED, operators={"whole": 100, "counts": [60, 100]})
    opened.infer(SAMPLES)
    footprint = opened.footprint()
    assert footprint.figures == {"instructions": 100, **MEMORY}
    assert footprint.exact == {"instructions", *MEMORY}
    assert [(cost["operator"], cost["instructions"]) for cost in footprint.per_operator] == [("NEG", 60), ("ABS", 40)]
    assert footprint.details == {"core": "Arm Cortex-A76", "features": "fp asimd asimddp"}


def test_a_runtime_that_dies_of_a_part_of_the_model_costs_the_operators_alone(session):
    problem = "the runtime died of SIGSEGV with a part of the model"
    opened, _ = session(count=COUNTED, operators={"problem": problem})
    opened.infer(SAMPLES)
    footprint = opened.footprint()
    assert footprint.figures["instructions"] == 100
    assert footprint.per_operator == ()
    assert footprint.details["per_operator"] == f"not counted: {problem}"


def test_a_model_that_would_take_long_is_not_counted_operator_by_operator(session):
    opened, guest = session(count={**MEMORY, "counts": [10**9] * 3, "stable_outputs": True})
    opened.infer(SAMPLES)
    footprint = opened.footprint()
    assert "2 operators of 1,000,000,000 instructions take too long" in footprint.details["per_operator"]
    assert "operators" not in [operation for operation, *_ in guest.sent]


def test_a_figure_that_is_not_exact_says_so_and_is_not_held(session):
    opened, _ = session(count=COUNTED, operators={"whole": 110, "counts": [60, 110]})
    opened.infer(SAMPLES)
    footprint = opened.footprint()
    assert "instructions" not in footprint.exact
    assert footprint.details["instructions"] == "not exact: 100, and 110 when it was loaded again"


def test_without_a_counter_memory_is_told_and_nothing_is_counted(session):
    opened, guest = session(counts=False, count=MEMORY)
    opened.infer(SAMPLES)
    assert opened.footprint().figures == MEMORY
    assert [fields["counts"] for operation, _, fields in guest.sent if operation == "count"] == [False]


def test_what_answered_is_gone_before_anything_is_counted_and_comes_back_when_it_is_asked_again(session):
    """How many samples there were, which the machine's speed decides, has no part in a count."""
    opened, guest = session(count=COUNTED, operators={"whole": 100, "counts": [60, 100]})
    opened.infer(SAMPLES)
    opened.footprint()
    opened.infer(SAMPLES)
    asked = [operation for operation, *_ in guest.sent]
    assert asked == ["load", "infer", "unload", "count", "operators", "load", "infer"]


def test_nothing_is_told_of_what_never_ran_and_nothing_is_timed(session):
    opened, _ = session()
    assert opened.footprint().figures == {}
    with pytest.raises(Unsupported, match="not milliseconds"):
        opened.time(SAMPLES, TimingPlan())


def test_nothing_is_asked_without_a_limit(session):
    opened, guest = session(count=COUNTED, operators={"whole": 100, "counts": [60, 100]})
    opened.infer(SAMPLES)
    opened.footprint()
    assert dict(guest.allowed) == {"load": 7.0, "infer": 11.0, "unload": 7.0, "count": 11.0, "operators": 11.0}
