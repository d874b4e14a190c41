"""`task = "detection"` in harness.toml names the outputs that hold the detections."""

import pytest

from harness.errors import HarnessError
from harness.model import DetectionOutputs
from harness.project import model_entries

TABLE = '[models.it]\npath = "it.tflite"\n'


def entries(folder, text):
    (folder / "it.tflite").write_bytes(b"\x00\x00\x00\x00TFL3")
    (folder / "harness.toml").write_text(TABLE + text)
    return model_entries(folder)["it"]


def test_the_outputs_are_named_and_the_least_score_is_a_half(tmp_path):
    entry = entries(tmp_path, 'task = "detection"\ndetection = { boxes = "b", scores = "s", classes = "c" }\n')
    assert entry.task == "detection"
    assert entry.detection == DetectionOutputs("b", "s", "c", "", 0.5)


def test_a_detector_of_one_class_has_no_output_for_it(tmp_path):
    entry = entries(tmp_path, 'task = "detection"\ndetection = { boxes = "b", scores = "s" }\n')
    assert (entry.detection.classes, entry.detection.names) == ("", ("b", "s"))


@pytest.mark.parametrize(
    "text",
    [
        'task = "detection"\n',
        'detection = { boxes = "b", scores = "s", classes = "c" }\n',
        'task = "detection"\ndetection = { boxes = "b", classes = "c" }\n',
        'task = "detection"\ndetection = { boxes = "b", scores = "s", classes = "c", min_score = 0 }\n',
    ],
)
def test_half_of_it_is_a_mistake_that_is_told(tmp_path, text):
    with pytest.raises(HarnessError, match="detection"):
        entries(tmp_path, text)
