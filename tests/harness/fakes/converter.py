"""A converter of one model, y = 2·x, without TensorFlow."""

from pathlib import Path

import numpy as np

from harness.artifact import Artifact, TensorInfo
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.reference import Reference
from harness.conversion.source import Source
from harness.errors import Unsupported
from harness.variant import Format, Variant

FAKE_FORMAT = Format("fake", (Variant("float32", "as it is"), Variant("int8", "smaller")), converter=None)


def entry(name="double", problem=""):
    return ModelEntry(name, "twice its input", "regression", Source("zoo", Path(__file__)), True, problem)


class FakeConverter:
    def __init__(self, folder, refuse=None):
        self.folder = folder
        self.refuse = refuse or {}
        self.calls = []
        self.alternatives = {}
        """What other runtimes multiply their input by; those that are not named do not run the model."""

    def prepare(self, entry):
        self.calls.append(("prepare", entry.name))
        if ("prepare", entry.name) in self.refuse:
            raise self.refuse[("prepare", entry.name)]
        folder = self.folder / entry.name
        folder.mkdir(parents=True, exist_ok=True)
        x = np.linspace(-1, 1, 128 * 4, dtype=np.float32).reshape(128, 1, 4)
        np.savez(folder / "golden.npz", **{"in:x": x, "out:y": 2 * x})
        np.savez(folder / "outputs.npz", y=2 * x)
        return PreparedModel(
            entry.name, "key", folder, {"samples": 128, "recognised": "a fake"}, "golden", budget=entry.budget
        )

    def convert(self, prepared, form, variant):
        self.calls.append(("convert", prepared.model, variant.name))
        if ("convert", variant.name) in self.refuse:
            raise self.refuse[("convert", variant.name)]
        info = {"index": 0, "shape": (1, 4), "dtype": "float32"}
        return Artifact(
            model=prepared.model,
            format=form.name,
            variant=variant.name,
            key="key",
            digest=f"{prepared.model}{variant.name}",
            entry="model.fake",
            files=(),
            inputs=(TensorInfo(name="x", tensor="x", **info),),
            outputs=(TensorInfo(name="y", tensor="y", **info),),
            operators={"MUL": 1},
            converter={"fake": "1"},
            directory=prepared.folder,
        )

    def reference(self, prepared, artifact, form):
        return Reference("fake reference", prepared.folder / "outputs.npz", "reference")

    def opinion(self, prepared, artifact, name):
        self.calls.append(("opinion", name))
        factor = self.alternatives.get(name)
        if factor is None:
            raise Unsupported(f"{name} does not run it.")
        path = prepared.folder / f"{name.replace('/', '.')}.npz"
        with np.load(prepared.golden_path) as golden:
            np.savez(path, y=factor * golden["in:x"])
        return Reference(name, path, f"{name} {factor}", name)

    def conditioning(self, prepared, artifact, form, reference):
        return None

    def at(self, elsewhere):
        return self

    def close(self):
        self.calls.append(("close",))
