"""The operators that a candidate may leave in float, each with what it loses: from `locate`'s comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.artifact import TensorInfo
from harness.locate.findings import EdgeFinding, OperatorResult
from harness.operator_outputs import Operation
from harness.tune.candidates import Operator

NOT_FINITE = 1e6
"""The noise of a result with a NaN or an infinity in it: more than any that can be told."""


def operators_of(float_operations: Sequence[Operation], finding: EdgeFinding, weight_bits: float) -> list[Operator]:
    """Each operator of the float32 artifact that has a result, in the order of execution.

    What an operator loses is the noise that its result has and that what it reads has not. A range that is bad for a
    result is bad for what reads it as well: it takes both in float to keep a result from being quantised, so that half
    of the loss counts for each reader. `weight_bits`: about what a weight takes in the quantised artifact.
    """
    own = _own_noise(finding)
    first = {operation.results[0].name: operation for operation in float_operations if operation.results}
    found = []
    for operation in first.values():
        name = operation.results[0].tensor
        read = [own.get(result.tensor, 0.0) for result in _read(operation, float_operations)]
        grows = operation.constant_bytes * max(0.0, 1.0 - weight_bits / 32.0)
        found.append(Operator(name, max([own.get(name, 0.0), *(noise / 2.0 for noise in read)]), round(grows)))
    return found


def _read(operation: Operation, operations: Sequence[Operation]) -> list[TensorInfo]:
    made = {result.name: result for other in operations for result in other.results}
    return [made[name] for name in operation.reads if name in made]


def _own_noise(finding: EdgeFinding) -> Mapping[str, float]:
    """By the tensor of a result: the noise power that its operator adds, as a share of the signal's power."""
    return {seen.result.tensor: _added(seen) for seen in finding.seen}


def _added(seen: OperatorResult) -> float:
    level = seen.comparison.sqnr_db
    if not seen.comparison.finite:
        return NOT_FINITE
    if level is None:
        return 0.0
    noise = 10.0 ** (-level / 10.0)
    before = 0.0 if seen.lost_db is None else 10.0 ** (-(level + seen.lost_db) / 10.0)
    return float(max(0.0, noise - before))
