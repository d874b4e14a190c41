"""A candidate: a variant of the project's own that a search may try, and what is known of it before."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.variant import READY, Format, Recipe, Variant


@dataclass(frozen=True)
class Candidate:
    """One way down: a recipe, whole or with some operators left in float, and perhaps another choice of calibration."""

    recipe: Recipe
    choice: int | None = None
    """Which of the recipe's choices; None for its own."""
    floats: tuple[str, ...] = ()
    """The operators left in float, by the tensors of their first results, in alphabetical order."""

    float16_weights: bool = False
    """Whether those have their weights in two bytes each."""

    @property
    def options(self) -> dict[str, Any]:
        """What it changes of the recipe's options."""
        changed = dict(self.recipe.choices[self.choice]) if self.choice is not None else {}
        if self.floats:
            changed |= {self.recipe.float_operators_option: list(self.floats)} | (
                dict(self.recipe.float16_options) if self.float16_weights else {}
            )
        return changed

    def leaving(self, operators: Sequence[str]) -> Candidate:
        """This candidate with these operators in float, and no others."""
        return replace(self, floats=tuple(sorted(operators)))

    @property
    def name(self) -> str:
        """The variant's name: the recipe's, or that with the number of operators in float and a hash of what it
        changes, so that it is the same in every search."""
        changed = self.options
        if not changed:
            return self.recipe.variant
        digest = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:6]
        return f"{self.recipe.variant}.{f'float{len(self.floats)}' if self.floats else 'choice'}-{digest}"

    @property
    def label(self) -> str:
        """What it is, for a table: `int8, 3 operators in float`."""
        said = [self.recipe.variant]
        if self.choice is not None:
            chosen = self.recipe.choices[self.choice]
            said.append(", ".join(f"{key} = {json.dumps(value)}" for key, value in chosen.items()))
        if self.floats:
            said.append(
                f"{len(self.floats)} operator{'' if len(self.floats) == 1 else 's'} in float"
                f"{', two bytes a weight' if self.float16_weights else ''}"
            )
        return ", ".join(said)

    def variant(self, bases: Mapping[str, Variant]) -> Variant:
        """The candidate as a variant. `bases`: the format's variants by name, with the model's choices."""
        base = bases[self.recipe.variant]
        if not self.options:
            return base
        options = {**base.options, **self.options}
        return replace(base, name=self.name, summary=self.label, options=options, base=base.base or base.name)


@dataclass(frozen=True)
class Operator:
    """An operator that may be left in float: what it loses where it is quantised, and what it costs where it is not."""

    name: str
    """The tensor of its first result in the float32 artifact."""
    loss: float
    """The noise that the operator adds, as a share of the power of its result's signal."""
    added_bytes: int = 0
    """Bytes by which the operator's constants grow in float."""


AS_GIVEN = Recipe(READY.name, math.inf)


def recipes_of(artifact_format: Format, variants: Mapping[str, Variant]) -> tuple[Recipe, ...]:
    """The recipes to try, from the smallest expected; of a format that states none, its variants in their order. A
    ready artifact as it was given comes last."""
    stated = artifact_format.recipes or tuple(
        Recipe(variant.name, float(index)) for index, variant in enumerate(artifact_format.variants)
    )
    known = [recipe for recipe in (*stated, AS_GIVEN) if recipe.variant in variants]
    return tuple(sorted(known, key=lambda recipe: recipe.weight_bits))
