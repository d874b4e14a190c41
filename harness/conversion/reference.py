"""The reference's outputs on a golden's inputs, which runtimes are held to."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness import registry
from harness.address import address_of
from harness.artifact import Artifact
from harness.budget import SampleBudget
from harness.cache import Cache, Entry, hash_files
from harness.conversion import alternative_references
from harness.conversion.artifact_description import artifact_of_prepared, as_inspected, files_of
from harness.conversion.code_digest import code_digest
from harness.conversion.golden import read_arrays_with_retry, read_golden, write_golden
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.sources.tensorflow_outputs import not_a_number
from harness.conversion.steps import ConversionSteps
from harness.conversion.target_address import answer_identity
from harness.conversion.worker_request import InputFiles, WorkerRequest
from harness.errors import CaseError, Crashed, TimedOut, Unsupported
from harness.model import Tensors
from harness.named_arrays import first_samples, write_arrays
from harness.variant import READY, Format

MADE_GOLDEN = "reference.npz"
"""File beside the golden of a ready artifact. It holds the stored values that the golden was made from."""
CONFIRMED = 2
"""Samples that the reference is given again: whether a model repeats itself shows in the first ones."""


@dataclass(frozen=True)
class Reference:
    """What the reference interpreter gave: an `.npz` of stored values by canonical name, (samples, *shape) each."""

    NOT_IN_ADDRESS: ClassVar = {"path": "where it is now; the digest says what it holds"}

    interpreter: str
    path: Path
    digest: str
    target: str = ""
    """The target that it is, where it is none of the format's own interpreter."""

    def read(self) -> dict[str, NDArray[Any]]:
        return read_arrays_with_retry(self.path)


class References(ConversionSteps):
    """Asks the reference interpreter of a format, and other runtimes where it cannot run an artifact."""

    def reference(
        self, prepared: PreparedModel, artifact: Artifact, artifact_format: Format, cache: Cache | None = None
    ) -> Reference:
        """The reference interpreter's outputs on the golden's inputs; where it cannot run the artifact, those of the
        first other runtime that can. `cache`: another than the usual, for what is not worth keeping. Raises a
        `CaseError`."""
        budget = prepared.budget
        key = address_of(
            "reference", self._code, artifact, prepared.golden_digest, code_digest(artifact_format), budget
        )

        def write_entry(folder: Path) -> dict[str, Any]:
            inputs = read_golden(prepared.golden_path).inputs
            return self._confirmed(prepared, artifact, artifact_format, inputs, folder) or self._ask_interpreter(
                artifact, artifact_format, inputs, folder, budget
            )

        try:
            found = self._entry("reference", key, write_entry, cache)
        except (Unsupported, Crashed, TimedOut) as refusal:
            refusals: dict[str, CaseError] = {}
            for name in alternative_references.names_of(artifact_format):
                try:
                    return self.opinion(prepared, artifact, name, cache)
                except CaseError as error:
                    refusals[name] = error
            raise alternative_references.refused_by_all(refusal, refusals) from refusal
        return Reference(found.facts["interpreter"], found.folder / "outputs.npz", found.digest)

    def opinion(self, prepared: PreparedModel, artifact: Artifact, name: str, cache: Cache | None = None) -> Reference:
        """What the target of that name makes of the golden's inputs. Raises a `CaseError`."""
        target = alternative_references.ready(name, artifact)
        key = address_of("opinion", artifact, prepared.golden_digest, *answer_identity(target))

        def write_entry(folder: Path) -> dict[str, Any]:
            samples = artifact.stored(read_golden(prepared.golden_path).inputs)
            outputs = alternative_references.outputs_of(target, artifact, samples)
            write_arrays(folder / "outputs.npz", outputs)
            return {"interpreter": name}

        found = self._entry("reference", key, write_entry, cache)
        return Reference(name, found.folder / "outputs.npz", found.digest, name)

    def _ask_interpreter(
        self, artifact: Artifact, artifact_format: Format, inputs: Tensors, folder: Path, budget: SampleBudget
    ) -> dict[str, Any]:
        """Write what the format's reference interpreter makes of `inputs` (real values), of as many samples as the
        budget allows, to `outputs.npz` in `folder`; its name is in the answer. Raises a `CaseError`."""
        samples = folder / "samples.npz"
        limit = budget.limit(len(next(iter(inputs.values()))))
        is_stream = artifact.sequence and artifact.state != "none"
        write_arrays(samples, artifact.stored(inputs, samples=limit))
        try:
            return self._do(
                WorkerRequest(
                    "reference",
                    self.limits.reference,
                    {
                        "inspected": as_inspected(artifact),
                        "budget": None if is_stream or budget.samples is not None else budget.seconds,
                    },
                    {"path": files_of(artifact), "samples": InputFiles.of(samples)},
                    {"output": folder / "outputs.npz"},
                    {"converter": artifact_format},
                    local_only=artifact.custom_operators is not None,
                )
            )
        finally:
            samples.unlink()

    def _confirmed(
        self, prepared: PreparedModel, artifact: Artifact, artifact_format: Format, inputs: Tensors, folder: Path
    ) -> dict[str, Any] | None:
        """What the reference gave when it made the golden of a ready artifact, put into `folder`, once its first
        samples came out the same again; None where there is no such thing, or they did not."""
        made = prepared.folder / MADE_GOLDEN
        is_same = artifact.variant == READY.name and artifact.sequence == prepared.facts.get("sequence", False)
        if not is_same or artifact.digest != prepared.facts.get("golden_of") or not made.is_file():
            return None
        reply = self._ask_interpreter(
            artifact, artifact_format, first_samples(inputs, CONFIRMED), folder, prepared.budget
        )
        before, again = read_arrays_with_retry(made), read_arrays_with_retry(folder / "outputs.npz")
        if reply["interpreter"] != prepared.facts["golden_from"] or set(before) != set(again):
            return None
        for name, values in again.items():
            if values.tobytes() != before[name][: len(values)].tobytes():
                return None
        shutil.copyfile(made, folder / "outputs.npz")
        return reply

    def _golden_of_ready(self, entry: ModelEntry, folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
        """Add a reference's outputs to a ready artifact's golden, whose inputs preparation wrote. Returns the
        interpreter's name and a sentence on what is wrong with the outputs, if anything. Raises a `CaseError`."""
        artifact_format = registry.formats()[str(entry.source.ready_format)]
        place = folder / READY.name
        files = hash_files(place)
        prepared = PreparedModel(entry.name, "", folder, facts, "", entry.custom_operators, entry.budget)
        made = Entry(place, files, {"entry": facts["ready"], **facts["inspected"]})
        artifact = artifact_of_prepared(prepared, artifact_format, READY, "", made, self.environment.versions())
        golden = read_golden(prepared.golden_path)
        with tempfile.TemporaryDirectory(prefix="harness-reference-") as name:
            scratch = Path(name)
            try:
                interpreter = str(
                    self._ask_interpreter(artifact, artifact_format, golden.inputs, scratch, entry.budget)[
                        "interpreter"
                    ]
                )
                outputs = read_arrays_with_retry(scratch / "outputs.npz")
                shutil.copyfile(scratch / "outputs.npz", folder / MADE_GOLDEN)
            except (Unsupported, Crashed, TimedOut) as refusal:
                interpreter, outputs = self._first_opinion(artifact, artifact_format, golden.inputs, refusal)
        real = artifact.real(outputs)
        answered = min(len(values) for values in real.values())
        write_golden(prepared.golden_path, dataclasses.replace(golden.first(answered), outputs=real))
        return {
            "golden_from": interpreter,
            "golden_of": artifact.digest,
            "golden_fault": not_a_number(real, f"What {interpreter} gives as output"),
        }

    def _first_opinion(
        self, artifact: Artifact, artifact_format: Format, inputs: Tensors, refusal: CaseError
    ) -> tuple[str, dict[str, NDArray[Any]]]:
        """Name and outputs of the first runtime that runs it. Raises the `refusal` where none does."""
        refusals: dict[str, CaseError] = {}
        for name in alternative_references.names_of(artifact_format):
            try:
                return name, alternative_references.outputs_of(
                    alternative_references.ready(name, artifact), artifact, artifact.stored(inputs)
                )
            except CaseError as error:
                refusals[name] = error
        raise alternative_references.refused_by_all(refusal, refusals) from refusal
