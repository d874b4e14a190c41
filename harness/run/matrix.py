"""Which cases there are: model × variant × target, chosen by globs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from harness.case_name import CaseName, place_of, runtime_of, target_at
from harness.conversion.model_entry import ModelEntry
from harness.errors import HarnessError
from harness.run.place import LOCAL_PLACE, Place
from harness.suggestion import did_you_mean
from harness.target import Target
from harness.variant import READY, Format, Variant


@dataclass(frozen=True)
class Selection:
    """What the user asked for. Empty means the default; a glob may name anything there is."""

    models: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    everything: bool = False
    without: tuple[str, ...] = ()
    """Globs of cases that are left out, as `*/*/tfjs/chromium-webgl`."""


@dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    model: ModelEntry
    format: Format
    variant: Variant
    target: Target
    timed: bool = True
    """False where milliseconds mean nothing, or mean little and were not asked for by name."""
    by_default: bool = True
    """Whether the target takes the variant without being asked for it by name."""
    place: Place = field(default=LOCAL_PLACE, compare=False)
    """The machine that it is measured on."""
    several: bool = False
    """Whether other places have its target too, so that its name says which it is of."""

    @property
    def name(self) -> CaseName:
        target = target_at(self.target.name, self.place.name) if self.several else self.target.name
        return CaseName(self.model.name, self.variant.name, target, format=self.format.name, base=self.variant.base)

    @property
    def id(self) -> str:
        """The name written out."""
        return str(self.name)


def cases(
    selection: Selection,
    models: Mapping[str, ModelEntry],
    targets: Mapping[str, Target],
    formats: Mapping[str, Format],
) -> list[Case]:
    """The matrix of a selection, in the order of models, targets, variants. Raises `HarnessError` for a glob that
    matches nothing, and for a selection without a case."""
    named = matching("model", selection.models, models)
    chosen_models = [
        entry for name, entry in models.items() if name in named and (selection.models or entry.in_default)
    ]
    wanted = matching("target", selection.targets, targets)
    variants = matching("variant", selection.variants, variant_names(chosen_models, formats))
    found: list[Case] = []
    for entry in chosen_models:
        for target in (target for name, target in targets.items() if name in wanted):
            artifact_format = formats[target.format]
            named_target = bool(selection.targets)
            for variant in entry.variants(artifact_format):
                usual = variant is READY or {variant.name, variant.base} & set(target.default_variants)
                named_variant = selection.everything or bool(selection.variants)
                # What is made from another artifact has a rewriter's environment of its own: it runs when it is named.
                optional = bool(selection.targets) and not target.default_variants and variant.made_from is None
                asked = named_variant or optional
                if variant.name in variants and (usual or asked):
                    # A software renderer can be timed, but its milliseconds tell nothing of hardware.
                    timed = target.timed and (not target.simulated or named_target or selection.everything)
                    found.append(Case(entry, artifact_format, variant, target, timed, by_default=bool(usual)))
    return without(found, selection.without)


def without(cases: list[Case], globs: Iterable[str]) -> list[Case]:
    """The cases that no glob matches. Raises `HarnessError` for a glob that matches none, and where no case is left."""
    for glob in globs:
        left = [case for case in cases if not fnmatchcase(case.id, glob)]
        if len(left) == len(cases):
            raise HarnessError(
                f"No case matches `--without {glob}`; write a case or a glob of cases, as '*/*/tfjs/chromium-webgl'."
            )
        cases = left
    if not cases:
        raise HarnessError("No case matches; `harness models` and `harness targets` list what there is.")
    return cases


def variant_names(models: Iterable[ModelEntry], formats: Mapping[str, Format]) -> list[str]:
    """Every variant that a glob may name: the formats' own and those of the project."""
    names = [variant.name for artifact_format in formats.values() for variant in artifact_format.variants]
    names += [variant.name for entry in models for _, variant in entry.own_variants]
    return list(dict.fromkeys([*names, READY.name]))


def matching(what: str, globs: Iterable[str], names: Iterable[str]) -> set[str]:
    """The names that a glob matches; all without globs. Raises `HarnessError` for a glob without a match."""
    everything = list(names)
    if not globs:
        return set(everything)
    found: set[str] = set()
    for glob in globs:
        if what == "target" and place_of(glob):
            raise HarnessError(
                f"'{glob}' is at a place, where `harness run --scheduler` measures and nothing else does; write "
                f"{runtime_of(glob)} for this machine's own."
            )
        matches = {name for name in everything if fnmatchcase(name, glob)}
        if not matches:
            known = ", ".join(everything)
            raise HarnessError(f"No {what} matches '{glob}'; there are {known}.{did_you_mean(glob, everything)}")
        found |= matches
    return found
