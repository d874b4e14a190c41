"""A chain of three operators, y = 2·x, in place of converter and target: each shows its inside, and may err in any."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness.artifact import TensorInfo
from harness.conversion.reference import Reference
from harness.errors import Crashed, Unsupported
from harness.gate.policy import Policy
from harness.isolation import Isolation, derive_artifact, renumbered
from harness.locate.locator import Locator
from harness.operator_outputs import OperatorNode, OperatorOutputs, with_outputs
from harness.reproduction import Repeated, Reproduction
from harness.run.matrix import Case
from harness.target import Session
from harness.variant import READY
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.target import FakeTarget

STEPS = (("SCALE", lambda x: 4 * x), ("SHIFT", lambda x: x + 1), ("HALVE", lambda x: (x - 1) / 2))
"""y = 2·x, as the fake converter's model has it."""


def inside(index):
    return TensorInfo(name=f"@{index}.0", tensor=f"model/{index}", index=0, shape=(1, 4), dtype="float32")


def operations(artifact):
    results = [inside(0), inside(1), artifact.outputs[0]]
    return tuple(
        OperatorNode(index, name, (results[index],), (results[index - 1].name,) if index else ())
        for index, (name, _) in enumerate(STEPS)
    )


def alone(artifact, operation, reads, folder):
    (folder / "model.fake").write_text(operation.operator)
    outputs = renumbered(operation.results, "output")
    operators = {operation.operator: 1}
    return derive_artifact(artifact, folder, inputs=renumbered(reads, "input"), outputs=outputs, operators=operators)


def bare(artifact, folder):
    (folder / "model.fake").write_text("the chain")
    return derive_artifact(artifact, folder)


def without_weights(artifact, folder):
    (folder / "model.fake").write_text("random")
    return derive_artifact(artifact, folder, scheme="random")


ISOLATION = Isolation(
    lambda artifact, operation: (inside(operation.index - 1) if operation.index else artifact.inputs[0],),
    alone,
    bare,
    without_weights,
)
FORMAT = replace(
    FAKE_FORMAT,
    operator_outputs=OperatorOutputs(operations, lambda artifact, results, _: with_outputs(artifact, results)),
    isolation=ISOLATION,
)


def computed(x, faults=None):
    """Result name → values; `faults`: what is added to an operator's result."""
    values, results = x, {}
    for index, (name, step) in enumerate(STEPS):
        values = (step(values) + np.float32((faults or {}).get(name, 0))).astype(np.float32)
        results["y" if index == len(STEPS) - 1 else f"@{index}.0"] = values
    return results


def answered(artifact, inputs, faults):
    """The outputs of the chain, or of the one operator that an artifact is."""
    if "x" in inputs:
        results = computed(inputs["x"], faults)
        return {info.name: results[info.name] for info in artifact.outputs}
    (name,) = artifact.operators
    values = dict(STEPS)[name](inputs["input_0"]) + np.float32((faults or {}).get(name, 0))
    return {"output_0": values.astype(np.float32)}


class ChainConverter(FakeConverter):
    """Its `int8` loses something in SHIFT; `faults` are those of its reference."""

    faults: ClassVar = {}

    def reference(self, prepared, artifact, form, cache=None):
        assert cache is not None, "what is looked at once is not worth keeping"
        with np.load(prepared.golden_path) as golden:
            inputs = {name[3:]: golden[name] for name in golden.files if name.startswith("in:")}
        self.samples = len(next(iter(inputs.values())))
        lossy = {"SHIFT": 0.5} if artifact.variant == "int8" else {}
        path = prepared.folder / f"{artifact.digest}.npz"
        np.savez(path, **answered(artifact, inputs, {**lossy, **self.faults}))
        return Reference("the reference", path, "digest")

    def opinion(self, prepared, artifact, name, cache=None):
        with np.load(prepared.golden_path) as golden:
            inputs = {name[3:]: golden[name] for name in golden.files if name.startswith("in:")}
        path = prepared.folder / f"{name.replace('/', '.')}.{artifact.digest}.npz"
        np.savez(path, **answered(artifact, inputs, {}))
        return Reference(name, path, name, name)


class ChainSession(Session):
    def __init__(self, artifact, faults):
        self.artifact, self.faults = artifact, faults

    def infer(self, samples):
        return answered(self.artifact, samples, self.faults)

    def time(self, samples, plan):
        raise AssertionError("nothing is timed")


class ChainTarget(FakeTarget):
    """Computes the chain; shows at most `room` outputs at once, and `hidden` never; fuses where nobody looks.
    `dies`: of which signal, at any inference. `repeats`: how its script ends, by what the model's file holds; 1 where
    it is not named. `sees_death`: whether that script tells of a process that dies."""

    def __init__(
        self, faults=None, *, room=9, hidden=(), fused=0.0, crash=False, refuses="", repeats=None, dies="", **more
    ):
        self.sees_death = more.pop("sees_death", True)
        super().__init__("fake/chain", **more)
        self.dies = dies
        self.refuses, self.repeats = refuses, repeats or {}
        self.faults, self.room, self.hidden, self.fused, self.crash = faults or {}, room, hidden, fused, crash

    @contextmanager
    def open(self, artifact, limits=None):
        self.opened += 1
        names = {info.name for info in artifact.outputs}
        if self.refuses and len(names) > 1:
            raise Unsupported(self.refuses)
        if len(names) > self.room or names & set(self.hidden):
            raise Unsupported("No room.")
        if self.crash and len(names) > 1:
            raise Crashed("It died.")
        if self.dies:
            raise Crashed(f"fake/chain died of {self.dies} during 'infer'.")
        fused = {"HALVE": self.fused} if self.fused and names == {"y"} else {}
        faults = {} if artifact.scheme == "random" else {**self.faults, **fused}
        yield ChainSession(artifact, faults)

    def reproduction(self, artifact):
        def repeat(folder):
            status = self.repeats.get((folder / "model.fake").read_text(), 1)
            return Repeated(status, f"The fault shows{'' if status else ' not'}.\n")

        return Reproduction(
            runtime_name="chain 1.0",
            write=lambda folder: Path(folder, "repeat.py").write_text("print()"),
            repeat=repeat,
            packages={"chain": "1.0"},
            instructions=("python repeat.py",),
            reports_crash=self.sees_death,
        )


def locator(folder, target=None, variant="float32", form=FORMAT, samples=4, rules=()):
    """A locator of the chain's case, and its converter."""
    chosen = READY if variant == READY.name else form.variant(variant)
    (folder / "scratch").mkdir()
    converter = ChainConverter(folder)
    case = Case(entry(), form, chosen, target or ChainTarget())
    return Locator(case, converter, Policy().with_rules(*rules), samples, folder / "scratch"), converter
