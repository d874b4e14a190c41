"""What a conversion is addressed by, and what of a golden is given on: found missing by faults that were planted."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import harness
from harness import registry
from harness.cache import Cache
from harness.conversion import steps
from harness.conversion.children import WORKER
from harness.conversion.converter import Converter
from harness.conversion.golden import Golden
from harness.conversion.prepared_model import PreparedModel
from harness.environment import environment

ENGINE = Path(harness.__file__).parent
ADDRESSED_APART = {ENGINE / "conversion" / "conditioning.py"}
"""Whose results have an address of their own, with its hash in it."""


class Asked(Exception):
    """Carries the key that the cache was asked for."""


@pytest.fixture
def converter(tmp_path):
    return Converter(Cache(tmp_path), environment("converter"), 1)


def modules_imported_by(path):
    """The engine's modules that a file imports, at once or later."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("harness."):
            base = ENGINE.joinpath(*node.module.split(".")[1:])
            yield from (base / f"{alias.name}.py" for alias in node.names if (base / f"{alias.name}.py").exists())
            yield base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"


def test_all_that_the_worker_imports_is_in_the_address_of_what_it_gives(monkeypatch, tmp_path):
    addressed = []
    hashed = steps.sha256_tree
    monkeypatch.setattr(steps, "sha256_tree", lambda paths: addressed.extend(paths) or hashed(paths))
    Converter(Cache(tmp_path), environment("converter"), 1)
    waiting, seen = [WORKER], set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting.extend(modules_imported_by(path))
    own = {path for path in seen - ADDRESSED_APART if path.name != "__init__.py" or path.parent.name == "sources"}
    assert len(own) > 10
    assert {path for path in own if not any(path == one or one in path.parents for one in addressed)} == set()


@pytest.mark.parametrize("change", [{"options": {"another": 1}}, {"name": "another"}, {"converter": ("numpy==1.0",)}])
def test_an_artifact_is_addressed_by_the_whole_variant(converter, monkeypatch, tmp_path, change):
    def ask(kind, key, write):
        raise Asked(key)

    monkeypatch.setattr(converter, "_entry", ask)
    prepared = PreparedModel("net", "key", tmp_path, {}, "digest")
    form = registry.formats()["tflite"]
    variant = form.variant("int8")
    keys = []
    for one in (variant, variant, replace(variant, **change)):
        with pytest.raises(Asked) as asked:
            converter.convert(prepared, form, one)
        keys.append(str(asked.value))
    assert keys[0] == keys[1] != keys[2]


def test_the_first_samples_of_a_golden_are_those_of_its_inputs_outputs_and_labels():
    values = np.arange(12.0).reshape(6, 2)
    first = Golden({"x": values}, {"y": -values}, np.arange(6)).first(4)
    np.testing.assert_array_equal(first.inputs["x"], values[:4])
    np.testing.assert_array_equal(first.outputs["y"], -values[:4])
    np.testing.assert_array_equal(first.labels, np.arange(4))
    assert Golden({"x": values}, {"y": values}, None).first(4).labels is None
