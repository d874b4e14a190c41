"""Builds the two sides of a comparison from a case and two options; converts what is not in the cache yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from harness.ab.old_side import cached_artifact, runtime_of
from harness.ab.side import Side
from harness.ab.side_options import SideOptions
from harness.artifact import Artifact
from harness.baseline.files import Baseline
from harness.baseline.rebuild import Rebuilder
from harness.case_name import CaseName
from harness.conversion.converter import Converter
from harness.conversion.golden import read_golden
from harness.conversion.model_entry import ModelEntry
from harness.errors import HarnessError, Unavailable
from harness.project import ModelTable, entry_of
from harness.suggestion import did_you_mean
from harness.target import Target, does_not_run
from harness.variant import READY, Format, Variant


class SideBuilder:
    """Builds sides of cases of one project."""

    def __init__(
        self,
        root: Path,
        models: Mapping[str, ModelEntry],
        targets: Mapping[str, Target],
        formats: Mapping[str, Format],
        converter: Converter,
        baseline: Baseline,
    ) -> None:
        self.root, self.models, self.targets, self.formats = root, models, targets, formats
        self.converter, self.baseline = converter, baseline

    def inputs(self, case: CaseName) -> dict[str, NDArray[Any]]:
        """The golden inputs of a case's model, in real units. Raises a `CaseError`."""
        return read_golden(self.converter.prepare(self._model(case)).golden_path).inputs

    def side(self, case: CaseName, options: SideOptions) -> Side:
        """One side. Raises `HarnessError` for a case or an option that names nothing,
        a `CaseError` where the side cannot be had."""
        target = self.targets.get(options.target or case.target)
        if target is None:
            meant = did_you_mean(case.target, self.targets)
            raise HarnessError(f"There is no target '{case.target}'; `harness targets` lists what there is.{meant}")
        target.require()
        if options.baseline:
            accepted = CaseName(case.model, options.variant or case.variant, target.name, format=target.format)
            side = self._accepted(accepted, target)
            target, artifact = side.target, side.artifact
        elif options.file is not None:
            artifact = self._file(options.file, target)
        else:
            artifact = self._converted(self._model(case), options.variant or case.variant, target)
        target = target.with_fingerprint(
            {key: value for key, value in options.changes.items() if _differs(target, key, value)}
        )
        target.prepare()
        missing = target.unsupported_operators(artifact)
        if missing:
            raise HarnessError(does_not_run(target.name, missing))
        return Side(options.text, target, artifact)

    def _model(self, case: CaseName) -> ModelEntry:
        if case.model not in self.models:
            known, meant = ", ".join(self.models), did_you_mean(case.model, self.models)
            raise HarnessError(f"There is no model '{case.model}'; there are {known}.{meant}")
        return self.models[case.model]

    def _converted(self, entry: ModelEntry, variant: str, target: Target) -> Artifact:
        artifact_format = self.formats[target.format]
        known = {found.name: found for found in entry.variants(artifact_format)}
        if variant not in known:
            raise HarnessError(f"{entry.name} has no variant '{variant}' for {target.name}; it has {', '.join(known)}.")
        return self._made(entry, artifact_format, known[variant])

    def _file(self, path: Path, target: Target) -> Artifact:
        entry = entry_of(self.root, path.stem, ModelTable(path=path.resolve()), ())
        if entry.source.ready_format != target.format:
            raise HarnessError(f"{path} is no artifact that {target.name} opens; it takes {target.format}.")
        return self._made(entry, self.formats[target.format], READY)

    def _made(self, entry: ModelEntry, artifact_format: Format, variant: Variant) -> Artifact:
        return self.converter.convert(self.converter.prepare(entry), artifact_format, variant)

    def _accepted(self, case: CaseName, target: Target) -> Side:
        accepted = self.baseline.cases.get(case)
        if accepted is None or accepted.artifact is None:
            raise HarnessError(f"The baseline has no artifact for {case}; `harness baseline show` lists what it has.")
        digest = accepted.artifact.digest
        try:
            artifact = cached_artifact(
                self.converter.cache, case, accepted.artifact.key, digest, self.models.get(case.model)
            )
        except Unavailable:
            again = Rebuilder(self.root, self.models, self.formats, self.converter, self.baseline)
            artifact = again.artifact(case, accepted)
        return Side("baseline", runtime_of(target, accepted.fingerprint), artifact)


def _differs(target: Target, key: str, value: str) -> bool:
    return target.fingerprint().get(key) != value
