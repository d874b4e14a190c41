"""Firmware gives the very bytes of the kernels it is built from: those of TensorFlow Lite Micro on the host, where the
reference interpreter's are others and the two agree within the limits for any two runtimes."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from harness import registry
from harness.artifact import Quantisation
from harness.conversion.reference import Reference
from harness.errors import Unsupported
from harness.gate.judge import judge
from harness.gate.policy import Policy
from harness.run.engine import Run
from harness.run.matrix import Case
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.store.record import Measured, Outcome
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.target import FakeSession, FakeTarget

FORMAT = replace(FAKE_FORMAT, alternative_references=(("fake/plain", "fake/other"), ("tflm/host",)))
NAMES = ("fake/plain", "fake/other", "tflm/host")


class Converter(FakeConverter):
    """Of y = 2·x in integers; the reference, and each other runtime at hand, is off by so many LSB."""

    def __init__(self, folder, reference, others):
        super().__init__(folder)
        self.off, self.others = reference, others

    def prepare(self, entry):
        prepared = super().prepare(entry)
        x = np.linspace(-50, 50, 128 * 4).round().astype(np.float32).reshape(128, 1, 4)
        np.savez(prepared.golden_path, **{"in:x": x, "out:y": 2 * x})
        return prepared

    def convert(self, prepared, form, variant):
        made = super().convert(prepared, form, variant)
        whole = {"dtype": "int8", "quantisation": Quantisation(scale=1.0, zero_point=0)}
        return made.model_copy(update={"outputs": (made.outputs[0].model_copy(update=whole),)})

    def reference(self, prepared, artifact, form):
        return self._given("the usual", self.off, prepared)

    def opinion(self, prepared, artifact, name):
        self.calls.append(("opinion", name))
        if name not in self.others:
            raise Unsupported(f"{name} does not run it.")
        return self._given(name, self.others[name], prepared, name)

    def _given(self, name, off, prepared, target=""):
        path = prepared.folder / f"{name.replace('/', '.')}.npz"
        with np.load(prepared.golden_path) as golden:
            np.savez(path, y=(2 * golden["in:x"] + off).astype(np.int8))
        return Reference(name, path, f"{name} {off}", target)


class IntegerSession(FakeSession):
    def infer(self, samples):
        return {name: values.astype(np.int8) for name, values in super().infer(samples).items()}


class Firmware(FakeTarget):
    default_variants = ("int8",)

    def __init__(self, off, name="mcu/board"):
        super().__init__(name, {"infer": f"offset:{off}"})

    @contextmanager
    def open(self, artifact, *limits):
        with super().open(artifact, *limits) as session:
            yield IntegerSession(session.child, session.seconds)


@pytest.fixture
def run(tmp_path, monkeypatch):
    def run(target, reference, **others):
        """The case of `target`, and which other runtimes were asked. `others`: by how much each is off."""
        known = {name: FakeTarget(name) for name in NAMES} | {target.name: target}
        monkeypatch.setattr(registry, "targets", lambda: known)
        names = {"plain": "fake/plain", "other": "fake/other", "micro": "tflm/host"}
        converter = Converter(tmp_path / "models", reference, {names[name]: off for name, off in others.items()})
        settings = Settings(tmp_path, tmp_path / "cache", tmp_path / "results", parity_only=True)
        case = Case(entry(), FORMAT, FORMAT.variant("int8"), target)
        (found,) = Run([case], settings, SilentProgress(), converter).execute().cases
        return found, [call[1] for call in converter.calls if call[0] == "opinion"]

    return run


def test_a_board_with_micros_bytes_passes_where_micro_differs_from_the_reference_a_little(run):
    case, _ = run(Firmware(0), reference=2, micro=0, plain=1)
    assert (case.outcome, case.parity.reference, case.parity.yardstick) == (Outcome.PASSED, "tflm/host", "confirmed")
    assert case.parity.runtime[0].max_lsb == 0
    assert "mcu/board has the kernels of tflm/host and is held to its bytes" in case.parity.yardstick_note


def test_a_board_that_is_one_step_off_micro_fails(run):
    case, _ = run(Firmware(1), reference=2, micro=0, plain=1)
    assert (case.outcome, case.parity.reference) == (Outcome.FAILED, "tflm/host")
    assert "differs by up to 1 LSB, 1 more than the 0 allowed" in case.reason


def test_a_board_with_the_bytes_of_a_micro_that_is_wrong_itself_fails(run):
    case, _ = run(Firmware(20), reference=0, micro=20, plain=0)
    assert (case.outcome, case.parity.reference) == (Outcome.FAILED, "the usual")


def test_without_micro_at_hand_a_board_is_held_to_the_bytes_of_the_reference(run):
    case, _ = run(Firmware(0), reference=2, plain=1)
    assert (case.outcome, case.parity.reference) == (Outcome.FAILED, "the usual")


def test_nobody_is_asked_where_the_bytes_are_the_references(run):
    case, asked = run(Firmware(0), reference=0, micro=1)
    assert (case.outcome, asked) == (Outcome.PASSED, [])


@pytest.mark.parametrize(("off", "outcome"), [(0, Outcome.PASSED), (1, Outcome.FAILED)])
def test_where_the_reference_is_outvoted_a_board_still_has_to_give_micros_bytes(run, off, outcome):
    case, _ = run(Firmware(off), reference=20, plain=1, micro=0)
    assert (case.outcome, case.parity.yardstick, case.parity.reference) == (outcome, "outvoted", "tflm/host")


@pytest.mark.parametrize(("off", "outcome"), [(2, Outcome.PASSED), (20, Outcome.FAILED)])
def test_micro_itself_is_held_to_what_any_two_runtimes_may_differ_by(run, off, outcome):
    case, _ = run(Firmware(off, "tflm/host"), reference=0, micro=off, plain=0)
    assert case.outcome is outcome


@pytest.mark.parametrize(("off", "passed"), [(0, True), (1, False)])
def test_a_board_is_held_to_micros_bytes_where_micro_stands_in_for_the_reference(run, off, passed):
    case, _ = run(Firmware(off), reference=0, micro=0)
    stand_in = case.parity.model_copy(update={"yardstick": "stand-in", "reference": "tflm/host"})
    checks = judge(replace(case.name, format="tflite"), stand_in, None, Measured(), Policy())
    assert all(check.passed for check in checks) is passed
