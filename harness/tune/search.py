"""Which candidate to try next, for the least figure (bytes, time, instructions, memory) that passes everywhere.

It is pure: an oracle tries a candidate and tells which operators lose what. Whole recipes come first, from the smallest
expected. Of a recipe that fails, other choices of calibration are tried, which cost no byte, and then operators are
left in float: the least number of the worst ones that passes; then smaller sets that should do by what was learnt on
the way (`noise.py`); then single ones are given back. Nothing is tried that cannot beat what was
found by more than `RELATIVE_TOLERANCE`.

That more in float passes where less does is only the order of trying: what is recommended has been tried itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.tune.attempt import Attempt, AttemptVerdict, figure_of, infinity_if_missing
from harness.tune.candidates import Candidate, Operator
from harness.tune.noise import Noise, expected_count
from harness.variant import Recipe

RELATIVE_TOLERANCE = 0.03
"""The search stops when at most this share above the possible minimum remains. It is well within the tenth that a
search may be off, and within the size of an artifact's own tables."""

TABLES_BYTES = 16_000.0
"""Size up to which an artifact's own tables outweigh its weights, so that a finer recipe may be smaller: hello_world
takes 3,092 bytes in float32 and 3,320 in int8."""
NOISE_FACTORS = (1.0, 1.2, 1.5, 2.0, 3.0, 4.0)
"""Estimates of operators may be too pessimistic. If the sets expected to keep the limit were already tried or are
not smaller, sets expected to be this many times too noisy are tried."""
LONGEST_STEP = 4
"""After steps that doubled to this many operators beyond the expected number without success, the largest set is
tried next."""
MOST_MISSES = 3
"""After this many sets in a row were expected to pass and failed, the estimates are no longer used."""


class Oracle(Protocol):
    """What a search asks. Either may raise what ends the search (an interruption)."""

    def try_(self, candidate: Candidate) -> Attempt:
        """The outcome of a candidate: it is converted and run."""

    def operators(self, attempt: Attempt) -> Sequence[Operator]:
        """The operators of an artifact that ran, in the order of execution. Empty if its inside cannot be seen."""


class _Spent(Exception):
    """There are no conversions left."""


class _Float16Refused(Exception):
    """The first operators left in float with two bytes a weight were refused."""


@dataclass(frozen=True)
class LeastCounts:
    """The least number of operators left in float with which a candidate passes, or with which it is refused: the later
    of the two that was found; None for the other."""

    passing: int | None = None
    refused: int | None = None


@dataclass
class Search:
    """One search and what it has tried so far, in the order of trying.

    `conversions`: at most so many candidates are tried. `by_size`: the figure is the artifact's bytes, so that it is
    known beforehand which recipe is smaller, and by how much an operator in float makes it larger.
    """

    oracle: Oracle
    recipes: Sequence[Recipe]
    conversions: int
    by_size: bool = True
    on_attempt: Callable[[Attempt], None] = lambda attempt: None
    """Called with each attempt as it ends."""
    attempts: list[Attempt] = field(default_factory=list)
    complete: bool = False
    """Whether it came to its end before the conversions did."""
    halves: bool = True
    """Whether operators left in float have two bytes a weight where a recipe can store them so: until a target (Micro
    has no float16) refuses the first of them."""

    @property
    def best(self) -> Attempt | None:
        """The passing attempt with the least figure, of equals the one with the smaller error; None where none is."""
        passing = [one for one in self.attempts if one.verdict == "passed"]
        return min(passing, key=lambda one: (figure_of(one), infinity_if_missing(one.error)), default=None)

    @property
    def closest(self) -> Attempt | None:
        """The attempt that is the least beyond what is allowed, among those that ran and failed."""
        failed = [one for one in self.attempts if one.verdict == "failed"]
        return min(failed, key=lambda one: (one.beyond, infinity_if_missing(one.error), figure_of(one)), default=None)

    def run(self) -> None:
        """Try until the end, or until no conversion is left."""
        try:
            self._whole_recipes()
            for base in self._bases():
                self._repair(base)
            self.complete = True
        except _Spent:
            pass

    def _whole_recipes(self) -> None:
        for recipe in self.recipes:
            tried = self._try(Candidate(recipe))
            if tried.verdict == "refused" and tried.targets and recipe.choices:
                tried = self._try(
                    Candidate(recipe, 0)
                )  # choice 0 has float inputs and outputs, which the target may take
            if tried.verdict == "passed" and self.by_size and figure_of(tried) > TABLES_BYTES:
                return

    def _bases(self) -> list[Attempt]:
        """The whole recipes that failed and can be mended, the closest first; of related recipes only the closest.
        Empty if the finest recipe failed as well: then quantisation is not what stands in the way."""
        finest = max(self.attempts, key=lambda one: one.candidate.recipe.weight_bits, default=None)
        all_tried = {one.candidate.recipe.variant for one in self.attempts} == {one.variant for one in self.recipes}
        if finest is not None and finest.verdict == "failed" and all_tried:
            return []
        failed = [one for one in self.attempts if one.verdict == "failed"]
        able = [one for one in failed if one.candidate.recipe.float_operators_option or one.candidate.recipe.choices]
        able.sort(key=lambda one: (one.beyond, figure_of(one)))
        kin: dict[str, Attempt] = {}
        for one in able:
            kin.setdefault(one.candidate.recipe.interface_group or one.candidate.recipe.variant, one)
        return list(kin.values())

    def _repair(self, base: Attempt) -> None:
        if not self._could_beat_best(base.figure):
            return
        for index in range(len(base.candidate.recipe.choices)):
            other = self._try(Candidate(base.candidate.recipe, index))
            if other.verdict == "passed":
                return
            if other.verdict == "failed" and other.beyond < base.beyond:
                base = other
        if not base.candidate.recipe.float_operators_option:
            return
        if self.halves and self.by_size and base.candidate.recipe.float16_options:
            try:
                self._repair_inside(replace(base, candidate=replace(base.candidate, float16_weights=True)))
                return
            except _Float16Refused:
                self.halves = False
        self._repair_inside(base)

    def _repair_inside(self, base: Attempt) -> None:
        operators = self.oracle.operators(base)
        self._leave_in_float(base, sorted(operators, key=lambda one: (-one.loss, one.added_bytes)))
        self._exchange(base, operators)
        self._requantise_surplus(base, operators)

    def _leave_in_float(self, base: Attempt, ordered: Sequence[Operator]) -> None:
        """Find the least number of operators, from the first, that passes in float. One that a target refuses in float
        is passed over."""
        left: list[Operator] = []
        for one in ordered:  # one that alone costs too much keeps no other from being tried
            if self._could_beat_best(self._predicted(base, ordered, [*(other.name for other in left), one.name])):
                left.append(one)
        while left:
            least = self._least(base, left)
            if least.passing is not None or least.refused is None:
                return
            del left[least.refused - 1]

    def _least(self, base: Attempt, ordered: Sequence[Operator]) -> LeastCounts:
        """How many operators, from the worst, have to be left in float. The search begins where the losses predict the
        limit, goes on in doubling steps (at the third to the most), and halves what is left between two known counts.
        """
        most, names = len(ordered), [one.name for one in ordered]
        while most and not self._could_beat_best(self._predicted(base, ordered, names[:most])):
            most -= 1
        too_few, enough = 0, most + 1
        least = LeastCounts()
        count, step = min(max(expected_count(ordered, base.beyond), 1), most), 1
        one_failed = one_held = False
        while enough - too_few > 1:
            verdict = self._try_leaving_in_float(base, names[:count]).verdict
            if verdict == "failed":
                too_few, one_failed = count, True
            else:
                enough, one_held = count, True
                least = LeastCounts(passing=count) if verdict == "passed" else LeastCounts(refused=count)
            if one_failed and one_held:
                count = (too_few + enough) // 2
                continue
            if one_held:
                count = max(too_few + 1, enough - step)
            elif one_failed and step >= LONGEST_STEP:
                count = most  # whether any number will do is worth knowing before more are tried
            else:
                count = min(most, too_few + step)
            step *= 2
        return least

    def _exchange(self, base: Attempt, operators: Sequence[Operator]) -> None:
        """Try the smallest set of operators that should do, by all that is known of them by then, until none is left
        that would be smaller, or a few in a row have failed."""
        missed = 0
        while missed < MOST_MISSES:
            noise = Noise(operators, base, self._of(base, "passed", "failed"))
            tried = {one.candidate.name for one in self.attempts}
            sets = (noise.smallest(limit, by_size=self.by_size) for limit in NOISE_FACTORS)
            floats = next((one for one in sets if self._is_new(base, operators, one, tried)), None)
            if floats is None:
                return
            missed = 0 if self._try_leaving_in_float(base, floats).verdict == "passed" else missed + 1

    def _is_new(self, base: Attempt, operators: Sequence[Operator], floats: Sequence[str], tried: set[str]) -> bool:
        worth = self._could_beat_best(self._predicted(base, operators, floats))
        return worth and base.candidate.leaving(floats).name not in tried

    def _requantise_surplus(self, base: Attempt, operators: Sequence[Operator]) -> None:
        """Quantise again what the smallest set that passes does not need, the dearest first."""
        passing = min(self._of(base, "passed"), key=figure_of, default=None)
        if passing is None:
            return
        kept = list(passing.candidate.floats)
        chosen = [one for one in operators if one.name in kept]
        for one in sorted(chosen, key=lambda one: (-one.added_bytes, one.loss) if self.by_size else (one.loss, 0)):
            seen = not self.by_size or one.added_bytes > RELATIVE_TOLERANCE * figure_of(passing)
            without = [name for name in kept if name != one.name]
            if seen and without and self._try_leaving_in_float(base, without).verdict == "passed":
                kept = without

    def _of(self, base: Attempt, *verdicts: AttemptVerdict) -> list[Attempt]:
        """The attempts at the base itself and at it with operators in float that ended so."""
        return [
            one
            for one in self.attempts
            if one.verdict in verdicts and base.candidate.leaving(one.candidate.floats).name == one.candidate.name
        ]

    def _predicted(self, base: Attempt, operators: Sequence[Operator], floats: Sequence[str]) -> float | None:
        """The figure to be expected with these operators in float; None where nothing tells."""
        if not self.by_size or base.figure is None:
            return None
        chosen = set(floats)
        return base.figure + sum(one.added_bytes for one in operators if one.name in chosen)

    def _could_beat_best(self, least: float | None) -> bool:
        """Whether a figure that is `least` at best would be seen to be better than the best so far."""
        best = self.best
        return best is None or least is None or best.figure is None or least * (1.0 + RELATIVE_TOLERANCE) < best.figure

    def _try_leaving_in_float(self, base: Attempt, floats: Sequence[str]) -> Attempt:
        """The attempt. Raises `_Float16Refused`."""
        tried = self._try(base.candidate.leaving(floats))
        known = any(one.candidate.float16_weights and one.verdict != "refused" for one in self.attempts)
        if base.candidate.float16_weights and tried.verdict == "refused" and not known:
            raise _Float16Refused
        return tried

    def _try(self, candidate: Candidate) -> Attempt:
        """The attempt, an earlier one where it was tried before. Raises `_Spent` where no conversion is left."""
        for earlier in self.attempts:
            if earlier.candidate.name == candidate.name:
                return earlier
        if len(self.attempts) >= self.conversions:
            raise _Spent
        attempt = self.oracle.try_(candidate)
        self.attempts.append(attempt)
        self.on_attempt(attempt)
        return attempt
