"""Conversion, seen from the engine: from a source to what a case needs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from harness import registry
from harness.address import address_of
from harness.artifact import Artifact
from harness.cache import sha256_file, sha256_json
from harness.conversion import alternative_references
from harness.conversion.artifact_description import artifact_of_prepared, as_inspected, files_of
from harness.conversion.code_digest import code_digest
from harness.conversion.conditioning import MOST_SAMPLES
from harness.conversion.crash_cause import cause
from harness.conversion.golden import read_golden
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.reference import Reference, References
from harness.conversion.rewriting import Rewriting
from harness.conversion.source import files_of_source
from harness.conversion.steps import HERE
from harness.conversion.worker_request import InputFiles, WorkerRequest
from harness.errors import ANY_ERROR, BadInput, Crashed, HarnessError, as_case_error
from harness.named_arrays import write_arrays
from harness.store.record import Conditioning
from harness.variant import READY, Format, Variant


class Converter(References, Rewriting):
    """Prepares, converts, computes references and measures their conditioning."""

    def prepare(self, entry: ModelEntry, *, converts_side_by_side: bool = False) -> PreparedModel:
        """The prepared model. Raises a `CaseError` with the reason. `converts_side_by_side`: if preparing takes
        long, the model is large and two conversions will run at once; another converter is started meanwhile."""
        if entry.problem:
            raise BadInput(entry.problem)
        request = entry.source.request()
        code = [self._code]
        custom = entry.custom_operators if entry.source.ready_format is not None else None
        if entry.source.ready_format is not None:
            ready_form = registry.formats()[entry.source.ready_format]
            request |= {
                "converter": str(ready_form.converter),
                "custom_operators": custom and custom.model_dump(mode="json"),
            }
            code += [code_digest(ready_form), *alternative_references.identities(ready_form)]
            request["budget"] = vars(entry.budget)  # a reference makes its golden
        try:
            key = address_of("prepared", code, entry.source.identity(), custom, request.pop("budget", None))
        except HarnessError as error:  # a file that cannot be read ends this model and no other
            raise BadInput(str(error)) from error
        except OSError as error:
            raise BadInput(f"{error.filename} cannot be read ({error.strerror}).") from error

        def write_entry(folder: Path) -> dict[str, Any]:
            reply = self._do(self._preparation(entry, request, folder), with_another=converts_side_by_side)
            return {**reply, **(self._golden_of_ready(entry, folder, reply) if "ready" in reply else {})}

        try:
            found = self._entry("prepared", key, write_entry)
        except Crashed as error:
            if entry.source.kind == "zoo":
                raise
            raise BadInput(
                f"{entry.source.path} brings its loader down ({error}); write it again.", error.log
            ) from error
        entry.source.check_opened(found.facts["opened"])
        digests = {file.path: file.sha256 for file in found.files}
        return PreparedModel(
            entry.name, key, found.folder, found.facts, digests["golden.npz"], entry.custom_operators, entry.budget
        )

    def _preparation(self, entry: ModelEntry, request: dict[str, Any], folder: Path) -> WorkerRequest:
        """The operation that prepares a model. What is Python code of a project stays on this machine, and what is a
        zoo's is told by its name."""
        source, ready_format = entry.source, entry.source.ready_format
        reads = {} if source.kind == "zoo" else {"source.path": files_of_source(source)}
        if source.data is not None:
            reads["source.data"] = InputFiles.of(source.data)
        return WorkerRequest(
            "prepare",
            self.limits.prepare,
            {"source": request},
            reads,
            {"output": folder},
            {} if ready_format is None else {"source.converter": registry.formats()[ready_format]},
            (entry.name, source.identity()) if source.kind == "zoo" else ("", ""),
            local_only=source.kind == "entry_point" or entry.custom_operators is not None,
        )

    def graph_summary(self, prepared: PreparedModel) -> dict[str, Any] | None:
        """The TensorFlow graph of a prepared model in figures; None for a ready artifact. Raises a `CaseError`."""
        if "ready" in prepared.facts:
            return None

        def write_entry(_folder: Path) -> dict[str, Any]:
            with self._children.lend(self.environment) as child:
                path = str(prepared.folder / "saved_model")
                reply, _ = child.call("graph_summary", seconds=self.limits.convert, saved_model=path)
            return reply

        return self._entry("graph_summary", address_of("graph_summary", self._code, prepared.key), write_entry).facts

    def convert(self, prepared: PreparedModel, artifact_format: Format, variant: Variant) -> Artifact:
        """The artifact of one variant. Raises a `CaseError` that says why there is none."""
        if variant.made_from is not None:
            return self.rewritten(
                prepared, artifact_format, variant, self.convert(prepared, artifact_format, variant.made_from)
            )
        if "ready" in prepared.facts:
            return self._ready(prepared, artifact_format)
        key = address_of(
            "converted", self._code, prepared.key, artifact_format.name, code_digest(artifact_format), variant
        )
        environment = self._environment(variant)

        def write_entry(folder: Path) -> dict[str, Any]:
            resources = artifact_format.resources(variant) if artifact_format.resources is not None else {}
            usual = environment is self.environment
            operation = WorkerRequest(
                "convert",
                self.limits.convert,
                {"options": variant.options, "resources": resources, "inspect": usual},
                {
                    "saved_model": InputFiles.of(prepared.folder / "saved_model"),
                    "calibration": InputFiles.of(prepared.folder / "calibration.npz"),
                },
                {"output": folder},
                {"converter": artifact_format},
                local_only=bool(resources),
            )
            reply = self._do(operation, environment)
            if not usual:  # what reads artifacts is the same for all
                path = str(folder / reply["entry"])
                with self._children.lend(self.environment) as child:
                    inspected, _ = child.call(
                        "inspect", seconds=self.limits.convert, converter=str(artifact_format.converter), path=path
                    )
                reply |= inspected
            for side, names in prepared.facts.get("names", {}).items():  # those of the source, as people know them
                for info in reply[side]:
                    info["name"] = names.get(info["name"], info["name"])
            return reply

        try:
            found = self._entry("converted", key, write_entry)
        except Crashed as error:
            golden = read_golden(prepared.golden_path).outputs
            seen = cause(error.log, prepared.folder / "saved_model", golden)
            raise Crashed(f"{str(error).rstrip('.')}. {seen}".strip(), error.log) from error
        return artifact_of_prepared(
            prepared, artifact_format, variant, key, found, self._environment(variant).versions()
        )

    def _ready(self, prepared: PreparedModel, artifact_format: Format) -> Artifact:
        key = address_of("ready", prepared.key, artifact_format.name)

        def write_entry(folder: Path) -> dict[str, Any]:
            entry = prepared.facts["ready"]
            shutil.copytree(prepared.folder / "ready", folder, dirs_exist_ok=True)
            return {"entry": entry, **prepared.facts["inspected"]}

        found = self._entry("converted", key, write_entry)
        return artifact_of_prepared(prepared, artifact_format, READY, key, found, self.environment.versions())

    def conditioning(
        self, prepared: PreparedModel, artifact: Artifact, artifact_format: Format, reference: Reference
    ) -> Conditioning:
        """How far the artifact's outputs move when its operators round otherwise, in the interpreter of `reference`.

        Never raises: what cannot be measured is said in `problem`, and costs no case its result.
        """
        code = sha256_json([sha256_file(HERE / "conditioning.py"), self._code, reference.digest, reference.interpreter])
        key = address_of("conditioning", code, artifact, prepared.golden_digest, code_digest(artifact_format))

        def write_entry(folder: Path) -> dict[str, Any]:
            golden = read_golden(prepared.golden_path)
            samples = folder / "samples.npz"
            most = min([MOST_SAMPLES, *(len(values) for values in reference.read().values())])
            write_arrays(samples, artifact.stored(golden.inputs, samples=most))
            reply = self._do(
                WorkerRequest(
                    "conditioning",
                    self.limits.conditioning,
                    {"inspected": as_inspected(artifact), "interpreter": reference.interpreter},
                    {
                        "path": files_of(artifact),
                        "samples": InputFiles.of(samples),
                        "outputs": InputFiles.of(reference.path),
                    },
                    formats={"converter": artifact_format},
                    local_only=artifact.custom_operators is not None,
                )
            )
            samples.unlink()
            return reply

        try:
            return Conditioning(**self._entry("conditioning", key, write_entry).facts)
        except ANY_ERROR as error:
            return Conditioning(samples=0, draws=0, problem=str(as_case_error(error, "Measuring the conditioning")))
