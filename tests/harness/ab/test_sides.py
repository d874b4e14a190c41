"""What `--old` and `--new` may say."""

import pytest

from harness.ab.side_options import parse_side
from harness.errors import HarnessError

TARGETS = {"tflite/litert-xnnpack": object(), "tfjs/chromium-wasm": object()}


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("threads=2", "changes", {"threads": "2"}),
        ("AI_Edge.LiteRT==2.1.0", "changes", {"ai-edge-litert": "2.1.0"}),
        ("ai-edge-litert==2.1.0, threads=4", "changes", {"ai-edge-litert": "2.1.0", "threads": "4"}),
        ("browser=/opt/old/chrome", "changes", {"browser": "/opt/old/chrome"}),
        ("tfjs/chromium-wasm", "target", "tfjs/chromium-wasm"),
        ("variant=int8", "variant", "int8"),
        ("baseline", "baseline", True),
        ("now", "changes", {}),
    ],
)
def test_a_side_is_read(text, field, value):
    assert getattr(parse_side(text, TARGETS), field) == value


def test_a_file_is_a_side_and_has_to_be_there(tmp_path):
    path = tmp_path / "model.tflite"
    with pytest.raises(HarnessError, match="does not exist"):
        parse_side(str(path), TARGETS)
    path.write_bytes(b"")
    assert parse_side(str(path), TARGETS).file == path


@pytest.mark.parametrize("text", ["", "nonsense", "tfjs/nothing", "==2", "a==", "threads="])
def test_anything_else_is_a_mistake_that_names_what_may_be_said(text):
    with pytest.raises(HarnessError, match="is no side of a comparison; write `threads=2`"):
        parse_side(text, TARGETS)
