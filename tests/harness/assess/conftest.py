"""Assessments of real models, each made once, in a project and a cache of their own."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from harness import registry
from harness.assess.assess_model import assess_model
from harness.assess.assessment import Assessment
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared_model import PreparedModel
from harness.project import model_entries
from harness.run.pool import SilentProgress
from harness.variant import READY

ENTRIES = Path(__file__).with_name("entries.py")
FORMATS = registry.formats()


class Assessed(NamedTuple):
    """An assessment and what it was made of."""

    found: Assessment
    entry: ModelEntry
    prepared: PreparedModel


@pytest.fixture(scope="session")
def assessment(converter, litert_python, tflite_runtime_python, tflite_micro_python, tmp_path_factory):
    """The assessment of an entry point, or of a file where the name has a slash; `data` gives its inputs, `only` the
    variants where not all are worth their time."""
    project = tmp_path_factory.mktemp("project")
    (project / "entries.py").write_text(ENTRIES.read_text())
    known = {}

    def assessment(source, only=None, **data):
        if source not in known:
            lines = ["[models.it]", f'path = "{source}"' if "/" in source else f'entry = "entries:{source}"']
            if data:
                np.savez(project / "data.npz", **data)
                lines.append('data = "data.npz"')
            (project / "harness.toml").write_text("\n".join(lines))
            entry = model_entries(project)["it"]
            formats = {
                name: replace(form, variants=tuple(v for v in form.variants if only is None or v.name in only))
                for name, form in FORMATS.items()
            }
            found = assess_model(entry, converter, registry.targets(), formats, SilentProgress())
            known[source] = Assessed(found, entry, converter.prepare(entry))
        return known[source]

    return assessment


@pytest.fixture(scope="session")
def assessed(assessment):
    """The same, the assessment alone."""
    return lambda source: assessment(source).found


@pytest.fixture(scope="session")
def converted(converter):
    """The artifact of a variant of an assessed model: it is in the cache."""

    def converted(model, form, variant):
        chosen = READY if variant == READY.name else FORMATS[form].variant(variant)
        return converter.convert(model.prepared, FORMATS[form], chosen)

    return converted
