"""The tables of harness/conversion/README.md have every flag that the installed command-line tools list."""

import re
import subprocess
from pathlib import Path

import pytest

TABLES = (Path(__file__).parents[3] / "harness" / "conversion" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("tool", ["tflite_convert", "tensorflowjs_converter"])
def test_every_flag_has_its_counterpart(tool, converter_python):
    told = subprocess.run(
        [converter_python.with_name(tool), "--help"], check=True, capture_output=True, text=True, timeout=300
    ).stdout
    flags = set(re.findall(r"--\w+", told)) - {"--help"}
    assert len(flags) > 5
    assert {flag for flag in flags if f"`{flag}" not in TABLES} == set()
