"""Fakes in this process, any step of which raises what a test wants: no child, so a run takes milliseconds."""

from contextlib import contextmanager

import numpy as np

from harness.target import DEFAULT_LIMITS, Footprint, Readiness, Session, Target, Timing
from tests.harness.fakes.converter import FakeConverter

CONVERTER_STEPS = ("convert.prepare", "convert.convert", "convert.reference")
TARGET_STEPS = ("probe", "prepare", "fingerprint", "unsupported_operators", "open", "infer", "footprint", "time", "end")
"""In the order in which a run takes them; `end` is the end of a session."""


class Faults:
    """What is raised where: step and model (None for any) to an exception."""

    def __init__(self, step="", error=None, model=None):
        self.step, self.error, self.model = step, error, model

    def at(self, step, model=None):
        if step == self.step and (self.model is None or model is None or model == self.model):
            raise self.error


class RaisingConverter(FakeConverter):
    def __init__(self, folder, faults):
        super().__init__(folder)
        self.faults = faults

    def prepare(self, entry):
        self.faults.at("convert.prepare", entry.name)
        return super().prepare(entry)

    def convert(self, prepared, form, variant):
        self.faults.at("convert.convert", prepared.model)
        return super().convert(prepared, form, variant)

    def reference(self, prepared, artifact, form):
        self.faults.at("convert.reference", prepared.model)
        return super().reference(prepared, artifact, form)

    def close(self):
        self.faults.at("convert.close")


class RaisingSession(Session):
    def __init__(self, target, artifact):
        self.target, self.artifact = target, artifact

    def infer(self, samples):
        self.target.faults.at("infer", self.artifact.model)
        return {"y": samples["x"] * np.float32(2)}

    def time(self, samples, plan):
        self.target.faults.at("time", self.artifact.model)
        return Timing(samples_ns=np.full(100, 1_000_000, np.int64), first_ns=2_000_000)

    def footprint(self):
        self.target.faults.at("footprint", self.artifact.model)
        return Footprint({"arena_bytes": 64}, frozenset({"arena_bytes"}))


class RaisingTarget(Target):
    format = "fake"
    default_variants = ("float32",)

    def __init__(self, name="fake/sound", faults=None):
        self.name, self.faults = name, faults or Faults()

    def probe(self):
        self.faults.at("probe")
        return Readiness(True)

    def prepare(self):
        self.faults.at("prepare")

    def fingerprint(self):
        self.faults.at("fingerprint")
        return {"version": "1"}

    def unsupported_operators(self, artifact):
        self.faults.at("unsupported_operators", artifact.model)
        return ()

    @contextmanager
    def open(self, artifact, limits=DEFAULT_LIMITS):
        self.faults.at("open", artifact.model)
        yield RaisingSession(self, artifact)
        self.faults.at("end", artifact.model)
