"""TensorFlow's own outputs, each sample from fresh state; and what is wrong with them before anything is compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.conversion.sources.export import SIGNATURE
from harness.conversion.sources.request import BadSource
from harness.ragged import sizes_name, split_samples
from harness.ragged import stack_samples as stacked_by_size

WRITES = re.compile(r"Assign|^Resource.*(Scatter|Apply|Sparse)|^RngReadAndSkip$|^Stateful(?!PartitionedCall$)")
"""Operators that change a variable: what the model computes next depends on what it computed before."""
TABLES = re.compile(r"^Mutable.*Table|Queue|^Stack(Push|Pop)|^Barrier")
"""Operators on state that is no variable."""
TRIED_AGAIN = 3
REPEATS = 1e-4
"""A source repeats itself where its outputs are within this share of their largest value: 80 dB, what two float32
runtimes may differ by at most (`docs/gates.md`). TensorFlow's kernels on one thread repeat to the bit."""

Sample = dict[str, Any]
Invoke = Callable[[Sample], Sample]


def run(saved_model: Path, inputs: Mapping[str, Any], *, sequence: bool = False) -> dict[str, Any]:
    """TensorFlow's outputs, one sample at a time: arrays shaped (samples, *output shape), as `harness.ragged` keeps
    them where their size depends on the data.

    Each sample starts from fresh state, unless `sequence` says that they are one stream. Raises `BadSource` where the
    outputs of two samples differ in more than one axis.
    """
    with_state = started(saved_model, sequence=sequence)
    collected: dict[str, list[Any]] = {}
    for sample in samples_of(inputs):
        for name, value in with_state(sample).items():
            collected.setdefault(name, []).append(value)
    return {key: array for name, values in collected.items() for key, array in stacked(name, values).items()}


def stacked(name: str, values: list[Any]) -> dict[str, Any]:
    """One output of all samples, with its sizes where they depend on the data. Raises `BadSource`, with what can be
    done, where more than one axis does."""
    shapes = sorted({np.shape(value) for value in values})
    ranks = {len(shape) for shape in shapes}
    if len(ranks) > 1 or np.count_nonzero(np.ptp(np.array(shapes), axis=0)) > 1:
        raise BadSource(
            f"the size of its output '{name}' depends on the data in more than one axis ({shapes[0]} in one sample, "
            f"{shapes[-1]} in another), and only outputs that vary in one are compared; pad it within the model."
        )
    return stacked_by_size(name, values)


def samples_of(inputs: Mapping[str, Any]) -> Iterator[Sample]:
    """Each sample's inputs by name."""
    for sample in range(len(next(iter(inputs.values())))):
        yield {name: values[sample] for name, values in inputs.items()}


def started(saved_model: Path, *, sequence: bool) -> Invoke:
    """The model's signature as a function of one sample. Variables that it may change are set back before each call,
    unless it is a `sequence`; where it keeps state in anything else, it is loaded again."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved_model))  # held, as its functions do not hold its variables
    function = loaded.signatures[SIGNATURE]
    kinds = kept_in(function)
    first = [(variable, variable.numpy()) for variable in function.variables] if "variables" in kinds else []

    def invoke(sample: Sample) -> Sample:
        nonlocal loaded, function
        if "tables" in kinds and not sequence:
            loaded = tf.saved_model.load(str(saved_model))
            function = loaded.signatures[SIGNATURE]
        elif not sequence:
            for variable, value in first:
                variable.assign(value)
        results = function(**{name: tf.constant(values) for name, values in sample.items()})
        return {name: value.numpy() for name, value in results.items()}

    return invoke


def kept_in(function: Any) -> set[str]:
    """`variables` that the function changes, `tables` and queues that it has; empty for one without state."""
    graph = function.graph.as_graph_def()
    operators = {node.op for node in graph.node}
    operators |= {node.op for inner in graph.library.function for node in inner.node_def}
    found = set()
    if function.variables and any(WRITES.search(operator) for operator in operators):
        found.add("variables")
    if any(TABLES.search(operator) for operator in operators):
        found.add("tables")
    return found


def fault(saved_model: Path, inputs: Mapping[str, Any], outputs: Mapping[str, Any], *, sequence: bool = False) -> str:
    """What is wrong with TensorFlow's own outputs, in one sentence; empty where they can be compared with.

    `outputs`: of `run`. The first samples are run again, from a start of their own.
    """
    return not_a_number(outputs, "TensorFlow's own output") or not_repeated(
        started(saved_model, sequence=sequence), inputs, outputs
    )


def not_a_number(outputs: Mapping[str, Any], whose: str) -> str:
    """A sentence that an output has a NaN, and what to do; empty if none has. An infinity is a value that can be
    compared."""
    for name, values in outputs.items():
        if values.dtype.kind != "f":
            continue
        bad = np.isnan(values).reshape(len(values), -1).any(axis=1)
        if bad.any():
            return (
                f"{whose} '{name}' is NaN in {int(bad.sum())} of {len(bad)} samples, first in sample "
                f"{int(bad.argmax())}, before anything was converted, and nothing can be compared with a NaN; give "
                "inputs that the model is for with `data`."
            )
    return ""


def not_repeated(invoke: Invoke, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
    """A sentence that the source gives other outputs for the same inputs, and what to do; empty if it repeats
    itself."""
    for place, sample in zip(range(TRIED_AGAIN), samples_of(inputs), strict=False):
        for name, again in invoke(sample).items():
            before = sample_of(outputs, name, place)
            if before.shape != np.shape(again):
                return (
                    f"TensorFlow's own output '{name}' does not repeat itself: run again on sample {place} it is "
                    f"shaped {np.shape(again)} and not {before.shape}, so that nothing can be compared with "
                    "it; take what is random out of the model, or make its seed a part of it."
                )
            apart, largest = difference(before, again)
            if not apart <= REPEATS * largest:
                return (
                    f"TensorFlow's own output '{name}' does not repeat itself: run again on sample {place} it is off "
                    f"by {apart:.3g} where its largest value is {largest:.3g}, so that nothing can be compared with "
                    "it; take what is random out of the model, or make its seed a part of it."
                )
    return ""


def sample_of(outputs: Mapping[str, Any], name: str, index: int) -> Any:
    """One sample of one output."""
    return split_samples(
        {key: outputs[key][index : index + 1] for key in (name, sizes_name(name)) if key in outputs}, name
    )[0]


def difference(before: Any, again: Any) -> tuple[float, float]:
    """How far two outputs are apart at most, and the largest finite magnitude of the first; not finite where one is
    infinite or NaN and the other is something else. Zeros for what are no real numbers."""
    if before.dtype.kind not in "biuf" or before.size == 0:
        return 0.0, 0.0
    one, two = before.astype(np.float64), again.astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.where((one == two) | (np.isnan(one) & np.isnan(two)), 0.0, np.abs(one - two))
    return float(apart.max()), float(np.abs(np.where(np.isfinite(one), one, 0.0)).max())
