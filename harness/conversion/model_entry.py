"""A model of the project or the zoo: what every conversion starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

from harness.budget import SampleBudget
from harness.conversion.choices import CustomOperators
from harness.conversion.source import Source
from harness.model import DetectionOutputs
from harness.variant import READY, Format, Variant

Task = Literal["classification", "regression", "reconstruction", "detection"]


@dataclass(frozen=True)
class ModelEntry:
    """A model of the project or the zoo, ready to be converted."""

    name: str
    summary: str
    task: Task
    source: Source
    in_default: bool
    """Whether the default matrix has it."""
    problem: str = ""
    """Why its source cannot be used at all, where that is plain from its files."""
    choices: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Glob of variant names → converter options that replace the variant's own."""
    metadata: Mapping[str, Any] | None = None
    custom_operators: CustomOperators | None = None
    budget: SampleBudget = field(default_factory=SampleBudget)
    """How many of its samples a case, and the reference, are given."""
    detection: DetectionOutputs | None = None
    """Outputs of a detector that are its boxes, scores and classes."""
    own_variants: tuple[tuple[str, Variant], ...] = ()
    """The project's variants: format name and variant."""

    def variants(self, artifact_format: Format) -> tuple[Variant, ...]:
        """Every variant of a format for this model, its own choices included. A ready artifact is there as it is, and
        as what is made from an artifact of its format."""
        own = tuple(variant for name, variant in self.own_variants if name == artifact_format.name)
        known = (*artifact_format.variants, *own)
        if self.source.ready_format is None:
            return tuple(self.chosen(variant) for variant in known)
        if self.source.ready_format != artifact_format.name:
            return ()
        rewritten = (replace(variant, made_from=READY) for variant in known if variant.made_from is not None)
        return (READY, *(self.chosen(variant) for variant in rewritten))

    def chosen(self, variant: Variant) -> Variant:
        """A variant with this model's choices in place of its own."""
        if variant is READY:
            return variant
        options = dict(variant.options)
        for glob, choices in self.choices.items():
            if fnmatchcase(variant.name, glob):
                options |= choices
        if self.metadata is not None:
            options["metadata"] = dict(self.metadata)
        made_from = self.chosen(variant.made_from) if variant.made_from is not None else None
        if options == variant.options and made_from == variant.made_from:
            return variant
        return replace(variant, options=options, made_from=made_from)
