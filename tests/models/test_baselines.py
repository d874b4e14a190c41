"""The zoo is held to its accepted baselines, `results/baselines`, by the rules that do not depend on the machine; and
the gate that does so sees one weight."""

import hashlib
import json
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

import harness_models
from harness import registry
from harness.baseline.files import read_baseline
from tests.harness.fakes.command import in_process, in_this_process

RESULTS = Path(__file__).parents[2] / "results"
BASELINE = read_baseline(RESULTS / "baselines")
GATE = ("gate", "--no-timing", "--json", "--policy", str(RESULTS / "gates.toml"), "--baseline")
pytestmark = pytest.mark.needs("converter", "litert", "tflite-micro", "firmware-compiler", "qemu")


def selections():
    """Arguments of `harness run` that cover the baseline: one run for the models that are on the same targets."""
    targets, variants = defaultdict(set), defaultdict(set)
    for name in BASELINE.cases:
        targets[name.model].add(name.target)
        variants[name.target].add(name.variant)
    for target, wanted in sorted(variants.items()):
        models = sorted(model for model, found in targets.items() if target in found)
        yield (
            target,
            [word for model in models for word in ("--model", model)]
            + [word for variant in sorted(wanted) for word in ("--variant", variant)],
        )


def broken(folder, cache, baselines, *options):
    """Case to rule to message of what the gate finds in the folder's last run."""
    done = in_this_process(folder, *GATE, str(baselines), *options, HARNESS_CACHE=str(cache))
    assert done.returncode in (0, 1), done.stderr
    found = {
        case["case"]: {check["rule"]: check["message"] for check in case["checks"] if not check["passed"]}
        for case in json.loads(done.stdout)["cases"]
    }
    assert done.returncode == any(found.values())
    return found


@pytest.fixture
def project(tmp_path):
    (tmp_path / "harness.toml").write_text("zoo = true\n")
    return tmp_path


def test_every_model_of_the_zoo_has_a_baseline():
    assert {name.model for name in BASELINE.cases} == set(registry.zoo())


def test_no_baseline_holds_milliseconds():
    assert all(case.latency is None for case in BASELINE.cases.values())


@pytest.mark.parametrize(("target", "selection"), list(selections()), ids=[target for target, _ in selections()])
def test_the_zoo_is_as_accepted(target, selection, project, new_cache):
    cache = new_cache(project / "cache")
    run = ("run", "--parity-only", "--target", target, *selection)
    done = in_this_process(project, *run, HARNESS_CACHE=str(cache))
    assert done.returncode in (0, 1), done.stderr
    found = broken(project, cache, RESULTS / "baselines")
    assert {case: rules for case, rules in found.items() if rules} == {}
    assert {str(name) for name in BASELINE.cases if name.target == target} <= set(found)


@pytest.fixture
def zoo(tmp_path):
    """A copy of the zoo's package, which a process finds before the installed one."""
    folder = tmp_path / "zoo" / harness_models.__name__
    shutil.copytree(Path(harness_models.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def change_one_weight(zoo):
    """One weight of hello_world by one step of float32, and the hash that its file states."""
    path, source = zoo / "weights" / "hello_world.npz", zoo / "hello_world.py"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    first = arrays[min(arrays)].reshape(-1)
    first[3] = np.nextafter(first[3], np.float32(9), dtype=np.float32)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    np.savez(path, **arrays)
    text = source.read_text()
    assert before in text
    source.write_text(text.replace(before, hashlib.sha256(path.read_bytes()).hexdigest()))


@pytest.mark.parametrize("changed", [False, True])
def test_one_step_of_one_weight_is_red(project, zoo, new_cache, changed):
    if changed:
        change_one_weight(zoo)
    cache = new_cache(project / "cache")
    run = (
        "run",
        "--parity-only",
        "--model",
        "hello_world",
        "--variant",
        "float32",
        "--target",
        "tflite/litert-xnnpack",
    )
    done = in_process(project, *run, HARNESS_CACHE=str(cache), PYTHONPATH=str(zoo.parent))
    assert done.returncode == 0, done.stderr
    rules = broken(project, cache, RESULTS / "baselines")["hello_world/float32/tflite/litert-xnnpack"]
    assert set(rules) == ({"baseline.artifact"} if changed else set())
    if changed:
        assert "changed since: the source" in rules["baseline.artifact"]
