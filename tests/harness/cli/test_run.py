"""The main job for real, small: one model of the zoo, real converter, real interpreters, from the command line."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.harness.fakes.command import in_this_process

MATRIX = ("--model", "hello_world", "--target", "tflite/litert-xnnpack", "--target", "tflm/host")


@pytest.fixture(scope="module")
def project(tmp_path_factory, converter_python, litert_python, tflite_micro_python):
    folder = tmp_path_factory.mktemp("project")
    (folder / "harness.toml").touch()
    return folder


@pytest.fixture(scope="module")
def command(project):
    """Start `harness` in the project; returns the process."""

    def command(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "harness.cli.main", *arguments],
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "HARNESS_CACHE": str(project / ".harness")},
        )

    return command


@pytest.fixture(scope="module")
def harness(project):
    """Run `harness` to its end; returns exit code, standard output and standard error."""

    def harness(*arguments):
        done = in_this_process(project, *arguments, HARNESS_CACHE=str(project / ".harness"))
        return done.returncode, done.stdout, done.stderr

    return harness


@pytest.fixture(scope="module")
def first(harness):
    code, output, errors = harness("run", *MATRIX, "--json")
    assert code == 0, output + errors
    return json.loads(output)


def outcomes(record):
    return {f"{case['variant']} {case['target']}": case["outcome"] for case in record["cases"]}


def test_every_variant_passes_on_the_interpreter_and_int8_on_micro(first):
    variants = ("float32", "float16", "dynamic", "int8", "int16x8")
    expected = {f"{variant} tflite/litert-xnnpack": "passed" for variant in variants}
    assert outcomes(first) == {**expected, "int8 tflm/host": "passed"}


def test_a_figure_carries_what_it_takes_to_repeat_it(first):
    case = next(case for case in first["cases"] if case["target"] == "tflite/litert-xnnpack")
    assert len(case["artifact"]["digest"]) == 64
    assert case["artifact"]["converter"]["tensorflow"] == "2.19.0"
    assert case["fingerprint"]["ai-edge-litert"]
    assert case["fingerprint"]["threads"] == "1"
    assert case["latency"]["load_average"] is not None
    assert len(case["latency"]["samples_ns"]) >= 100
    assert case["parity"]["samples"] >= 100
    assert first["machine"]["cpu"]
    assert first["models"][0]["golden_digest"]


def test_micro_equals_the_reference_interpreter_to_the_byte(first):
    (case,) = [case for case in first["cases"] if case["target"] == "tflm/host"]
    (comparison,) = case["parity"]["runtime"]
    assert comparison["max_lsb"] == 0
    assert comparison["differing_share"] == 0
    assert case["latency"] is None
    assert case["latency_note"]


def test_a_second_run_measures_nothing_and_says_so(harness, first):
    record = json.loads(harness("run", *MATRIX, "--json")[1])
    assert {case["reused_from"] for case in record["cases"]} == {first["id"]}


def test_the_record_can_be_shown_compared_and_reported(harness, first, project):
    assert "hello_world" in harness("show")[1]
    assert "tflite/litert-xnnpack" in harness("compare", "hello_world")[1]
    code, _, _ = harness("report", "--output", "page.html")
    assert code == 0
    assert "hello_world" in (project / "page.html").read_text()


@pytest.mark.parametrize("damage", ["truncate", "flip"])
def test_a_damaged_artifact_is_named_and_converted_again(harness, first, project, damage):
    digest = next(c["artifact"]["key"] for c in first["cases"] if c["variant"] == "int8")
    path = project / ".harness" / "artifacts" / "converted" / digest / "model.tflite"
    content = bytearray(path.read_bytes())
    if damage == "truncate":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)
    code, _, errors = harness("run", *MATRIX)
    assert code == 0
    assert f"entry {digest[:12]} is damaged (model.tflite has changed" in errors
    assert len(path.read_bytes()) > len(content) // 2


def test_a_run_that_is_killed_is_resumed_by_the_same_command(command, harness, first, project):
    for _ in range(10):
        records = set(project.glob("results/runs/*.json"))
        started = command("run", *MATRIX, "--fresh")
        measurements = project / ".harness" / "measurements"
        before = {path: path.stat().st_mtime_ns for path in measurements.rglob("*.json")}
        while started.poll() is None:
            if any(path.stat().st_mtime_ns != before.get(path) for path in measurements.rglob("*.json")):
                break
            time.sleep(0.02)
        started.send_signal(signal.SIGKILL)
        started.communicate(timeout=60)
        if started.returncode == -signal.SIGKILL:  # and not over before
            break
    assert started.returncode == -signal.SIGKILL
    code, output, _ = harness("run", *MATRIX, "--json")
    assert code == 0
    assert set(outcomes(json.loads(output)).values()) == {"passed"}
    assert set(project.glob("results/runs/*.json")) >= records
    added = [json.loads(path.read_text()) for path in set(project.glob("results/runs/*.json")) - records]
    assert [len(record["cases"]) for record in added] == [6], added
