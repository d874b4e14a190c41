"""Predicts what TensorFlow.js runs of a model: from a run in Node.js, and from the kernels that each bundle has."""

from __future__ import annotations

import base64
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.address import address_of
from harness.artifact import Artifact
from harness.cache import Cache, sha256_tree
from harness.errors import Unavailable
from harness.examination import Answer, Examination
from harness.model import Tensors
from harness.named_arrays import read_arrays, write_arrays
from harness.paths import cache_directory

from . import bundles
from .loader import is_layers

HERE = Path(__file__).parent
ON_PAGE = {"float32": "<f4", "int32": "<i4", "bool": "u1"}
SCRIPT = HERE / "try_in_node.cjs"
ERROR_WORDS = (HERE.parent / "browser" / "page" / "errors.mjs", HERE / "page" / "lacks.mjs")
SECONDS = 120
TRIED = "Node.js"
"""How it is known: the same bundle of the same backend ran the model, in Node.js and not in a browser."""
KERNELS = "kernels"
"""How it is known: the bundle registers every kernel that the model ran on the cpu backend."""


@dataclass(frozen=True)
class NodeRun:
    """`kernels` that one inference ran on the cpu backend; for cpu and wasm the `problems` that there were and, where
    there were none, the `outputs` by canonical name, (1, *shape) each. Nothing is known where `was_run` is False."""

    was_run: bool = False
    kernels: frozenset[str] = frozenset()
    problems: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, NDArray[Any]]] = field(default_factory=dict)


def examine(artifact: Artifact, sample: Tensors) -> Examination:
    """Weights by type, kernels by operator and backend, and for each target of this family what it lacks."""
    model = json.loads(artifact.path.read_bytes())
    weights = [weight for group in model["weightsManifest"] for weight in group["weights"]]
    types: dict[str, int] = {}
    for weight in weights:
        types[weight["dtype"]] = types.get(weight["dtype"], 0) + 1
    parameters = sum(math.prod(weight["shape"]) for weight in weights if weight["dtype"] == "float32")
    try:
        bundles.install()
    except Unavailable as unavailable:
        print(f"harness: {unavailable}", file=sys.stderr)
    if not bundles.installed():
        return Examination(parameters=parameters, types=types)
    found = run_in_node(artifact, sample)
    answers = {backend: answer(backend, artifact.operators, found) for backend in bundles.BACKENDS}
    return Examination(
        parameters=parameters,
        types=types,
        kernels=kernel_table(artifact.operators, found),
        answers=by_target({backend: known for backend, known in answers.items() if known is not None}),
    )


def answer(backend: str, operators: Collection[str], node_run: NodeRun) -> Answer | None:
    """What one backend lacks; None where neither a run nor the bundle's kernels tell."""
    kernels, registered = bundles.kernels(backend)
    without = {
        f"{kernels[name]} (operator {name})"
        for name in operators
        if name in kernels and kernels[name] not in registered
    }
    if not node_run.was_run:
        all_mapped = all(name in kernels for name in operators)
        return Answer(lacking(without, backend), KERNELS) if without or all_mapped else None
    problem = node_run.problems.get(backend, "")
    if backend in ("cpu", "wasm"):
        return Answer((problem,) if problem else (), TRIED, node_run.outputs.get(backend))
    of_cpu = node_run.problems.get("cpu", "")
    if of_cpu and "the cpu backend" not in of_cpu:  # the graph's own, wherever it runs
        return Answer((of_cpu,), TRIED)
    named = {text.split(" ")[0] for text in without}
    without |= {kernel for kernel in node_run.kernels if kernel not in registered and kernel not in named}
    if without or not of_cpu:
        return Answer(lacking(without, backend), KERNELS)
    return None


def lacking(kernels: Collection[str], backend: str) -> tuple[str, ...]:
    """Missing kernels in words."""
    return tuple(f"the {backend} backend of TensorFlow.js has no kernel {kernel}" for kernel in sorted(kernels))


def kernel_table(operators: Collection[str], node_run: NodeRun) -> dict[str, dict[str, bool]]:
    """Operator → backend → whether the backend has its kernel. An operator that comes down to several kernels is known
    where all the kernels of the graph are there that belong to no other operator."""
    table: dict[str, dict[str, bool]] = {operator: {} for operator in operators}
    for backend in bundles.BACKENDS:
        kernels, registered = bundles.kernels(backend)
        others = node_run.kernels - {kernels[name] for name in operators if name in kernels}
        whole = node_run.was_run and not node_run.problems.get("cpu")
        for operator in operators:
            if operator in kernels:
                table[operator][backend] = kernels[operator] in registered
            elif whole and others <= registered:
                table[operator][backend] = True
    return table


def by_target(answers: dict[str, Answer]) -> dict[str, Answer]:
    """The answer of each target, by the backend it runs on."""
    from .target import targets  # it imports what describes a page, which a format does without

    return {
        target.name: answers[backend] for target in targets() if (backend := getattr(target, "backend", "")) in answers
    }


def run_in_node(artifact: Artifact, sample: Tensors) -> NodeRun:
    """One inference in Node.js, where it is; done once for each artifact, sample and release of TensorFlow.js."""
    node = shutil.which("node")
    if node is None:
        return NodeRun()
    values = fed(artifact, sample)
    code = sha256_tree([SCRIPT, *ERROR_WORDS])
    key = address_of("in-node", artifact, sha256(values).hexdigest(), bundles.digest(), code)
    cache = Cache(cache_directory() / "artifacts")
    found = cache.find("in-node", key)
    if found is None:
        answer = run(node, artifact, values)
        if answer is None:
            return NodeRun()
        outputs = answer.pop("outputs")

        def write_entry(folder: Path) -> dict[str, Any]:
            for backend, told in outputs.items():
                arrays = read_outputs(artifact, told or ())
                write_arrays(folder / f"{backend}.npz", arrays)
            return answer

        found = cache.make("in-node", key, write_entry)
    values_of = {path.stem: read_arrays(path) for path in sorted(found.folder.glob("*.npz"))}
    return NodeRun(True, frozenset(found.facts["kernels"]), found.facts["problems"], values_of)


def read_outputs(artifact: Artifact, told: Sequence[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """What the script gave as outputs, by canonical name, (1, *shape) each; nothing where it is not of the types that
    the artifact says."""
    if [one["dtype"] for one in told] != [info.dtype for info in artifact.outputs]:
        return {}
    return {
        info.name: np.frombuffer(base64.b64decode(one["data"]), ON_PAGE[one["dtype"]]).reshape(1, *one["shape"])
        for info, one in zip(artifact.outputs, told, strict=True)
    }


def fed(artifact: Artifact, sample: Tensors) -> bytes:
    """The values of all inputs, one after another, each of the type that it has on a page."""
    parts = (np.ascontiguousarray(sample[info.name], ON_PAGE[info.dtype]).tobytes() for info in artifact.inputs)
    return b"".join(parts)


def run(node: str, artifact: Artifact, values: bytes) -> dict[str, Any] | None:
    """What the script says; None where it does not come to an answer."""
    asked = {
        "model": str(artifact.path),
        "bundles": str(bundles.directory()),
        "library": "layers" if is_layers(artifact.path) else "converter",
        "inputs": [{"tensor": i.tensor, "dtype": i.dtype, "shape": i.shape} for i in artifact.inputs],
        "outputs": [info.tensor for info in artifact.outputs],
    }
    try:
        done = subprocess.run(
            [node, str(SCRIPT), json.dumps(asked)], capture_output=True, input=values, timeout=SECONDS, check=False
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        print(f"TensorFlow.js in Node.js: {error}", file=sys.stderr)
        return None
    return answer
