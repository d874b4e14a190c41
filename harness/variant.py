"""A variant is one conversion recipe; a format is a family of artifacts with its variants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from harness.artifact import Artifact
    from harness.examination import Examination
    from harness.isolation import Isolation
    from harness.model import Tensors
    from harness.operator_outputs import OperatorOutputs
    from harness.reproduction import Reproduction


@dataclass(frozen=True)
class Variant:
    """One recipe: `name` is for people, `options` go to the format's converter (JSON values only)."""

    NOT_IN_ADDRESS: ClassVar = {"summary": "words for people", "base": "which targets take it by default"}

    name: str
    summary: str
    options: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    """The variant that a project's own one differs from: targets that take that one by default take this one too."""
    converter: tuple[str, ...] = ()
    """Pins of a converter of its own (`tensorflow==2.21.0`), in an environment of its own; empty for the usual one."""
    made_from: Variant | None = None
    """The variant of the same format whose artifact the format's rewriter makes this one's from; None for a variant
    that is converted from the source."""


@dataclass(frozen=True)
class Recipe:
    """What `harness tune` may do with one variant."""

    variant: str
    weight_bits: float
    """About what a weight takes in the artifact: variants are tried from the fewest."""
    float_operators_option: str = ""
    """The option that names the operators left in float, by the tensors of their first results in the float32 artifact;
    empty where there is no such option."""
    interface_group: str = ""
    """Recipes that differ by their interface alone share this word: operators are looked for in one of them."""
    choices: tuple[Mapping[str, Any], ...] = ()
    """Other options of its calibration, each of which may lose less."""
    float16_options: Mapping[str, Any] = field(default_factory=dict)
    """Options with which an operator left in float has its weights in two bytes each; empty where there are none."""
    weights_alone: bool = False
    """Whether weights alone are quantised when it is converted, so that an operator without any is float already."""


READY = Variant("ready", "as it was given, not converted", {})
"""The one variant of a model that comes as a ready artifact."""


@dataclass(frozen=True)
class Rewriter:
    """How a format's artifacts are made into others, for variants with `made_from`.

    `script` is a Python file that runs in the environment of that name, never in the engine or beside the converters.
    It defines `rewrite(path, options, calibration, signature, output) -> str` (entry file name): `path` is the artifact
    to start from, `calibration` the float inputs by the names that it was inspected with.
    """

    script: Path
    environment: str
    choices: tuple[str, ...] = ()
    """Choices of harness.toml (`harness.conversion.choices`) that it alone understands."""


@dataclass(frozen=True)
class Format:
    """How artifacts of one kind are made.

    `converter` is a Python file that runs in the converter's environment, never in the engine. It defines
    `convert(saved_model, options, calibration, output) -> str` (entry file name), `inspect(path) -> dict` (inputs,
    outputs, operators), `reference(path, inspected, samples) -> (name, dict of arrays)` (a reference interpreter) and
    `take_ready(path, output) -> (entry file name, what was recognised)` (a ready artifact, copied).
    """

    name: str
    variants: tuple[Variant, ...]
    converter: Path
    resources: Callable[[Variant], dict[str, str]] | None = None
    """What a variant's conversion needs beside the converter's environment, installed by the call: names and paths that
    `convert` finds in `options["resources"]`. No part of the artifact's key. Raises `Unavailable`."""

    rewriter: Rewriter | None = None
    """What makes artifacts of artifacts, where some of the variants are made that way."""

    alternative_references: tuple[tuple[str, ...], ...] = ()
    """Targets that are asked where the reference interpreter cannot run an artifact or is in doubt, in the order in
    which one takes its place; those that share kernels stand together."""

    examine: Callable[[Artifact, Tensors], Examination] | None = None
    """What can be told of an artifact by reading it and trying it on one sample (stored values, shaped as the inputs),
    in the engine: for `harness assess`."""

    recipes: tuple[Recipe, ...] = ()
    """What `harness tune` tries; without any, every variant as it is, in their order."""

    operator_outputs: OperatorOutputs | None = None
    """What it shows of the inside of its artifacts: for `harness locate`."""

    isolation: Isolation | None = None
    """How one operator of its artifacts is cut out: for `harness bundle`."""

    conversion_reproduction: Callable[[Artifact], Reproduction] | None = None
    """What repeats the conversion of a SavedModel without this program, for an artifact without quantisation: for the
    same. Raises `Unsupported`."""

    def variant(self, name: str) -> Variant:
        """The variant of that name; raises KeyError."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(name)
