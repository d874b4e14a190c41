"""Every command on one small model of the zoo: what it prints and its exit code, as `transcript.txt` has them.

What differs from run to run or from machine to machine is replaced by a word for it. Where a change is meant:

    HARNESS_TRANSCRIPT=write .venv/bin/python -m pytest tests/harness/cli/test_transcript.py

writes the file again, and its diff is what to review.
"""

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.harness.fakes.command import in_this_process

pytestmark = pytest.mark.needs("converter", "litert", "tflite-micro", "tfjs")

TRANSCRIPT = Path(__file__).with_name("transcript.txt")
CASE = "hello_world/int8/tflite/litert-xnnpack"
MATRIX = "--model hello_world --variant float32 --variant int8 --target tflite/litert-xnnpack --target tflm/host"
COMMANDS = [
    "--help",
    "models",
    "convert --model hello_world --variant float32 --variant int8",
    f"run {MATRIX} --parity-only",
    "show",
    "compare hello_world",
    "report --output page.html",
    f"locate {CASE}",
    f"bundle {CASE}",
    "gate --no-timing",
    "baseline accept",
    "baseline show",
    "gate --no-timing --complete",
    f"gate --no-timing --explain {CASE}",
    f"ab {CASE} --old baseline",
    "run --model hello_world --variant float32 --target tflite/litert-xnnpack --parity-only",
    "index",
    "history hello_world --metric artifact_bytes",
    "label hello_world 0000 noise",
    "push elsewhere",
    "pull elsewhere",
    "export figures.parquet",
    "export-c hello_world",
    "robot hello_world --board none",
    "get-renode --help",
    "boards --map nonsense.yaml",
    "init-ci",
    "baseline drop --case hello_world/float32/*",
    "baseline drop --case nonsense",
    "run --model nonsense",
    "run --target nonsense",
    "run --variant nonsense",
    "show 2020",
    "show --nonsense",
    "compare nonsense",
    "locate nonsense",
    "tune nonsense",
    "profile nonsense",
    "bundle nonsense",
    "assess nonsense",
    "gate --policy nonsense.toml",
    "ab nonsense --old now",
    "serve --port nonsense",
    "places",
    "place",
]
PROGRESS = re.compile(r"^(?:.*…|\d+ of \d+ steps.*|.* takes long\.)\n", flags=re.MULTILINE)
"""How far a command has come is told by the clock."""
REPLACED = [
    (r"\d{8}T\d{6}Z-[0-9a-f]{8}", "‹run›"),
    (r"\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?UTC|Z|\+00:00)?)?", "‹date›"),
    (r"\b\d{1,2} [A-Z][a-z]{2,8} \d{4}(?:, \d\d:\d\d)?", "‹date›"),
    (r"\b[0-9a-f]{8,64}\b(?=…|\W|$)", "‹hash›"),
    (r"\b\d+\.\d+\.\d+(?:[.-]?(?:dev|rc|post)\d+)?\b", "‹version›"),
    (r"\b\d+(?:\.\d+)? (?:ms|µs|ns|s|min)\b", "‹time›"),
    (r"\bload \d+\.\d+", "load ‹figure›"),
    (r"\b1\d\d(?:\.\d+)?(?= dB)", "‹rounding›"),  # float32's rounding is another on another processor
    (r"\b1\d\d\.\d\b", "‹rounding›"),
    (r"\b\d+(?:\.\d+)? ppm\b", "‹rounding›"),
    (r"(?<=‹date› ).+, \d+ cores$", "‹machine›"),
    (r"leaves it at \d+(?:\.\d+)? dB", "leaves it at ‹figure›"),
    (r"[─━═]+", "─"),
    (r" {2,}", "  "),
    (r" +$", ""),
]


def normalised(text, project):
    """What is the same at every run and on every machine."""
    text = text.replace(str(project), "‹project›")
    for pattern, word in REPLACED:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text.strip("\n")


@pytest.fixture(scope="module")
def said(tmp_path_factory, new_cache):
    """Each command in turn, in one project: its section of the transcript."""
    project = tmp_path_factory.mktemp("transcript")
    (project / "harness.toml").write_text("")
    cache = str(new_cache(project / "cache"))
    sections = {}
    for command in COMMANDS:
        done = in_this_process(project, *shlex.split(command), HARNESS_CACHE=cache)
        parts = [f"$ harness {command}", normalised(done.stdout, project)]
        if errors := normalised(PROGRESS.sub("", done.stderr), project):
            parts += ["--- standard error", errors]
        sections[command] = "\n".join([*(part for part in parts if part), f"--- exit code {done.returncode}"])
    if os.environ.get("HARNESS_TRANSCRIPT") == "write":
        TRANSCRIPT.write_text("\n\n".join(sections.values()) + "\n", encoding="utf-8")
    return sections


@pytest.fixture(scope="module")
def accepted():
    """The sections of the file, by command."""
    text = TRANSCRIPT.read_text(encoding="utf-8")
    parts = re.split(r"^\$ harness (.*)$", text, flags=re.MULTILINE)[1:]
    return {
        command: f"$ harness {command}{rest.rstrip()}" for command, rest in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_what_it_said(command, said, accepted):
    assert said[command] == accepted.get(command, "")


def test_every_command_is_in_it(said):
    names = re.findall(r"^  (\w[\w-]*)  ", said["--help"], flags=re.MULTILINE)
    called = {command.split()[0] for command in COMMANDS}
    assert set(names) - called == {"doctor", "targets", "renode-test"}  # what they say is this machine's
