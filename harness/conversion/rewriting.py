"""Artifacts that are made from other artifacts of their format, by its rewriter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.address import address_of
from harness.artifact import Artifact
from harness.cache import sha256_file
from harness.conversion.artifact_description import artifact_of_prepared
from harness.conversion.children import REWRITING_WORKER
from harness.conversion.code_digest import code_digest, code_digest_of
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.steps import ConversionSteps
from harness.environment import environment
from harness.variant import Format, Variant

OWN = [Path(__file__).parents[1] / name for name in ("operator_names.py", "suggestion.py")]
"""What rewriters import of the engine beside what every child does."""


class Rewriting(ConversionSteps):
    """The step that makes an artifact from another one."""

    def rewritten(
        self, prepared: PreparedModel, artifact_format: Format, variant: Variant, source: Artifact
    ) -> Artifact:
        """What the format's rewriter makes of `source`. Raises a `CaseError` that says why there is none."""
        rewriter = artifact_format.rewriter
        assert rewriter is not None
        place = environment(rewriter.environment)
        code = [self._code, code_digest(artifact_format), place.digest(), *map(sha256_file, (REWRITING_WORKER, *OWN))]
        key = address_of("rewritten", code, code_digest_of(rewriter.script), prepared.key, source, variant)

        def write_entry(folder: Path) -> dict[str, Any]:
            with self._children.lend(place, REWRITING_WORKER) as child:
                reply, _ = child.call(
                    "rewrite",
                    seconds=self.limits.convert,
                    rewriter=str(rewriter.script),
                    path=str(source.path),
                    calibration=str(prepared.folder / "calibration.npz"),
                    options=variant.options,
                    signature=source.signature,
                    output=str(folder),
                )
            with self._children.lend(self.environment) as child:  # what reads artifacts is the same for all
                inspected, _ = child.call(
                    "inspect",
                    seconds=self.limits.convert,
                    converter=str(artifact_format.converter),
                    path=str(folder / reply["entry"]),
                    signature=source.signature,
                )
            for side, given in (("inputs", source.inputs), ("outputs", source.outputs)):
                for info, before in zip(inspected[side], given, strict=True):  # names and sizes that were settled there
                    info["name"], info["shape"] = before.name, list(before.shape)
            return reply | inspected

        found = self._entry("converted", key, write_entry)
        return artifact_of_prepared(
            prepared, artifact_format, variant, key, found, {**source.converter, **place.versions()}
        )
