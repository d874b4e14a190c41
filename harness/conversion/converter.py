"""Conversion, seen from the engine: child processes that hold TensorFlow, in front of them the artifact cache."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness import registry
from harness.address import address_of
from harness.artifact import Artifact, CustomLibrary, TensorInfo
from harness.budget import Budget
from harness.cache import Cache, Entry, hash_files, sha256_file, sha256_json, sha256_tree
from harness.conversion import opinions
from harness.conversion.children import WORKER, Children
from harness.conversion.choices import CustomOperators
from harness.conversion.conditioning import MOST_SAMPLES
from harness.conversion.crash_cause import cause
from harness.conversion.model_entry import ModelEntry
from harness.conversion.source import closure
from harness.conversion.sources.golden import not_a_number
from harness.conversion.target_address import decisive
from harness.environment import Environment
from harness.errors import (
    WHATEVER,
    BadInput,
    CaseError,
    Crashed,
    Failed,
    HarnessError,
    TimedOut,
    Unsupported,
    as_case_error,
)
from harness.model import Tensors
from harness.store.record import Conditioning
from harness.variant import READY, Format, Variant

HERE = Path(__file__).parent
MADE_GOLDEN = "reference.npz"
"""Beside the golden of a ready artifact: the stored values that it was made from."""
CONFIRMED = 2
"""Samples that the reference is given again: whether a model repeats itself shows in the first ones."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one conversion step, in seconds."""

    start: float = 180.0
    prepare: float = 600.0
    convert: float = 600.0
    reference: float = 600.0
    conditioning: float = 300.0


@dataclass(frozen=True)
class Prepared:
    """A source in the one form that converters take, with its golden; all on disk."""

    model: str
    key: str
    folder: Path
    facts: dict[str, Any]
    golden_digest: str
    custom_operators: CustomOperators | None = None
    budget: Budget = field(default_factory=Budget)
    """How many of the golden's samples the reference interpreter is given."""

    @property
    def golden_path(self) -> Path:
        return self.folder / "golden.npz"


@dataclass(frozen=True)
class Reference:
    """What the reference interpreter gave: an `.npz` of stored values by canonical name, (samples, *shape) each."""

    LEFT_OUT: ClassVar = {"path": "where it is now; the digest says what it holds"}

    interpreter: str
    path: Path
    digest: str
    target: str = ""
    """The target that it is, where it is none of the format's own interpreter."""

    def read(self) -> dict[str, NDArray[Any]]:
        with np.load(self.path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}


@dataclass(frozen=True)
class Golden:
    """Inputs and TensorFlow float32 outputs in real units, (samples, *shape) each; labels (samples,) or None."""

    inputs: dict[str, NDArray[Any]]
    outputs: dict[str, NDArray[Any]]
    labels: NDArray[Any] | None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def first(self, samples: int) -> Golden:
        """The same of the first samples alone."""
        labels = None if self.labels is None else self.labels[:samples]
        inputs, outputs = (
            {name: values[:samples] for name, values in tensors.items()} for tensors in (self.inputs, self.outputs)
        )
        return Golden(inputs, outputs, labels)


def read_golden(path: Path) -> Golden:
    """The golden that a preparation wrote."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return Golden(
        {name[3:]: values for name, values in arrays.items() if name.startswith("in:")},
        {name[4:]: values for name, values in arrays.items() if name.startswith("out:")},
        arrays.get("labels"),
    )


def shortened(prepared: Prepared, samples: int, folder: Path) -> Prepared:
    """The same model with the first `samples` of its golden alone, which are written into `folder`."""
    path = folder / "golden.npz"
    with np.load(prepared.golden_path, allow_pickle=False) as archive:
        np.savez(path, **{name: archive[name][:samples] for name in archive.files})  # type: ignore[arg-type]
    return dataclasses.replace(prepared, folder=folder, golden_digest=sha256_file(path))


def write_golden(path: Path, golden: Golden) -> None:
    """In the form that `read_golden` takes."""
    arrays = {f"in:{name}": values for name, values in golden.inputs.items()}
    arrays |= {f"out:{name}": values for name, values in golden.outputs.items()}
    if golden.labels is not None:
        arrays["labels"] = golden.labels
    np.savez(path, **arrays)  # type: ignore[arg-type]


def code_digest(form: Format) -> str:
    """Hash of a format's converter, the modules that it imports by relative imports, and the scripts and pins beside
    it, which it starts or installs from."""
    return code_digest_of(form.converter)


@functools.cache
def code_digest_of(converter: Path) -> str:
    """The same by path: it is asked for at every step, and does not change while this process runs."""
    started = (file for file in converter.parent.iterdir() if file.suffix in (".cjs", ".mjs", ".json"))
    return sha256_tree([*closure(converter), *started])


def custom_operators(custom: CustomOperators | None) -> CustomLibrary | None:
    """What the artifact says of its custom operators."""
    if custom is None:
        return None
    return CustomLibrary(library=str(custom.library), registerer=custom.registerer, sha256=sha256_file(custom.library))


def as_inspected(artifact: Artifact) -> dict[str, Any]:
    """What a format's converter is told of an artifact that it inspected before."""
    return {
        "inputs": [info.model_dump() for info in artifact.inputs],
        "outputs": [info.model_dump() for info in artifact.outputs],
        "operators": artifact.operators,
        "signature": artifact.signature,
        "notes": list(artifact.notes),
        "renewed": artifact.renewed,
        "sequence": artifact.sequence and artifact.state != "none",
        "custom_operators": artifact.custom_operators and artifact.custom_operators.model_dump(),
    }


class Converter:
    """Prepares, converts and computes references; nothing that is in the cache is done again.

    Thread-safe: at most `workers` child processes of an environment work at once.
    """

    def __init__(self, cache: Cache, environment: Environment, workers: int, limits: Limits | None = None) -> None:
        self.cache = cache
        self.cache.sweep()
        self.environment = environment
        self.limits = limits or Limits()
        self._children = Children(workers, self.limits.start)
        own = [
            HERE / "prepare.py",
            HERE / "data.py",
            HERE / "graph_summary.py",
            HERE / "format_converter.py",
            HERE / "sources",
            WORKER,
            HERE.parent / "model.py",
            HERE.parent / "quantisation.py",
            HERE.parent / "sizes.py",
        ]
        self._code = sha256_json([environment.digest(), sha256_tree(own)])

    def close(self) -> None:
        """End every child process."""
        self._children.close()

    def prepare(self, entry: ModelEntry) -> Prepared:
        """The prepared form of a model. Raises a `CaseError` that says why there is none."""
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
            code += [code_digest(ready_form), *opinions.identities(ready_form)]
            request["budget"] = vars(entry.budget)  # a reference makes its golden
        try:
            key = address_of("prepared", code, entry.source.identity(), custom, request.pop("budget", None))
        except HarnessError as error:  # a file that cannot be read ends this model and no other
            raise BadInput(str(error)) from error
        except OSError as error:
            raise BadInput(f"{error.filename} cannot be read ({error.strerror}).") from error

        def write(folder: Path) -> dict[str, Any]:
            with self._children.lend(self.environment) as child:
                reply, _ = child.call("prepare", seconds=self.limits.prepare, source=request, output=str(folder))
            return {**reply, **(self._golden_of_ready(entry, folder, reply) if "ready" in reply else {})}

        try:
            found = self._entry("prepared", key, write)
        except Crashed as error:
            if entry.source.kind == "zoo":
                raise
            raise BadInput(
                f"{entry.source.path} brings its loader down ({error}); write it again.", error.log
            ) from error
        entry.source.check_opened(found.facts["opened"])
        digests = {file.path: file.sha256 for file in found.files}
        return Prepared(
            entry.name, key, found.folder, found.facts, digests["golden.npz"], entry.custom_operators, entry.budget
        )

    def graph_summary(self, prepared: Prepared) -> dict[str, Any] | None:
        """The TensorFlow graph of a prepared model in figures; None for a ready artifact. Raises a `CaseError`."""
        if "ready" in prepared.facts:
            return None

        def write(_folder: Path) -> dict[str, Any]:
            with self._children.lend(self.environment) as child:
                path = str(prepared.folder / "saved_model")
                reply, _ = child.call("graph_summary", seconds=self.limits.convert, saved_model=path)
            return reply

        return self._entry("graph_summary", address_of("graph_summary", self._code, prepared.key), write).facts

    def convert(self, prepared: Prepared, form: Format, variant: Variant) -> Artifact:
        """The artifact of one variant. Raises a `CaseError` that says why there is none."""
        if "ready" in prepared.facts:
            return self._ready(prepared, form)
        key = address_of("converted", self._code, prepared.key, form.name, code_digest(form), variant)
        environment = self._environment(variant)

        def write(folder: Path) -> dict[str, Any]:
            resources = form.resources(variant) if form.resources is not None else {}
            with self._children.lend(environment) as child:
                reply, _ = child.call(
                    "convert",
                    seconds=self.limits.convert,
                    converter=str(form.converter),
                    saved_model=str(prepared.folder / "saved_model"),
                    calibration=str(prepared.folder / "calibration.npz"),
                    options=variant.options,
                    resources=resources,
                    output=str(folder),
                    inspect=environment is self.environment,
                )
            if environment is not self.environment:  # what reads artifacts is the same for all
                path = str(folder / reply["entry"])
                with self._children.lend(self.environment) as child:
                    inspected, _ = child.call(
                        "inspect", seconds=self.limits.convert, converter=str(form.converter), path=path
                    )
                reply |= inspected
            for side, names in prepared.facts.get("names", {}).items():  # those of the source, as people know them
                for info in reply[side]:
                    info["name"] = names.get(info["name"], info["name"])
            return reply

        try:
            found = self._entry("converted", key, write)
        except Crashed as error:
            golden = read_golden(prepared.golden_path).outputs
            seen = cause(error.log, prepared.folder / "saved_model", golden)
            raise Crashed(f"{str(error).rstrip('.')}. {seen}".strip(), error.log) from error
        return self._artifact(prepared, form, variant, key, found, found.facts)

    def _environment(self, variant: Variant) -> Environment:
        """Where a variant is converted: the usual environment, or one of its own."""
        if not variant.converter:
            return self.environment
        return Environment.from_pins("converter-of-its-own", variant.converter)

    def _ready(self, prepared: Prepared, form: Format) -> Artifact:
        key = address_of("ready", prepared.key, form.name)

        def write(folder: Path) -> dict[str, Any]:
            entry = prepared.facts["ready"]
            shutil.copytree(prepared.folder / "ready", folder, dirs_exist_ok=True)
            return {"entry": entry, **prepared.facts["inspected"]}

        found = self._entry("converted", key, write)
        return self._artifact(prepared, form, READY, key, found, found.facts)

    def _artifact(
        self, prepared: Prepared, form: Format, variant: Variant, key: str, found: Entry, facts: dict[str, Any]
    ) -> Artifact:
        return Artifact(
            model=prepared.model,
            format=form.name,
            variant=variant.name,
            key=key,
            digest=found.digest,
            entry=facts["entry"],
            files=found.files,
            inputs=tuple(TensorInfo(**info) for info in facts["inputs"]),
            outputs=tuple(TensorInfo(**info) for info in facts["outputs"]),
            operators=facts["operators"],
            scheme=facts.get("scheme", ""),
            signature=facts.get("signature", ""),
            subgraph=facts.get("subgraph", 0),
            notes=tuple(facts.get("notes", ())),
            converter=self._environment(variant).versions(),
            custom_operators=custom_operators(prepared.custom_operators),
            state=facts.get("state", "none"),
            sequence=prepared.facts.get("sequence", False),
            directory=found.folder,
        )

    def reference(self, prepared: Prepared, artifact: Artifact, form: Format, cache: Cache | None = None) -> Reference:
        """The reference interpreter's outputs on the golden's inputs; where it cannot run the artifact, those of the
        first other runtime that can. `cache`: another than the usual, for what is not worth keeping. Raises a
        `CaseError`."""
        budget = prepared.budget
        key = address_of("reference", self._code, artifact, prepared.golden_digest, code_digest(form), budget)

        def write(folder: Path) -> dict[str, Any]:
            inputs = read_golden(prepared.golden_path).inputs
            return self._confirmed(prepared, artifact, form, inputs, folder) or self._ask_interpreter(
                artifact, form, inputs, folder, budget
            )

        try:
            found = self._entry("reference", key, write, cache)
        except (Unsupported, Crashed, TimedOut) as refusal:
            refusals: dict[str, CaseError] = {}
            for name in opinions.names_of(form):
                try:
                    return self.opinion(prepared, artifact, name, cache)
                except CaseError as error:
                    refusals[name] = error
            raise opinions.refused_by_all(refusal, refusals) from refusal
        return Reference(found.facts["interpreter"], found.folder / "outputs.npz", found.digest)

    def opinion(self, prepared: Prepared, artifact: Artifact, name: str, cache: Cache | None = None) -> Reference:
        """What the target of that name makes of the golden's inputs. Raises a `CaseError`."""
        target = opinions.ready(name, artifact)
        key = address_of("opinion", artifact, prepared.golden_digest, *decisive(target))

        def write(folder: Path) -> dict[str, Any]:
            samples = artifact.stored(read_golden(prepared.golden_path).inputs)
            outputs = opinions.outputs_of(target, artifact, samples)
            np.savez(folder / "outputs.npz", **outputs)  # type: ignore[arg-type]
            return {"interpreter": name}

        found = self._entry("reference", key, write, cache)
        return Reference(name, found.folder / "outputs.npz", found.digest, name)

    def _ask_interpreter(
        self, artifact: Artifact, form: Format, inputs: Tensors, folder: Path, budget: Budget
    ) -> dict[str, Any]:
        """Write what the format's reference interpreter makes of `inputs` (real values), of as many samples as the
        budget allows, to `outputs.npz` in `folder`; its name is in the answer. Raises a `CaseError`."""
        samples = folder / "samples.npz"
        limit = budget.limit(len(next(iter(inputs.values()))))
        is_stream = artifact.sequence and artifact.state != "none"
        np.savez(samples, **artifact.stored(inputs, samples=limit))  # type: ignore[arg-type]
        try:
            with self._children.lend(self.environment) as child:
                reply, _ = child.call(
                    "reference",
                    seconds=self.limits.reference,
                    converter=str(form.converter),
                    path=str(artifact.path),
                    inspected=as_inspected(artifact),
                    samples=str(samples),
                    output=str(folder / "outputs.npz"),
                    budget=None if is_stream or budget.samples is not None else budget.seconds,
                )
        finally:
            samples.unlink()
        return reply

    def _confirmed(
        self, prepared: Prepared, artifact: Artifact, form: Format, inputs: Tensors, folder: Path
    ) -> dict[str, Any] | None:
        """What the reference gave when it made the golden of a ready artifact, put into `folder`, once its first
        samples came out the same again; None where there is no such thing, or they did not."""
        made = prepared.folder / MADE_GOLDEN
        is_same = artifact.variant == READY.name and artifact.sequence == prepared.facts.get("sequence", False)
        if not is_same or artifact.digest != prepared.facts.get("golden_of") or not made.is_file():
            return None
        first = {name: values[:CONFIRMED] for name, values in inputs.items()}
        reply = self._ask_interpreter(artifact, form, first, folder, prepared.budget)
        with np.load(made, allow_pickle=False) as before, np.load(folder / "outputs.npz", allow_pickle=False) as again:
            if reply["interpreter"] != prepared.facts["golden_from"] or set(before.files) != set(again.files):
                return None
            for name in again.files:
                if again[name].tobytes() != before[name][: len(again[name])].tobytes():
                    return None
        shutil.copyfile(made, folder / "outputs.npz")
        return reply

    def _golden_of_ready(self, entry: ModelEntry, folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
        """Complete the golden of a ready artifact, of which preparation wrote the inputs: its outputs are what a
        reference makes of it. Returns who that was, and what is wrong with them. Raises a `CaseError`."""
        form = registry.formats()[str(entry.source.ready_format)]
        place = folder / READY.name
        files = hash_files(place)
        prepared = Prepared(entry.name, "", folder, facts, "", entry.custom_operators, entry.budget)
        made = Entry(place, files, {"entry": facts["ready"], **facts["inspected"]})
        artifact = self._artifact(prepared, form, READY, "", made, made.facts)
        golden = read_golden(prepared.golden_path)
        with tempfile.TemporaryDirectory(prefix="harness-reference-") as name:
            scratch = Path(name)
            try:
                interpreter = str(
                    self._ask_interpreter(artifact, form, golden.inputs, scratch, entry.budget)["interpreter"]
                )
                with np.load(scratch / "outputs.npz", allow_pickle=False) as archive:
                    outputs = {name: archive[name] for name in archive.files}
                shutil.copyfile(scratch / "outputs.npz", folder / MADE_GOLDEN)
            except (Unsupported, Crashed, TimedOut) as refusal:
                interpreter, outputs = self._first_opinion(artifact, form, golden.inputs, refusal)
        real = artifact.real(outputs)
        answered = min(len(values) for values in real.values())
        write_golden(prepared.golden_path, dataclasses.replace(golden.first(answered), outputs=real))
        return {
            "golden_from": interpreter,
            "golden_of": artifact.digest,
            "golden_fault": not_a_number(real, f"What {interpreter} gives as output"),
        }

    def _first_opinion(
        self, artifact: Artifact, form: Format, inputs: Tensors, refusal: CaseError
    ) -> tuple[str, dict[str, NDArray[Any]]]:
        """Name and outputs of the first runtime that runs it. Raises the `refusal` where none does."""
        refusals: dict[str, CaseError] = {}
        for name in opinions.names_of(form):
            try:
                return name, opinions.outputs_of(opinions.ready(name, artifact), artifact, artifact.stored(inputs))
            except CaseError as error:
                refusals[name] = error
        raise opinions.refused_by_all(refusal, refusals) from refusal

    def conditioning(self, prepared: Prepared, artifact: Artifact, form: Format, reference: Reference) -> Conditioning:
        """How far the artifact's outputs move when its operators round otherwise, in the interpreter of `reference`.

        Never raises: what cannot be measured is said in `problem`, and costs no case its result.
        """
        code = sha256_json([sha256_file(HERE / "conditioning.py"), self._code, reference.digest, reference.interpreter])
        key = address_of("conditioning", code, artifact, prepared.golden_digest, code_digest(form))

        def write(folder: Path) -> dict[str, Any]:
            golden = read_golden(prepared.golden_path)
            samples = folder / "samples.npz"
            most = min([MOST_SAMPLES, *(len(values) for values in reference.read().values())])
            np.savez(samples, **artifact.stored(golden.inputs, samples=most))  # type: ignore[arg-type]
            with self._children.lend(self.environment) as child:
                reply, _ = child.call(
                    "conditioning",
                    seconds=self.limits.conditioning,
                    converter=str(form.converter),
                    path=str(artifact.path),
                    inspected=as_inspected(artifact),
                    samples=str(samples),
                    outputs=str(reference.path),
                    interpreter=reference.interpreter,
                )
            samples.unlink()
            return reply

        try:
            return Conditioning(**self._entry("conditioning", key, write).facts)
        except WHATEVER as error:
            return Conditioning(samples=0, draws=0, problem=str(as_case_error(error, "Measuring the conditioning")))

    def _entry(self, kind: str, key: str, write: Any, other: Cache | None = None) -> Entry:
        """From the cache, or made; a refusal or a failure that would only come again is cached as well."""
        cache = other or self.cache
        found = cache.find(kind, key)
        if found is None:
            try:
                found = cache.make(kind, key, write)
            except CaseError as error:
                if not error.lasting:
                    raise
                message, log = str(error), error.log
                outcome = "refused" if isinstance(error, Unsupported) else "failed"

                def write_refusal(folder: Path) -> dict[str, Any]:
                    (folder / "log.txt").write_text(log)
                    return {outcome: message}

                found = cache.make(kind, key, write_refusal)
        for outcome, kind_of_error in (("refused", Unsupported), ("failed", Failed)):
            if outcome in found.facts:
                raise kind_of_error(found.facts[outcome], (found.folder / "log.txt").read_text())
        return found
