"""What the functions of a graph model return: references to nodes that are there, or the model is wrong.

Runs in the converter's environment, beside `converter.py`. tensorflowjs 4.22 renames the constants of a function and
leaves the function's `ret` as it was, so that a branch which returns a constant loses that output: TensorFlow.js passes
over a reference that leads nowhere, and the outputs after it move up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .model_json import read_model


def restore_returns(path: Path) -> None:
    """Have functions return the constants that tensorflowjs renamed, by their new names."""
    model = read_model(path)
    lost = list(returns_of_nothing(model["modelTopology"]))
    for function, output, reference in lost:
        renamed = f"{function['signature']['name']}/{reference}"
        if renamed.split(":")[0] in names(function):
            function["ret"][output] = renamed
    if lost:
        path.write_text(json.dumps(model))


def returns_of_nothing(topology: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Each function, output and reference that leads to no node of the function and to no argument of it."""
    for function in topology.get("library", {}).get("function", []):
        known = names(function)
        for output, reference in function.get("ret", {}).items():
            if reference.split(":")[0] not in known:
                yield function, output, reference


def names(function: Mapping[str, Any]) -> set[str]:
    """Nodes and arguments of a function."""
    arguments = function["signature"].get("inputArg", [])
    return {node["name"] for node in [*function.get("nodeDef", []), *arguments]}
