"""The operators that a candidate may leave in float, each with what it loses: from `locate`'s comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.locate.findings import EdgeFinding, OperatorResult
from harness.operator_outputs import OperatorNode
from harness.tune.candidates import Candidate, Operator

NOT_FINITE = 1e6
"""The noise of a result with a NaN or an infinity in it: more than any that can be told."""


def operators_of(
    float_operations: Sequence[OperatorNode], finding: EdgeFinding, candidate: Candidate
) -> list[Operator]:
    """Each operator of the float32 artifact that has a result and that the candidate's recipe quantises, in the order
    of execution.

    What an operator loses is the noise that its result has and that what it reads has not. The cause may lie in the
    range of what it reads, which stays quantised unless the operator that makes it is in float as well; and a range
    that is bad for a result is bad for its readers. So half of a loss counts for each neighbour. A recipe of weights
    alone gives results no range, and leaves what has no float constants as it is.
    """
    recipe, bits_in_float = candidate.recipe, 16.0 if candidate.float16_weights else 32.0
    own = _own_noise(finding)
    first = {operation.results[0].name: operation for operation in float_operations if operation.results}
    makers = {result.name: operation for operation in first.values() for result in operation.results}
    losses = {name: own.get(operation.results[0].tensor, 0.0) for name, operation in first.items()}
    shared = dict(losses)
    for name, operation in first.items() if not recipe.weights_alone else ():
        for maker in (makers[read].results[0].name for read in operation.reads if read in makers):
            shared[name] = max(shared[name], losses[maker] / 2.0)
            shared[maker] = max(shared[maker], losses[name] / 2.0)
    return [
        Operator(
            operation.results[0].tensor,
            shared[name],
            round(operation.constant_bytes * max(0.0, bits_in_float - recipe.weight_bits) / 32.0),
        )
        for name, operation in first.items()
        if operation.constant_bytes or not recipe.weights_alone
    ]


def _own_noise(finding: EdgeFinding) -> Mapping[str, float]:
    """Noise power that each operator adds, as a share of the signal's power, by the tensor of its result."""
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
