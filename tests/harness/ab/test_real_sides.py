"""The four kinds of sides that `harness ab` is for, each with real runtimes; what is not on this machine is named.

The plan is cut to seconds: nothing is asserted of who is quicker.
"""

import json
from pathlib import Path

import pytest

from harness import registry
from harness.ab import by_operator
from harness.ab.block_plan import BlockPlan
from harness.cli import ab_timing
from harness.project import model_entries
from tests.parts import on_target

pytestmark = pytest.mark.needs("converter", "litert")
BRIEF = BlockPlan(rounds=1, most_rounds=1, fewest_rounds=1, blocks=8, stage_seconds=1.0, seed=1)
VERDICTS = {"slower", "faster", "alike", "undecided"}
OLDER = "2.1.0"


@pytest.fixture
def ab(files, shared_cache, monkeypatch, capsys):
    """`harness ab … --json` in the project: what it says, read."""
    monkeypatch.chdir(files[0].parent)
    monkeypatch.setenv("HARNESS_CACHE", str(shared_cache))
    monkeypatch.setattr(ab_timing, "DEFAULT_PLAN", BRIEF)
    monkeypatch.setattr(by_operator, "LOOKS", (1,))  # which operators changed is test_real_operators.py's
    monkeypatch.setattr(by_operator, "PAIRS", 1)

    def ab(case, old, new):
        ab_timing.time_two_sides(case, old, new, 0.02, None, as_json=True)
        found = json.loads(capsys.readouterr().out)
        assert found["verdict"] in VERDICTS
        assert all(len(one["old_ns"]) == len(one["new_ns"]) >= 6 for one in found["rounds"])
        return found

    return ab


@pytest.fixture(scope="module")
def files(converter, tmp_path_factory):
    """hello_world as two .tflite files, in a project's folder."""
    project = tmp_path_factory.mktemp("project")
    form = registry.formats()["tflite"]
    prepared = converter.prepare(model_entries(project)["hello_world"])
    found = []
    for variant in ("float32", "int8"):
        path = project / f"{variant}.tflite"
        path.write_bytes(Path(converter.convert(prepared, form, form.variant(variant)).path).read_bytes())
        found.append(path)
    return found


def test_two_files_on_a_target_without_any_model(ab, files):
    old, new = files
    found = ab("tflite/litert-xnnpack", str(old), str(new))
    assert found["case"] == "int8/ready/tflite/litert-xnnpack"
    assert found["changes"] == [
        f"artifact {found['old']['artifact'][:12]}… ({old.stat().st_size:,} bytes) → "
        f"{found['new']['artifact'][:12]}… ({new.stat().st_size:,} bytes)"
    ]
    assert found["old"]["fingerprint"] == found["new"]["fingerprint"]


def test_a_file_against_the_cases_own_artifact(ab, files, capsys):
    found = ab("hello_world/float32/tflite/litert-xnnpack", str(files[1]), "now")
    assert found["old"]["artifact"] != found["new"]["artifact"]
    # The very same file is the case: nothing to time.
    ab_timing.time_two_sides("hello_world/int8/tflite/litert-xnnpack", str(files[1]), "now", 0.02, None, as_json=True)
    assert json.loads(capsys.readouterr().out)["verdict"] == "same"


def test_two_versions_of_a_runtime_each_in_an_environment_that_is_made_for_it(ab, files):
    found = ab("hello_world/int8/tflite/litert-xnnpack", f"ai-edge-litert=={OLDER}", "now")
    assert found["old"]["fingerprint"]["ai-edge-litert"] == OLDER
    assert found["new"]["fingerprint"]["ai-edge-litert"] != OLDER
    assert found["changes"][0].startswith(f"ai-edge-litert {OLDER} → ")


def test_two_numbers_of_threads(ab, files):
    found = ab("hello_world/int8/tflite/litert-xnnpack", "threads=1", "threads=2")
    assert found["changes"] == ["threads 1 → 2"]


@pytest.mark.needs("tfjs", "chromium")
@pytest.mark.parametrize("other", [on_target("tfjs/chromium-webgl"), on_target("tfjs/firefox-wasm")])
def test_two_backends_and_two_browsers(ab, files, other):
    found = ab("hello_world/float32/tfjs/chromium-wasm", "now", other)
    assert found["changes"] == [f"target tfjs/chromium-wasm → {other}"]
    assert found["old"]["artifact"] == found["new"]["artifact"]
    software = any("software renderer" in caution for caution in found["cautions"])
    assert software == (other == "tfjs/chromium-webgl")
