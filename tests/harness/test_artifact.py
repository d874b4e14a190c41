"""What an artifact takes is made of what the model was given."""

import numpy as np
import pytest

from harness.artifact import Artifact, Quantisation, TensorInfo
from harness.errors import Failed


def artifact(quantisation):
    dtype = "float32" if quantisation is None else "int8"
    info = TensorInfo(name="x", tensor="x", index=0, shape=(2,), dtype=dtype, quantisation=quantisation)
    known = {"key": "k", "digest": "d", "entry": "e", "directory": ".", "operators": {}, "converter": {}}
    return Artifact(model="m", format="tflite", variant="v", files=(), inputs=(info,), outputs=(), **known)


def test_there_is_no_integer_for_what_is_not_a_number():
    """The model may have an answer for it in float32, so that the data are not at fault."""
    samples = {"x": np.array([[1.0, 2.0], [np.nan, 2.0]], np.float32)}
    with pytest.raises(Failed, match="The input 'x' has NaN, for which the artifact's int8 has no value"):
        artifact(Quantisation(scale=0.5, zero_point=0)).stored(samples)
    assert artifact(Quantisation(scale=0.5, zero_point=0)).stored(samples, samples=1)["x"].tolist() == [[2, 4]]
    assert np.isnan(artifact(None).stored(samples)["x"]).sum() == 1
