"""A large model is assessed by the variants that decide, and what was left out is said."""

from types import SimpleNamespace

import pytest

from harness import registry
from harness.assess.assess_model import LARGE_BYTES, conversion_notes, convert
from harness.assess.trials import Trials
from harness.conversion.prepared_model import PreparedModel
from harness.errors import Unsupported
from harness.run.pool import SilentProgress


class Refusing:
    """A converter that refuses everything, and remembers what it was asked for."""

    def __init__(self):
        self.asked = set()

    def graph_summary(self, prepared):
        return None

    def convert(self, prepared, form, variant):
        self.asked.add((form.name, variant.name))
        raise Unsupported("no")


@pytest.fixture
def tried(tmp_path):
    def tried(weights_bytes):
        folder = tmp_path / "saved_model" / "variables"
        folder.mkdir(parents=True)
        with (folder / "variables.data-00000-of-00001").open("wb") as file:
            file.truncate(weights_bytes)
        prepared = PreparedModel("it", "k", tmp_path, {"keras": "keras.h5"}, "golden")
        entry = SimpleNamespace(
            source=SimpleNamespace(ready_format=None), own_variants=(), variants=lambda form: form.variants
        )
        converter, trials = Refusing(), Trials()
        convert(entry, prepared, converter, registry.formats(), trials, SilentProgress(), 1)
        return converter.asked, conversion_notes(trials)

    return tried


def test_a_small_model_is_converted_in_every_way_that_tells_something(tried):
    asked, notes = tried(LARGE_BYTES)
    assert {("tflite", "dynamic"), ("tflite", "int16x8"), ("tfjs", "uint16"), ("tfjs", "layers-float32")} < asked
    assert not any("Not tried" in note for note in notes)


def test_a_large_one_in_the_ways_that_decide_and_the_others_are_named(tried):
    asked, notes = tried(LARGE_BYTES + 1)
    assert {key for key in asked if key[1] not in ("select-tf", "custom")} == {
        ("tflite", "float32"),
        ("tflite", "int8"),
        ("tfjs", "float32"),
    }
    assert notes[-1] == (
        "Not tried, since the model is large: tfjs float16, tfjs layers-float32, tfjs uint16, tfjs uint8, tflite "
        "dynamic, tflite float16, tflite int16x8; `harness convert` makes them."
    )
