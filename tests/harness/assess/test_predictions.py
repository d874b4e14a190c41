"""What an assessment predicts is what then happens, on every target that this machine has.

The target opens the artifact whatever its own `unsupported_operators` says of it, so that a prediction is held against
the runtime and not against itself.
"""

import re

import numpy as np
import pytest

from harness import registry
from harness.conversion.golden import read_golden
from harness.errors import CaseError, Crashed, Failed, TimedOut
from tests.parts import on_target

TARGETS = registry.targets()
RUNS = {"runs": True, "expected to run": True, "does not run": False}
INPUTS = {  # of a few samples: this is about whether it runs
    "inverse": np.eye(3, dtype=np.float32) + np.arange(36, dtype=np.float32).reshape(4, 3, 3) / 100,
    "lgamma": np.arange(1, 13, dtype=np.float32).reshape(4, 3),
    "fft": np.arange(32, dtype=np.float32).reshape(4, 8),
    "convolutions": np.linspace(0, 1, 4 * 144, dtype=np.float32).reshape(4, 12, 12, 1),
    "ten_megabytes": np.linspace(0, 1, 4 * 64, dtype=np.float32).reshape(4, 64),
}
LARGE_ONES = ("ten_megabytes", "hundred_megabytes")
"""Float32 is too large for every board, int8 for the smaller ones: no other variant says more of size."""
STORED = ("float16", "uint8", "uint16")
"""Ways to store the weights of a graph, which differ by the weights alone: one browser opens them all."""
READY_MADE = {"ready int8": "int8", "ready dynamic": "dynamic"}
"""Files that are given as they are: those of the convolutions."""


@pytest.fixture(scope="session")
def model(assessment, converted):
    """An assessed model by name."""

    def model(name):
        if name in READY_MADE:
            made = converted(model("convolutions"), "tflite", READY_MADE[name])
            return assessment(str(made.path))
        large = name in LARGE_ONES
        return assessment(
            name, only=("float32", "int8") if large else None, x=INPUTS["ten_megabytes" if large else name]
        )

    return model


def what_happens(target, artifact, golden):
    """The error with which one inference ends; None where it gives outputs. An operator that a target is known to lack
    may end without an error and leave whatever was in memory: LiteRT.js does so with those of TensorFlow."""
    samples = {info.name: info.to_stored(golden.inputs[info.name][:1]) for info in artifact.inputs}
    try:
        with target.open(artifact) as session:
            outputs = session.infer(samples)
    except CaseError as error:
        return error
    assert set(outputs) == {info.name for info in artifact.outputs}
    if target.unsupported_operators(artifact):
        for info in artifact.outputs:
            seen, right = info.to_real(outputs[info.name]), golden.outputs[info.name][:1]
            if not np.allclose(seen, right, rtol=0.01, atol=0.001):
                return Failed(f"'{info.name}' is made up: {'; '.join(target.unsupported_operators(artifact))}")
    return None


def named(text, artifact):
    """The operators of an artifact that a sentence names; a kernel of TensorFlow.js is its operator's name or more."""
    words = set(re.findall(r"\w+", text))
    # Interpreters cut the name now and then, or name the kind alone: "Node number 0 (Flex)".
    if re.search(r"Regular TensorFlow ops|Select TensorFlow op\(s\)", text):
        return {operator for operator in artifact.operators if operator.startswith("Flex")}
    return {operator for operator in artifact.operators if operator in words or operator.removeprefix("_") in words}


@pytest.mark.sweep(32)
@pytest.mark.parametrize("name", [*map(on_target, TARGETS)])
@pytest.mark.parametrize("source", [*INPUTS, *READY_MADE])
def test_what_is_predicted_happens(model, converted, source, name):
    assert_predicted(model, converted, source, name)


@pytest.mark.sweep(0)  # a minute of processor for what ten megabytes show as well
@pytest.mark.parametrize("name", [*map(on_target, TARGETS)])
def test_what_is_predicted_of_a_large_model_happens(model, converted, name):
    assert_predicted(model, converted, "hundred_megabytes", name)


def assert_predicted(model, converted, source, name):
    """Every variant of a source that the assessment speaks of does on the target what was predicted."""
    target = TARGETS[name]
    assessed = model(source)
    told = [prediction for prediction in assessed.found.predictions if prediction.target == name]
    refused = {(size.format, size.variant) for size in assessed.found.sizes if size.problem}
    golden = read_golden(assessed.prepared.golden_path)
    assert bool(told) == any(size.format == target.format for size in assessed.found.sizes)
    target.prepare()
    for prediction in told:
        case = f"{source} {prediction.variant} on {name}: {prediction}"
        if (prediction.format, prediction.variant) in refused:
            assert prediction.verdict == "does not run", case
            with pytest.raises(CaseError):
                converted(assessed, prediction.format, prediction.variant)
            continue
        if target.slot == "browser" and prediction.variant in STORED and name != "tfjs/chromium-wasm":
            continue
        artifact = converted(assessed, prediction.format, prediction.variant)
        problem = what_happens(target, artifact, golden)
        if isinstance(problem, Crashed) and "dies on Arm" in prediction.reason:  # the one crash that is known before
            assert prediction.verdict == "does not run", case
            continue
        assert not isinstance(problem, Crashed | TimedOut), f"{case}; {problem}"
        assert prediction.verdict in RUNS, case
        assert RUNS[prediction.verdict] == (problem is None), f"{case}; {problem}"
        if problem is not None:
            expected = named(prediction.reason, artifact)
            assert expected <= named(str(problem), artifact) or expected & named(str(problem), artifact), (
                f"{case}; {problem}"
            )
