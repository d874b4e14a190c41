"""The script that runs on a machine with a GPU, with a Python that only tells what it was started with."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("run.sh")
PYTHON = """#!/bin/sh
echo "$@" >> "$0.log"
case "$*" in
  *doctor*) echo "tfjs/chromium-webgl  yes  gpu $HARNESS_GPU" ;;
  *main\\ run*) mkdir -p results/runs; echo "{}" > results/runs/one.json; exit CODE ;;
  *table.py*) echo "libraries $LD_LIBRARY_PATH, chromium $HARNESS_CHROMIUM" ;;
esac
"""


@pytest.fixture
def unpacked(tmp_path):
    """A function that runs the script where Python ends with a code; returns what came of it."""
    shutil.copy(SCRIPT, tmp_path)
    (tmp_path / "project").mkdir()
    (tmp_path / "python/bin").mkdir(parents=True)

    def run(code=0, **variables):
        python = tmp_path / "python/bin/python3.11"
        python.write_text(PYTHON.replace("CODE", str(code)))
        python.chmod(0o755)
        kept = {"PATH": os.environ["PATH"], **variables}
        return subprocess.run(
            [tmp_path / "run.sh", "out"], cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=60
        )

    return run


@pytest.mark.parametrize("code", [0, 1])
def test_the_run_decides_the_exit_code_and_its_record_and_table_are_in_the_folder_that_was_named(
    unpacked, tmp_path, code
):
    done = unpacked(code)
    assert done.returncode == code
    assert (tmp_path / "out/one.json").is_file()
    assert (tmp_path / "out/table.txt").read_text() == (
        f"libraries {tmp_path}/lib, chromium {tmp_path}/chromium/chrome\n"
    )


def test_a_gpu_is_asked_for_by_name_unless_another_word_is_given(unpacked):
    assert "gpu nvidia" in unpacked().stdout
    assert "gpu software" in unpacked(HARNESS_GPU="software").stdout
