"""The tables of harness/conversion/README.md have every flag that the installed command-line tools list."""

import re
import subprocess
from pathlib import Path

import pytest

TABLES = (Path(__file__).parents[3] / "harness" / "conversion" / "README.md").read_text(encoding="utf-8")


TOOLS = ("tflite_convert", "tensorflowjs_converter")
HELP_OF_ALL = """
import os, runpy, sys
import tensorflow
for tool in sys.argv[1:]:
    print(f"tool {tool}", flush=True)
    if os.fork() == 0:
        sys.argv = [tool, "--help"]
        runpy.run_path(tool, run_name="__main__")
    assert os.wait()[1] == 0, tool
"""


@pytest.fixture(scope="module")
def told(converter_python):
    """What each tool says at `--help`: forks of one process, since TensorFlow takes 5 s of processor to start."""
    command = [converter_python, "-c", HELP_OF_ALL, *(converter_python.with_name(tool) for tool in TOOLS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    parts = re.split(r"^tool .*/(\w+)$", done.stdout, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("tool", TOOLS)
def test_every_flag_has_its_counterpart(tool, told):
    flags = set(re.findall(r"--\w+", told[tool])) - {"--help"}
    assert len(flags) > 5
    assert {flag for flag in flags if f"`{flag}" not in TABLES} == set()
