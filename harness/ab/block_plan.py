"""How much is measured before a verdict: rounds of fresh processes, blocks in a round, invocations in a block."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BlockPlan:
    """Sizes and limits of a timing in blocks. The defaults were measured on a shared two-core machine under load 6
    (ResNet8, DS-CNN, an autoencoder; LiteRT):

    - a *block* of about 3 ms gave log-ratios twice as stable as one of 0.6 ms, for the same time overall;
    - two processes with the same file differ by a bias of their own, with a standard deviation of 0.1 to 0.9 %, which
      more blocks never average away and more *rounds* (each with fresh processes) do: hence six.
    """

    rounds: int = 6
    most_rounds: int = 24
    """Rounds that are run at most, if `rounds` leave the verdict open and `stage_seconds` allow more: beside other
    work they are needed."""
    fewest_rounds: int = 3
    """Rounds that are run even if the time is up."""
    blocks: int = 20
    """Pairs of blocks in a round, in random order."""
    fewest_blocks: int = 6
    """Blocks that are run even if one invocation takes long."""
    block_ms: float = 3.0
    """Milliseconds of a block: it has as many invocations as take about this long, at least `iterations` unless they
    are slow."""
    iterations: int = 5
    most_iterations: int = 1000
    warm_up_ms: float = 60.0
    """Milliseconds that each side runs before the first block, and at least twenty invocations (wasm settles after
    twenty)."""
    stage_seconds: float = 24.0
    """Seconds after which no further round is begun. A confirmation has as many again. Both stay under a minute."""
    round_seconds: float = 6.0
    """Seconds of a round. A round that would take longer gets fewer blocks."""
    margin: float = 0.02
    """Share by which the new side may be slower without a red light. Measured (docs/measured-facts.md): with 2 %, no
    false alarm in 201 A/A trials, and 96 of 100 found at +5 %."""
    confidence: float = 0.95
    kernels: bool = False
    """Whether a GPU's own timers give the times, in place of a clock that waits for the data."""
    seed: int | None = None
    """Seed of the order of the blocks. None: a new seed each time (the bootstrap has its own fixed seed)."""


DEFAULT_PLAN = BlockPlan()


def iterations_of(plan: BlockPlan, median_ms: float) -> int:
    """Invocations in a block: as many as fill `block_ms`; slow ones get fewer than `iterations`, at least one."""
    if median_ms * plan.iterations > 20.0 * plan.block_ms:
        return max(1, min(plan.iterations, round(20.0 * plan.block_ms / median_ms)))
    return min(plan.most_iterations, max(plan.iterations, round(plan.block_ms / median_ms)))


def blocks_of(plan: BlockPlan, iterations: int, median_ms: float) -> int:
    """Pairs of blocks in a round, so that it ends within `round_seconds` if at all possible.

    Each block also has one invocation that does not count (caches come back) and some milliseconds of its own.
    """
    pair_seconds = 2.0 * ((iterations + 1) * median_ms + 8.0) / 1000.0
    return max(plan.fewest_blocks, min(plan.blocks, int(plan.round_seconds / pair_seconds)))
