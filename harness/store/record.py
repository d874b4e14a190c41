"""The run record: everything that one run saw, immutable once written. Everything shown is computed from these.

From the first release on, `SCHEMA_VERSION` rises with every change to the meaning or the fields; until then version 1
only gains fields that may be absent. `schema/run-<version>.json` is the written schema, made from these classes and
checked against them by a test.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from harness.artifact import FileHash, Frozen
from harness.case_name import CaseName, runtime_of, target_at

SCHEMA_VERSION = 1
EXACT_AT_PLACES = "places.exact"
"""The rule of checks that hold the places of one case against each other: no case alone can make them again."""


class Outcome(StrEnum):
    """How a case ended. Every case of the matrix has exactly one."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    UNMEASURED = "unmeasured"


ReferenceStanding = Literal["", "confirmed", "outvoted", "disputed", "stand-in"]
"""What became of the first choice of reference; empty while nobody has doubted it."""


class Comparison(Frozen):
    """One tensor against its reference, over all samples. Errors are in the tensor's real units.

    A NaN or infinity on either side where the other has none makes `finite` false, and then the case fails.
    """

    output: str
    finite: bool
    elements: int
    max_abs: float | None
    mean_abs: float | None
    rmse: float | None
    sqnr_db: float | None
    """10·log10(signal power / error power); null where the error is exactly zero or undefined."""
    cosine: float | None
    """Mean over samples of the cosine similarity of the flattened output."""
    top1_agreement: float | None = None
    top5_agreement: float | None = None
    max_lsb: int | None = None
    """Largest difference of the stored integers; null for floating-point outputs."""
    differing_share: float | None = None
    """Share of stored values that differ at all."""
    differing_samples: int | None = None
    """Samples with a value that differs at all; null as `differing_share` is, and in older records."""
    answers: int | None = None
    """Rows of class scores that the agreements are shares of; null without agreements, and in older records."""
    smallest_tolerance: float | None
    """The smallest `t` for which |actual − expected| ≤ t·(1 + |expected|) holds everywhere: it would have passed."""
    worst_sample: int | None = None
    worst_index: tuple[int, ...] | None = None
    other_sizes: int | None = None
    """Samples in which the sides hold another number of values, of an output whose size depends on the data: figures
    are then over what both hold. Null of any other output, and in older records."""
    sizes_note: str = ""
    """The first of these, in words."""
    detection_of: str = ""
    """Name of the output that holds the boxes, of a detector. Its `top1_agreement` is the share of detections that
    are matched by overlap, out of `answers`; the other outputs have none."""
    looks_like: str | None = None
    """The other output of the reference whose values it holds, where outputs look swapped."""
    exchanged_classes: tuple[int, ...] = ()
    """The classes (places on the last axis) whose scores look exchanged among each other."""


class TaskMetric(Frozen):
    """The model's own figure of merit on labelled data, for the converted model and for the float32 golden."""

    name: str
    value: float
    golden: float
    samples: int
    higher_is_better: bool = True
    lost: int | None = None
    """Samples that the float32 model has right and the converted one wrong; null where a sample is not right or wrong,
    and in records from before this was counted."""
    gained: int | None = None
    """Samples that the float32 model has wrong and the converted one right; null as `lost` is."""
    exchanged_labels: tuple[int, int] | None = None
    """Two classes that the float32 model itself takes for each other: their labels look exchanged."""


class OutputConditioning(Frozen):
    """How far one output moved when the artifact's operators rounded otherwise; the worst of all draws. Null where an
    output has no such figure."""

    output: str
    sqnr_db: float | None
    """Signal to movement, 10·log10 of their powers."""
    peak: float | None
    """Largest movement over the root mean square of the output."""
    steps: int | None
    """Largest movement in steps, of an output that has them."""
    step: float | None
    """One step in real units: the scale of stored integers, or of the integers that a float output is made of."""


class Conditioning(Frozen):
    """What an artifact makes of the rounding of its own operators, measured in the reference interpreter."""

    samples: int
    draws: int
    outputs: tuple[OutputConditioning, ...] = ()
    problem: str = ""
    """Why it could not be measured."""

    def of(self, output: str) -> OutputConditioning | None:
        """The figures of one output."""
        return next((one for one in self.outputs if one.output == output), None)


class Parity(Frozen):
    """Both edges. `conversion`: the artifact in a reference interpreter against the TensorFlow float32 golden.
    `runtime`: this target against that reference interpreter, same artifact, same bytes in.
    `end_to_end`: this target against the golden."""

    samples: int
    """How many were compared."""
    available: int | None = None
    """How many the golden has."""
    samples_note: str = ""
    """Why fewer were compared, where they were."""
    reference: str
    conversion: tuple[Comparison, ...]
    runtime: tuple[Comparison, ...]
    end_to_end: tuple[Comparison, ...]
    task: TaskMetric | None = None
    yardstick: ReferenceStanding = ""
    """What became of the first choice of reference interpreter, where there was a reason to look: others agree with it,
    agree against it (so that their answer is the reference here), or cannot decide; or it cannot run the model, and
    another stands in for it."""
    yardstick_note: str = ""
    """What became of that reference, in one sentence with names."""
    unmeasured: str = ""
    """Why there is no runtime edge: no other runtime runs the model, so that there is nothing to hold this one against.
    """
    state: Literal["", "fresh", "sequence"] = ""
    """Where the model keeps state from one inference to the next: whether each sample started from fresh state, or the
    samples were one stream that shares it. Empty where it keeps none."""
    in_sequence: tuple[Comparison, ...] = ()
    """The runtime edge once more with state kept from sample to sample, where a model with state does not say which is
    meant and it was cheap: for information, not judged."""
    conditioning: Conditioning | None = None
    """What limits follow from; null in records from before it was measured, and where there is none."""


class SteadyState(StrEnum):
    """What the samples did over time (Barrett et al., OOPSLA 2017, name them warm-up, flat, slow-down and none)."""

    FLAT = "flat"
    WARMUP = "warm-up"
    SLOWDOWN = "slow-down"
    NONE = "none"


class Interval(Frozen):
    """Ends of an interval, in the unit of the figure that it belongs to."""

    low: float
    high: float


class OperatorTime(Frozen):
    """One kind of operator: all of its `count` runs in an inference with results of `shape`."""

    operator: str
    shape: str = ""
    count: int = 1
    milliseconds: float
    """Per inference, over some that were timed operator by operator: the median, or the mean of the middle half where
    the clock's step is more than a hundredth of it."""


class Latency(Frozen):
    """Milliseconds per inference; statistics over the steady part of `samples_ns` alone."""

    state: SteadyState
    warmup_discarded: int
    """How many timed inferences came before the steady part."""
    iterations: int
    """How many inferences the statistics are over: the steady part, or all where none was found."""
    first_ms: float
    """The session's first inference, which is in no statistic."""
    load_ms: float | None = None
    """Milliseconds to load the model; null if the runtime does not tell."""
    start_ms: float | None = None
    """Milliseconds to start the runtime before the model is loaded: its WebAssembly is compiled, a GPU's device is
    made. Null if the runtime does not tell, and in older records; so are the two below."""
    compile_ms: float | None = None
    """Milliseconds to compile what a GPU runs, as the runtime's own thread waits for it. They are part of the first
    inference, unless `details["compilation"]` says that compiling came before it, in parallel."""
    upload_ms: float | None = None
    """Milliseconds to put weights and inputs into the GPU's memory, up to the end of the first inference. Null as
    above."""
    median_ms: float
    p90_ms: float
    p99_ms: float
    min_ms: float
    median_interval: Interval
    """95 % interval of the median of the process that was timed (`harness.latency.interval`)."""
    clock_resolution_ns: float | None = None
    """The smallest step that the clock was seen to take."""
    load_average: float | None = None
    """Load average of the machine over the last minute, when the timing began."""
    samples_ns: tuple[int, ...]
    """Every timed inference after the first, in order."""
    details: dict[str, str] = Field(default_factory=dict)
    """What did the work while it was timed, in the runtime's own words."""
    per_operator: tuple[OperatorTime, ...] = ()
    """Operators in the order in which they first ran. Empty if the runtime does not tell, and in older records."""
    kernel_ms: float | None = None
    """A GPU's own time of all kernels, without waiting for the data; null where it has no timers. The median, or the
    mean of the middle half where the timers' step is more than a hundredth of it."""
    kernel_interval: Interval | None = None
    """95 % interval of that median."""
    kernel_resolution_ns: float | None = None
    """The smallest step between two times of those timers; null where they were not seen to move, and in older
    records."""


class OperatorCost(Frozen):
    """Instructions of one operator in one inference, counted exactly."""

    index: int
    operator: str
    instructions: int


class LoadedFiles(Frozen):
    """What a process opened, by its own account, which was held against what it was asked for."""

    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file by its name."""
    inputs: tuple[str, ...] = ()
    """What it calls the inputs; none where it has no names for them."""


class Measured(Frozen):
    """Sizes and counts by name; the name ends in the unit. `exact` ones are equal at every run."""

    figures: dict[str, int] = Field(default_factory=dict)
    exact: tuple[str, ...] = ()
    per_operator: tuple[OperatorCost, ...] = ()
    details: dict[str, str] = Field(default_factory=dict)
    """What did the work, as the runtime itself says: compared with what was asked for in the fingerprint."""
    loaded: LoadedFiles | None = None
    """What the runtime's process opened; null of a runtime that does not say, and in older records."""
    note: str = ""
    """Why figures of the session are missing, where they are."""


class Check(Frozen):
    """One rule of the gate applied to one case: what was measured, against what, and where the limit comes from."""

    rule: str
    metric: str
    measured: float | None
    limit: float | None
    passed: bool
    source: str
    message: str = ""

    @classmethod
    def make(
        cls,
        rule: str,
        metric: str,
        *,
        passed: bool,
        source: str,
        message: str = "",
        measured: float | None = None,
        limit: float | None = None,
    ) -> Check:
        """A check of `rule` on `metric`; `measured` and `limit` are None for a rule that compares no numbers."""
        return cls(
            rule=rule, metric=metric, measured=measured, limit=limit, passed=passed, source=source, message=message
        )


class ArtifactSummary(Frozen):
    """What a run says of one artifact: its hash, size, operators and converter."""

    key: str
    digest: str
    bytes: int
    files: tuple[FileHash, ...]
    operators: dict[str, int]
    converter: dict[str, str]
    scheme: str = ""
    """The numeric scheme that was read from the file itself, where its format tells."""
    base: str = ""
    """The variant that this one, a project's own, differs from."""
    options: dict[str, Any] | None = None
    """The recipe: the converter's options of this variant; null for a ready artifact, for one too long to keep here,
    and in older records."""
    pins: tuple[str, ...] = ()
    """The converter of the variant's own, where it names one."""


class CaseResult(Frozen):
    """One cell of the matrix."""

    key: str
    """Content address of the case: artifact, target fingerprint, plan, measuring code (and machine, when timed)."""
    model: str
    variant: str
    target: str
    """Name of the target, with `@place` behind it where several places have it."""
    place: str = ""
    """The place that it was measured at, one of the record's `places`; empty for the machine that the run was on."""
    format: str = ""
    """The format of artifacts that the target takes; empty in older records."""
    by_default: bool | None = None
    """Whether the target took the variant without being asked for it by name; null in older records."""
    outcome: Outcome
    reason: str = ""
    """One sentence, unless passed: what is wrong, and what to do."""
    log: str | None = None
    """Name of the full log under the run's `logs`, where there is one."""
    artifact: ArtifactSummary | None = None
    fingerprint: dict[str, str] = Field(default_factory=dict)
    parity: Parity | None = None
    latency: Latency | None = None
    latency_note: str = ""
    """Why there is no latency, where there is none."""
    measured: Measured = Measured()
    checks: tuple[Check, ...] = ()
    simulated: bool = False
    seconds: float
    reused_from: str | None = None
    """The run that measured this, where it was not measured again."""

    @property
    def name(self) -> CaseName:
        """The name of the case."""
        base = self.artifact.base if self.artifact is not None else ""
        return CaseName(self.model, self.variant, self.target, format=self.format, base=base)

    @property
    def id(self) -> str:
        """The name written out."""
        return f"{self.model}/{self.variant}/{self.target}"

    @property
    def target_at_place(self) -> str:
        """The target, with its place also where no other has it: milliseconds are of a machine."""
        return target_at(runtime_of(self.target), self.place) if self.place else self.target


class Machine(Frozen):
    """The machine that measured."""

    id: str
    """Hash of what decides speed: CPU model, core count, memory, operating system."""
    cpu: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    load_average: float

    @property
    def in_words(self) -> str:
        """Processor and cores."""
        return f"{self.cpu}, {self.cores} cores"


class ModelOrigin(Frozen):
    """Where a model's source is, so that it can be found again. Paths are relative to the project, with `/`."""

    identity: str
    """Hash of every file that decides what the model computes and what it is tried on."""
    kind: str
    path: str
    package: str = ""
    weights: str | None = None
    data: str | None = None
    files: tuple[str, ...] = ()
    signature: str = ""
    function: str = ""
    inputs: tuple[tuple[str, tuple[int, ...], str], ...] = ()
    """Name, shape and dtype of each declared input."""
    sequence: bool = False


class ModelSummary(Frozen):
    """What a run says of one model: its source, its golden and its signatures."""

    name: str
    summary: str
    task: str
    samples: int | None = None
    source: str
    golden_digest: str | None = None
    golden_metric: float | None = None
    origin: ModelOrigin | None = None
    """Null where a file of it lies outside the project."""
    loaded: LoadedFiles | None = None
    """The source's own files that the converter's process opened, and the inputs that it found; null in older records,
    and where there was no preparation."""
    signature: str = ""
    """The signature that was tested, where the source has such; empty for any other source."""
    untested_signatures: tuple[str, ...] = ()
    """The source's other signatures."""


class PlaceSummary(Frozen):
    """A place that had a part in a run."""

    name: str
    machine: Machine
    """The machine that measured. Of several machines of one place, which are alike, it is the first."""
    machines: int = 1


class RunRecord(Frozen):
    """One execution over a set of cases."""

    schema_version: Literal[1] = 1
    id: str
    """`YYYYMMDDTHHMMSSZ-xxxxxxxx`: start in UTC and a hash of machine, process and time that keeps it unique."""
    started: datetime
    finished: datetime
    status: Literal["complete", "interrupted"]
    command: str
    harness_version: str
    commit: str | None
    machine: Machine
    models: tuple[ModelSummary, ...]
    cases: tuple[CaseResult, ...]
    planned_cases: int = 0
    """How many cases were to be run; an interrupted run has fewer in `cases`."""
    plan: dict[str, Any] = Field(default_factory=dict)
    places: tuple[PlaceSummary, ...] = ()
    """Where its cases were measured, if anywhere else than on `machine`."""

    def machine_of(self, case: CaseResult) -> Machine:
        """The machine that a case was measured on."""
        return next((place.machine for place in self.places if place.name == case.place), self.machine)
