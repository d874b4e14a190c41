"""Faults put in on purpose, each caught by the rule that is there for it, and named.

The first ones are put into a real converted model and go through the whole engine; the others are put where the engine
gets its values from a runtime.
"""

import shutil

import numpy as np
import pytest

from harness import registry
from harness.baseline.files import Baseline
from harness.baseline.record import accepted_case, accepted_run
from harness.cache import Cache, hash_files, sha256_json
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import Unavailable
from harness.gate.gate import gate
from harness.gate.policy import Policy
from harness.paths import cache_directory
from harness.project import model_entries
from harness.run.engine import Run, Settings
from harness.run.matrix import Selection, cases
from harness.store.record import Outcome
from tests.harness.gate.flatbuffer_faults import with_weight_changed, with_zero_point_changed
from tests.harness.gate.made_up import NO_BASELINE, artifact, baseline, case, figures, latency, run, tflite


class Quiet:
    def stage(self, name, total):
        pass

    def step(self, what):
        pass

    def note(self, text):
        pass


class Faulty(Converter):
    """A converter whose artifacts have a fault put in after the conversion: same key, other bytes."""

    def __init__(self, folder, fault, described=lambda artifact: artifact):
        super().__init__(Cache(cache_directory() / "artifacts"), environment("converter"), 1)
        self.folder, self.fault, self.described = folder, fault, described

    def convert(self, prepared, form, variant):
        whole = super().convert(prepared, form, variant)
        shutil.copytree(whole.directory, self.folder, dirs_exist_ok=True)
        path = self.folder / whole.entry
        path.write_bytes(self.fault(path.read_bytes()))
        files = tuple(file for file in hash_files(self.folder) if file.path in {f.path for f in whole.files})
        digest = sha256_json([(file.path, file.sha256) for file in files])
        return self.described(whole.model_copy(update={"directory": self.folder, "files": files, "digest": digest}))


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Run digits_cnn as int8 in LiteRT with a fault in its artifact; returns the record."""
    try:
        environment("converter").python()
        environment("litert").python()
    except Unavailable as error:
        pytest.skip(str(error))

    def digits(fault=lambda content: content, described=lambda artifact: artifact):
        folder = tmp_path_factory.mktemp("fault")
        chosen = cases(
            Selection(("digits_cnn",), ("int8",), ("tflite/litert-xnnpack",)),
            model_entries(folder),
            registry.targets(),
            registry.formats(),
        )
        settings = Settings(root=folder, cache=folder / "cache", results=folder / "results", parity_only=True)
        return Run(chosen, settings, Quiet(), Faulty(folder / "artifact", fault, described)).execute()

    return digits


@pytest.fixture(scope="module")
def sound(digits):
    """The baseline: the same without a fault."""
    record = digits()
    assert [found.outcome for found in record.cases] == [Outcome.PASSED]
    return Baseline(
        {found.id: accepted_case(record, found) for found in record.cases}, {record.id: accepted_run(record)}
    )


def broken(record, accepted=NO_BASELINE):
    """Rule to message of what the gate found."""
    result = gate(record, Policy(), accepted, tflite)
    return {check.rule: check.message for verdict in result.verdicts for check in verdict.broken}


def test_without_a_fault_it_is_green(digits, sound):
    assert broken(digits(), sound) == {}


def test_one_weight_off_by_one_step_is_other_bytes(digits, sound):
    found = broken(digits(lambda content: with_weight_changed(content, 1)), sound)
    assert "the file was changed after it" in found["baseline.artifact"]


def test_one_weight_off_by_64_steps_is_other_bytes_and_costs_parity(digits, sound):
    record = digits(lambda content: with_weight_changed(content, 64))
    found = broken(record, sound)
    assert "baseline.artifact" in found
    assert "drop of" in found["baseline.parity.conversion"]
    # It is the converter's edge that has the fault: runtime and reference agree on the changed file.
    assert not any(rule.startswith("parity.runtime") for rule in found)


def test_a_wrong_zero_point_inside_the_model_is_a_fault_of_the_conversion(digits, sound):
    found = broken(digits(lambda content: with_zero_point_changed(content, 200)), sound)
    assert "parity.conversion.sqnr_db" in found
    assert not any(rule.startswith("parity.runtime") for rule in found)


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_a_wrong_zero_point_at_the_models_edge_is_a_fault_of_the_conversion(digits, sound, side):
    def described(artifact):
        (info,) = getattr(artifact, side)
        wrong = info.quantisation.model_copy(update={"zero_point": info.quantisation.zero_point + 40})
        return artifact.model_copy(update={side: (info.model_copy(update={"quantisation": wrong}),)})

    # The cache knows the reference's outputs by the artifact's bytes: a byte more keeps the two apart.
    found = broken(digits(lambda content: content + side.encode(), described), sound)
    assert "baseline.parity.conversion" in found
    assert not any(rule.startswith("parity.runtime") for rule in found)


def test_swapped_outputs_are_a_fault_of_the_runtime_that_names_both():
    found = gate(run(case(parity=figures(swap=True))), Policy(), NO_BASELINE, tflite).verdicts[0].broken
    assert {check.metric for check in found if check.rule == "parity.runtime.sqnr_db"} == {
        "runtime.p.sqnr_db",
        "runtime.q.sqnr_db",
    }


def test_two_exchanged_classes_of_labels_are_a_fault_of_the_data():
    labels = figures_labels()
    exchanged = np.where(labels == 0, 1, np.where(labels == 1, 0, labels))
    before = baseline(case(parity=figures(labels=labels)))
    found = broken(run(case(parity=figures(labels=exchanged))), before)
    assert "the model, its data or its labels" in found["baseline.golden"].lower()
    assert not any(rule.startswith("parity.") for rule in found)


def figures_labels():
    random = np.random.default_rng(0)
    return random.normal(size=(64, 10)).argmax(axis=1)


def test_a_nan_in_one_output_of_one_input_is_found_and_placed():
    parity = figures(nan_at=(17, 4))
    found = broken(run(case(parity=parity)))
    assert set(found) == {"parity.runtime.finite"}
    assert "'q'" in found["parity.runtime.finite"]
    assert "sample 17, index [4]" in found["parity.runtime.finite"]


def test_a_fallback_from_webgl_that_the_page_notices_is_a_case_lost():
    webgl = case("m/float32/tfjs/chromium-webgl")
    lost = webgl.model_copy(
        update={
            "outcome": Outcome.UNSUPPORTED,
            "parity": None,
            "reason": "this browser did not start the webgl backend (it offered cpu)",
        }
    )
    assert "it offered cpu" in broken(run(lost), baseline(webgl))["outcome"]


def test_a_silent_fallback_from_webgl_is_named_by_what_did_the_work():
    silent = case(
        "m/float32/tfjs/chromium-webgl",
        fingerprint={"backend": "webgl"},
        latency=latency(details={"backend": "cpu"}),
    )
    assert broken(run(silent)) == {"runtime.as_asked": "The backend 'webgl' was asked for and 'cpu' did the work."}


def test_a_fallback_from_the_gpu_to_software_is_named():
    gpu = case("m/float32/tfjs/chromium-webgl")
    software = gpu.model_copy(update={"simulated": True})
    assert "software renderer" in broken(run(software), baseline(gpu))["baseline.hardware"]


def test_one_byte_more_is_growth():
    bigger = case(artifact=artifact("b" * 64, "l" * 64, 1001), measured={"artifact_bytes": 1001})
    assert "from 1000 to 1001" in broken(run(bigger), baseline(case()))["growth"]


# A runtime that got slower by 7 %: tests/harness/ab/test_interleave.py (the rule) and test_regression.py (its verdict).
