"""A fault put into one operator of a real model, on the runtime's side alone, is found in that operator; and what each
real runtime computes inside, without a fault, keeps to the rules."""

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from harness import registry
from harness.cache import sha256_file
from harness.cli.locating import case_of
from harness.gate.policy import Policy
from harness.locate.locator import Locator
from harness.run.matrix import Case
from tests.harness.gate.flatbuffer_faults import with_weights_of_operator_changed
from tests.parts import on_target

TARGETS = registry.targets()
OPERATORS = {
    "tflite": ["CONV_2D", "CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX"],
    "tfjs": ["_FusedConv2D", "_FusedConv2D", "MaxPool", "Reshape", "_FusedMatMul", "_FusedMatMul", "Softmax"],
}


def case_param(name):
    """A case as a parameter that needs what its target needs."""
    return on_target(name.split("/", 2)[2], name)


@pytest.fixture
def locator(converter, tmp_path):
    def locator(name, target=None):
        case = case_of(name)
        if target is not None:
            case = Case(case.model, case.format, case.variant, target(case.target))
        return Locator(case, converter, Policy(), 4, tmp_path)

    return locator


def broken_in(number):
    """Turns a target into one that computes one operator with other weights than the artifact has."""

    def broken(target):
        class Broken(type(target)):
            def __init__(self):
                self.__dict__.update(target.__dict__)

            @contextmanager
            def open(self, artifact, *limits):
                content = with_weights_of_operator_changed(artifact.path.read_bytes(), number, 9)
                with TemporaryDirectory() as folder:
                    path = Path(folder) / artifact.entry
                    path.write_bytes(content)
                    file = artifact.files[0].model_copy(update={"sha256": sha256_file(path)})
                    other = artifact.model_copy(update={"files": (file,), "directory": Path(folder)})
                    with super().open(other, *limits) as session:
                        yield session

        return Broken()

    return broken


@pytest.mark.sweep(4)
@pytest.mark.parametrize("number", [0, 1, 4, 5])
@pytest.mark.parametrize(
    "target", [on_target(name) for name in ("tflite/litert-builtin", "tflite/litert-xnnpack", "tflm/host")]
)
def test_the_operator_with_other_weights_is_at_fault(target, number, locator):
    found = locator(f"digits_cnn/int8/{target}", broken_in(number)).runtime()
    assert found.first_broken.operation.index == number, [seen.comparison for seen in found.seen]
    assert found.first_broken.operation.operator == OPERATORS["tflite"][number]


@pytest.mark.parametrize(
    "name",
    [
        case_param("digits_cnn/int8/tflite/litert-xnnpack"),
        case_param("digits_cnn/float16/tflite/litert-xnnpack"),
        case_param("digits_cnn/float32/tflite/litert-xnnpack"),
        case_param("digits_cnn/int8/tflm/host"),
        case_param("digits_cnn/int8/mcu/qemu-cortex-m4"),
        case_param("digits_cnn/uint8/tfjs/chromium-wasm"),
        case_param("digits_cnn/float32/tfjs/firefox-wasm"),
    ],
)
def test_every_operator_of_a_sound_case_can_be_seen_and_keeps_to_the_rules(name, locator):
    made = locator(name)
    found = made.runtime()
    assert [seen.operation.operator for seen in found.seen] == OPERATORS[made.case.format.name]
    assert found.first_broken is None
    assert found.unseen == 0
    if made.case.target.name.startswith(("mcu/", "tflm/")):
        assert found.exact


@pytest.mark.parametrize(
    "name", [case_param("digits_cnn/int8/tflite/litert-xnnpack"), case_param("digits_cnn/uint8/tfjs/chromium-wasm")]
)
def test_the_conversion_edge_sees_what_quantisation_costs_each_operator(name, locator):
    made = locator(name)
    found = made.conversion()
    assert [seen.operation.operator for seen in found.seen] == OPERATORS[made.case.format.name]
    assert all(20 < seen.comparison.sqnr_db < 100 for seen in found.seen)
    assert found.seen[0].introduces
