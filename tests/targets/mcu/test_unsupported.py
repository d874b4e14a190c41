"""What the plan runtime lacks for a model, in words: one phrase a reason, each operator once, with its places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness import registry
from harness_targets.mcu.plan import PlanRefused, plan_model, unsupported_operators, unsupported_phrases
from harness_targets.mcu.target import targets

from .model_writer import ModelWriter
from .operators.recurrent import lstm
from .test_plan import two_layers
from .test_target import make_artifact

TARGETS = {target.name: target for target in targets()}


def chain(*names: str, dtype: str = "float32") -> ModelWriter:
    """Operators of one input and one output, each fed by the one before."""
    model = ModelWriter()
    scale = {"scale": 0.1} if dtype == "int8" else {}
    values = model.input((1, 4), dtype, **scale)
    for name in names[:-1]:
        after = model.tensor((1, 4), dtype, **scale)
        model.operator(name, [values], [after])
        values = after
    model.operator(names[-1], [values], [model.output((1, 4), dtype, **scale)])
    return model


def test_a_supported_model_lacks_nothing():
    assert unsupported_phrases(two_layers().write()) == ()
    assert unsupported_operators(two_layers().write()) == []


def test_operators_without_a_kernel_share_one_phrase_and_each_names_its_places():
    model = chain("ATAN2", "RELU", "ATAN2", "RFFT2D", "RELU")
    assert unsupported_phrases(model.write()) == (
        "ATAN2 (operators 0 and 2) and RFFT2D (operator 3), for which the plan runtime has no kernel",
    )


def test_many_places_are_counted():
    assert unsupported_phrases(chain(*["ATAN2"] * 9).write()) == (
        "ATAN2 (operators 0, 1, 2, 3 and 5 more), for which the plan runtime has no kernel",
    )


def test_an_operator_in_a_form_that_is_not_supported_is_named_once_with_the_reason():
    model = chain("NEG", "RELU", "NEG", dtype="int8")
    assert unsupported_phrases(model.write()) == (
        "NEG (operators 0 and 2: TensorFlow Lite Micro has it in float32 alone)",
    )


def test_hybrid_convolutions_are_one_phrase(shared_models: Path):
    (phrase, *_) = unsupported_phrases((shared_models / "keyword_spotting/kws_ref_model_float32.tflite").read_bytes())
    assert phrase.startswith("CONV_2D (operators ")
    assert phrase.endswith(": float32 input with int8 weights, as a hybrid or low-bit model has them)")


def test_what_only_an_unused_result_needs_is_not_asked_for():
    model = chain("RELU", "RELU")
    model.operator("ATAN2", [model.inputs[0]], [model.tensor((1, 4), "float32")])
    assert unsupported_phrases(model.write()) == ()


def test_an_operator_after_one_that_is_missing_is_still_judged():
    model = ModelWriter()
    source = model.input((1, 8), "float32")
    middle = model.tensor((1, 8), "float32")
    weights = model.constant(np.ones((2, 8), np.int8), scale=0.1)
    model.operator("ATAN2", [source], [middle])
    model.operator("FULLY_CONNECTED", [middle, weights, -1], [model.output((1, 2), "float32")], "FullyConnectedOptions")
    assert [(found.place, found.name) for found in unsupported_operators(model.write())] == [
        ("0", "ATAN2"),
        ("1", "FULLY_CONNECTED"),
    ]


def too_coarse(first: str) -> ModelWriter:
    """An operator, then a SUB whose scales ask for a factor above 1, at which Micro stops and so does the planner."""
    model = ModelWriter()
    source = model.input((1, 4), "int8", scale=1.0)
    middle = model.tensor((1, 4), "int8", scale=1.0)
    model.operator(first, [source], [middle])
    model.operator("SUB", [middle, source], [model.output((1, 4), "int8", scale=1e-7)], "SubOptions")
    return model


def test_scales_that_cannot_be_used_are_told_where_every_operator_has_a_kernel():
    with pytest.raises(PlanRefused, match=r"\(SUB\).*rescaling factor"):
        unsupported_phrases(too_coarse("RELU").write())


def test_scales_that_cannot_be_used_do_not_hide_an_operator_that_is_missing():
    """Seen with the int8 form of `tf.math.lgamma`, on a machine where calibration came to other scales."""
    assert unsupported_phrases(too_coarse("ATAN2").write()) == (
        "ATAN2 (operator 0), for which the plan runtime has no kernel",
    )
    with pytest.raises(PlanRefused, match="no kernel for ATAN2"):
        plan_model(too_coarse("ATAN2").write())


def test_the_phrases_follow_does_not_run_in_one_sentence(tmp_path: Path):
    target = TARGETS["mcu/qemu-cortex-m4"]
    artifact = make_artifact(tmp_path, chain("ATAN2", "ATAN2").write())
    assert f"{target.name} does not run {'; '.join(target.unsupported_operators(artifact))}." == (
        "mcu/qemu-cortex-m4 does not run ATAN2 (operators 0 and 1), for which the plan runtime has no kernel."
    )


@pytest.mark.parametrize("target", ["tflm/host", "mcu/qemu-cortex-m4"])
def test_an_lstm_whose_output_has_another_scale_than_its_state_is_refused_by_name(tmp_path: Path, target: str):
    """Micro writes it with the state's: of Keras 2's Bidirectional in int8 it gave 2 dB, without an error."""
    for name, apart, refused in (("alike", {}, False), ("apart", {"zero_point": 40}, True)):
        folder = tmp_path / name
        folder.mkdir()
        artifact = make_artifact(folder, lstm(np.random.default_rng(0), "int8", **apart).write())
        artifact = artifact.model_copy(update={"operators": {"UNIDIRECTIONAL_SEQUENCE_LSTM": 1}})
        said = " ".join(registry.targets()[target].unsupported_operators(artifact))
        assert ("its output has another scale than its hidden state" in said) is refused, said
