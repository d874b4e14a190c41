"""A closer look at values that break a rule on one sample: is the reference wrong, or does the model move by itself?"""

from __future__ import annotations

from collections.abc import Mapping

from harness.artifact import Artifact
from harness.conversion.converter import Converter
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.reference import Reference
from harness.gate.policy import Policy
from harness.model import Tensors
from harness.run.matrix import Case
from harness.run.reference_check import ReferenceChecker
from harness.store.record import Conditioning
from harness.target import Target
from harness.variant import Format


class ReferenceRechecker:
    """Gives a checked reference to compare a target's values with once more
    (`harness.assess.predictions.ReferenceRecheck`)."""

    def __init__(
        self,
        entry: ModelEntry,
        converter: Converter,
        formats: Mapping[str, Format],
        prepared: PreparedModel,
        references: Mapping[tuple[str, str], Reference],
    ) -> None:
        """`prepared`, `references`: of the one sample that was tried."""
        self._entry, self._converter, self._formats = entry, converter, formats
        self._prepared, self._references = prepared, references
        self._reference_checker = ReferenceChecker(converter, Policy(), converter.cache.root)

    def __call__(self, target: Target, artifact: Artifact) -> tuple[Tensors, Conditioning | None]:
        """The values of the reference, or of those that outvote it, and the artifact's conditioning."""
        artifact_format = self._formats[artifact.format]
        reference = self._references[(artifact.format, artifact.variant)]
        conditioning = self._converter.conditioning(self._prepared, artifact, artifact_format, reference)
        known = {variant.name: variant for variant in self._entry.variants(artifact_format)}
        case = Case(self._entry, artifact_format, known[artifact.variant], target)
        path = self._prepared.golden_path
        verdict = self._reference_checker.check(case, artifact, reference, path, self._prepared, conditioning)
        sound = verdict.majority[0] if verdict.majority else reference
        return sound.read(), conditioning
