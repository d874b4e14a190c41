"""A project in a folder of its own, driven by the real command line, with faults put into what conversion wrote."""

import json
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np

from harness import registry
from harness.cache import hash_files, sha256_file
from harness.conversion.golden import read_golden
from harness.project import model_entries
from tests.caches import new_cache
from tests.harness.fakes.command import in_this_process

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
ENTRY_POINT = "[harness.targets]\nfaulty = faulty_runtime:targets\n"


@contextmanager
def installed(*folders, **variables):
    """Meanwhile, packages in these folders are installed, with the targets that they bring under these environment
    variables. TensorFlow's own interpreter is not: each faulty case would ask it beside LiteRT and Micro, and it takes
    5 s of processor to start."""
    with mock.patch.object(sys, "path", [*map(str, folders), *sys.path]), mock.patch.dict(os.environ, variables):
        registry.installed_targets.cache_clear()
        registry.installed_targets().pop("tflite/tensorflow")
        try:
            yield
        finally:
            registry.installed_targets.cache_clear()


class Project:
    """`harness.toml`, cache and results in one folder; the faulty runtimes are installed in it."""

    def __init__(self, folder, toml, cache=None):
        self.folder, self.cache = folder, cache or new_cache(folder / "cache")
        (folder / "harness.toml").write_text(toml)
        about = folder / "packages" / "faulty_runtime-1.0.dist-info"
        about.mkdir(parents=True, exist_ok=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty-runtime\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(ENTRY_POINT)

    def harness(self, *arguments, **variables):
        """`harness ARGUMENTS` as a person runs it; `variables` are of its environment."""
        with installed(HERE, self.folder / "packages", **variables):
            return in_this_process(self.folder, *arguments, HARNESS_CACHE=str(self.cache))

    def run(self, *arguments, **variables):
        """`harness run`, and the record that it wrote."""
        done = self.harness("run", *arguments, **variables)
        records = sorted((self.folder / "results" / "runs").glob("*.json"))
        assert records, done.stderr
        return done.returncode, json.loads(records[-1].read_text())

    def gate(self, *arguments, **variables):
        """`harness gate --json`: exit code, and case to rule to message of what is broken."""
        done = self.harness("gate", "--json", *arguments, **variables)
        assert done.returncode in (0, 1), done.stderr
        broken = {
            case["case"]: {check["rule"]: check["message"] for check in case["checks"] if not check["passed"]}
            for case in json.loads(done.stdout)["cases"]
        }
        return done.returncode, {case: rules for case, rules in broken.items() if rules}

    def put_in(self, key, fault):
        """Have the converted artifact with that key be what a faulty conversion would have written: other bytes, and a
        manifest that vouches for them."""
        folder = self.cache / "artifacts" / "converted" / key
        manifest = json.loads((folder / "manifest.json").read_text())
        path = folder / manifest["facts"]["entry"]
        path.write_bytes(fault(path.read_bytes()))
        manifest["files"] = [file.model_dump() for file in hash_files(folder)]
        assert any(file["sha256"] == sha256_file(path) for file in manifest["files"])
        (folder / "manifest.json").write_text(json.dumps(manifest))


def digits(converter):
    """The zoo's digits_cnn as a SavedModel, with its golden inputs and labels as arrays."""
    prepared = converter.prepare(model_entries(REPOSITORY)["digits_cnn"])
    golden = read_golden(prepared.golden_path)
    return prepared.folder / "saved_model", {**golden.inputs, "labels": golden.labels}


def copy_of(saved_model, arrays, folder, name):
    """A model of the project's own: its folder, its data, and its table for harness.toml. Copies under different names
    have artifacts of their own."""
    shutil.copytree(saved_model, folder / name)
    np.savez(folder / f"{name}.npz", **arrays)
    return f'[models.{name}]\npath = "{name}"\ndata = "{name}.npz"\ntask = "classification"\n'
