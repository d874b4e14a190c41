"""What TensorFlow.js will say to a graph model: kernels per backend, from the bundles and a run in Node.js."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.artifact import Artifact
from harness.assess.examination import Examination, Trial
from harness.errors import Unavailable

from . import bundles
from .loader import is_layers

SCRIPT = Path(__file__).with_name("kernels_used.cjs")
SECONDS = 120


def examine(artifact: Artifact, trials: bool = True) -> Examination:
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
    if is_layers(artifact.path) or not bundles.installed():
        return Examination(parameters=parameters, types=types)
    used, error = kernels_used(artifact.path) if trials else (frozenset(), "")
    table: dict[str, dict[str, bool]] = {operator: {} for operator in artifact.operators}
    missing: dict[str, tuple[str, ...]] = {}
    for backend in bundles.BACKENDS:
        operators, registered = bundles.kernels(backend)
        without = [name for name in artifact.operators if name in operators and operators[name] not in registered]
        lacking = {f"{operators[name]} (operator {name})" for name in without}
        named = {text.split(" ")[0] for text in lacking}
        lacking |= {kernel for kernel in used if kernel not in registered and kernel not in named}
        if error and backend == "cpu":
            lacking.add(error)
        for operator in artifact.operators:
            if operator in operators:
                table[operator][backend] = operators[operator] in registered
            elif used and not error:  # the whole graph ran, and these are all its kernels
                table[operator][backend] = used <= registered
        missing[backend] = tuple(sorted(lacking))
    trial = Trial("TensorFlow.js cpu in Node.js", not error, error)
    return Examination(
        parameters=parameters, types=types, kernels=table, missing=by_target(missing), trials=(trial,) if trials else ()
    )


def by_target(missing: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What each target lacks, by the backend it runs on."""
    from .target import targets  # it imports what describes a page, which a format does without

    found = {}
    for target in targets():
        backend: Any = getattr(target, "backend", None)
        if backend in missing:
            found[target.name] = tuple(f"no kernel {lack} on {backend}" for lack in missing[backend])
    return found


def kernels_used(path: Path) -> tuple[frozenset[str], str]:
    """The kernels that one inference runs, and what TensorFlow.js says where it cannot finish."""
    node = shutil.which("node")
    if node is None:
        return frozenset(), ""
    command = [node, str(SCRIPT), str(path), str(bundles.directory())]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL, check=False
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        print(f"TensorFlow.js in Node.js: {error}", file=sys.stderr)
        return frozenset(), ""
    return frozenset(answer["kernels"]), " ".join(answer.get("error", "").split())[:300]
