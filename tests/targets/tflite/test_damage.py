"""Which refusals of ai-edge-litert mean that a file is damaged."""

import pytest

from targets.tflite.inspection import DAMAGED


@pytest.mark.parametrize(
    "said",
    [
        "The model is not a valid Flatbuffer buffer",
        "Tensor 3 specifies out of range buffer 77 (only 12 buffers).",
        "tflite/util.cc BytesRequired number of elements overflowed.",
        "tflite/core/subgraph.cc:600 required_bytes <= bytes was not true.Tensor 3 is invalidly specified in schema.",
        "Did not get tensors in subgraph 1.",
        "Missing registration for opcode_index -3",
    ],
)
def test_what_cut_or_flipped_bytes_bring_about_is_damage(said):
    assert DAMAGED.search(said)


@pytest.mark.parametrize(
    "said",
    [
        "quantized_dimension must be in range [0, 1). Was 3.",
        "Didn't find op for builtin opcode 'STABLEHLO_CBRT' version '1'.",
        "Op builtin_code out of range: 250. Are you using old TFLite binary with newer model?",
        "Encountered unresolved custom op: Convolution2DTransposeBias.",
        "Model provided is schema version 4 not equal to supported version 3.",
    ],
)
def test_what_one_interpreter_does_not_take_is_none(said):
    assert not DAMAGED.search(said)
