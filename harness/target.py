"""The interface of a target: one runtime in one place. The engine depends on this, never on a target.

A target is small on purpose: `probe` says whether it is ready, `unsupported_operators` what it cannot run, `open` gives
a session. Every session runs in another process (or a browser, or an emulator), so that a crash is an outcome and not
the end.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.errors import ANY_ERROR, CaseError, Failed, HarnessError, Unavailable, Unsupported, as_case_error
from harness.model import Tensors
from harness.ragged import concatenate_parts
from harness.reproduction import Reproduction

BATCH_GROWTH = 8
"""Factor by which a batch may exceed the samples that were done before it: what one batch took says little of the
next."""


FIRST_SECONDS = 5.0
"""Factor of the available seconds. After a first sample that takes longer than this factor times them, no other
sample is run."""


@dataclass(frozen=True)
class Readiness:
    """Whether a target can run here. `missing` names the part, `install` is the one line that installs it."""

    ready: bool
    missing: str = ""
    install: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    """What is there: versions, paths' names, renderer; shown by `doctor`, kept in the run record."""


@dataclass(frozen=True)
class TimingPlan:
    """How long to measure. The worker stops once both minima are met, and at `max_iterations` or after `max_seconds`
    even if they are not."""

    min_iterations: int = 100
    min_seconds: float = 0.5
    max_iterations: int = 2000
    max_seconds: float = 10.0
    per_operator: bool = False
    """Whether some more invocations are to say where the time goes, where the runtime can tell."""
    kernels: bool = False
    """Whether some more are to be timed by a GPU's own timers, where it has any."""
    operator_seconds: float = 0.0
    """How long the model may be timed cut after each of its operators, where the runtime itself does not tell; 0 for
    not at all."""


@dataclass(frozen=True)
class Timing:
    """Raw samples of one timing run, in order, warm-up included; the engine decides what is warm-up.

    `samples_ns` int64 nanoseconds shaped (iterations,), each around one invocation alone; `first_ns` is the first
    inference after loading, apart; `load_ns` the time to load the model; `details` what the target wants recorded.
    `start_ns`: to start the runtime before the model is loaded (its WebAssembly compiled, a GPU's device made). Of what
    comes up to the end of the first inference, `compile_ns` compiles what a GPU runs and `upload_ns` lays weights and
    inputs into its memory, as the runtime's own thread waits for it; None where that cannot be told.
    """

    samples_ns: NDArray[np.int64]
    first_ns: int
    load_ns: int | None = None
    clock_resolution_ns: float | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    per_operator: tuple[OperatorSamples, ...] = ()
    """Times of each operator. They are of other invocations than `samples_ns`, because measuring each operator makes an
    invocation slower."""
    kernel_ns: NDArray[np.float64] | None = None
    """A GPU's own time of all kernels of one invocation, by its timers, (invocations,), where it has any."""
    kernel_resolution_ns: float | None = None
    """The smallest step between two times that these timers were seen to give."""
    start_ns: float | None = None
    compile_ns: float | None = None
    upload_ns: float | None = None


@dataclass(frozen=True)
class OperatorSamples:
    """What one kind of operator took in each of some invocations: all of its `count` runs with results of `shape`, in
    nanoseconds (invocations,)."""

    operator: str
    shape: str
    count: int
    samples_ns: NDArray[np.float64]


@dataclass(frozen=True)
class Footprint:
    """Deterministic and observed sizes. Keys end in their unit: `artifact_bytes`, `arena_bytes`, `peak_memory_bytes`,
    `instructions`, `flash_bytes`, `ram_bytes`. `exact` names those that are the same at every run."""

    figures: Mapping[str, int] = field(default_factory=dict)
    exact: frozenset[str] = frozenset()
    per_operator: tuple[Mapping[str, Any], ...] = ()
    """Per operator, in execution order: `{"index": 0, "operator": "CONV_2D", "instructions": 12345}`."""
    details: Mapping[str, str] = field(default_factory=dict)
    """What did the work, as the runtime itself says now (`backend`, `renderer`): what the fingerprint asked for and did
    not get is a failure."""


@dataclass(frozen=True)
class Tried:
    """What one inference gave: sizes, and outputs as `Session.infer` gives them."""

    footprint: Footprint
    outputs: Tensors


@dataclass(frozen=True)
class OperatorTimes:
    """What the operators of a model take by the clock. `times_ns`, int64 nanoseconds shaped (rounds, operators): of the
    model cut after each of them, so that an operator's own is the difference to the one before."""

    operators: tuple[str, ...]
    times_ns: NDArray[np.int64]
    shapes: tuple[str, ...] = ()
    """Shape of each operator's first result, written as `1×8×8×16`. Empty if the shapes are not known."""


@dataclass(frozen=True)
class Loaded:
    """What the process that holds the runtime says of itself: SHA-256 of each file that it opened, by its path in the
    artifact, and what the runtime calls the inputs that it takes; nothing of a runtime that has no such names."""

    files: Mapping[str, str]
    inputs: tuple[str, ...] = ()


def require_one_output_per_sample(outputs: dict[str, NDArray[Any]], samples: int) -> dict[str, NDArray[Any]]:
    """The outputs, where there is one for each sample. Raises `Failed`: which sample is which could not be told."""
    for name, values in outputs.items():
        if len(values) != samples:
            raise Failed(f"The runtime answered {len(values)} of {samples} samples in output '{name}'.")
    return outputs


class Session(abc.ABC):
    """An artifact loaded into a runtime."""

    def loaded(self) -> Loaded | None:
        """What was really opened, held against the artifact by the engine; None of a runtime that does not say."""
        return None

    @abc.abstractmethod
    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        """Run every sample through the model, one invocation a sample.

        `samples`: canonical input name → array shaped (samples, *static shape) of the artifact's own dtype (already
        quantised). Returns canonical output name → array shaped (samples, *output shape) of the artifact's dtype, as
        `harness.ragged` keeps them where their size depends on the data.
        Raises `Unsupported`, `Crashed` or `TimedOut`.
        """

    def infer_within(self, samples: Tensors, seconds: float) -> dict[str, NDArray[Any]]:
        """Same as `infer`, over the first samples that take about `seconds` together; at least one sample.

        The first one stands apart: it may compile. What the second takes says what a sample costs, and batches grow
        with what is known of the cost: a wrong guess costs little.
        """
        count = len(next(iter(samples.values())))
        begun = time.monotonic()
        parts = [require_one_output_per_sample(self.infer({name: values[:1] for name, values in samples.items()}), 1)]
        first_seconds = time.monotonic() - begun
        begun = time.monotonic()
        done, batch, batch_seconds = 1, 1, 0.0
        while done < count:
            left = seconds - (time.monotonic() - begun)
            fitting = int(left * batch / max(batch_seconds, 1e-6))
            if done == 1:
                fitting = 1 if first_seconds < FIRST_SECONDS * seconds else 0
            batch = min(count - done, fitting, BATCH_GROWTH * done)
            if batch < 1:
                break
            batch_begun = time.monotonic()
            part = self.infer({name: values[done : done + batch] for name, values in samples.items()})
            parts.append(require_one_output_per_sample(part, batch))
            done, batch_seconds = done + batch, time.monotonic() - batch_begun
        return concatenate_parts(parts)

    @abc.abstractmethod
    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        """Invoke repeatedly on the first sample; the loop runs beside the runtime. Raises as `infer`, and
        `Unsupported` where the target has no clock (an emulator), `NoClock` where it turns out to have none."""

    def time_operators(self, samples: Tensors, seconds: float) -> OperatorTimes:
        """Time each operator on the first sample, for about `seconds`. Raises as `infer`; `Unsupported` where operators
        cannot be timed one by one."""
        raise Unsupported("its operators cannot be timed one by one")

    def footprint(self) -> Footprint:
        """Sizes seen so far in this session."""
        return Footprint()


def sizes_of(session: Session) -> Footprint:
    """The session's sizes after it ran. Empty if they cannot be had, because that says nothing of the outputs."""
    try:
        return session.footprint()
    except ANY_ERROR:
        return Footprint()


@dataclass(frozen=True)
class SessionTimeouts:
    """Bounds on one session, in seconds."""

    open_seconds: float = 60.0
    infer_seconds: float = 300.0


DEFAULT_LIMITS = SessionTimeouts()


def does_not_run(target: str, missing: Sequence[str]) -> str:
    """The sentence that a target cannot run something, with the reasons of `Target.unsupported_operators`."""
    return f"{target} does not run {'; '.join(missing)}."


class Target(abc.ABC):
    """One runtime in one place."""

    name: str
    """`family/runtime`, as `tflite/litert-xnnpack`."""
    format: str
    """The artifact format that it opens: `tflite`, `tfjs`."""
    default_variants: tuple[str, ...]
    """The variants that the default matrix takes on this target; `--all` takes every variant of the format."""
    timed: bool = True
    """False where milliseconds mean nothing (emulators)."""
    simulated: bool = False
    """True for emulators and software renderers: rows are marked and their milliseconds never gate."""
    slot: Literal["processor", "browser", "emulator", "board"] = "processor"
    own_clock: bool = False
    """True where time is counted by a clock that nothing else on this machine disturbs: the cycles of a board."""
    predicted_by: str = ""
    """Another target, quicker to ask, that has the same kernels: `assess` asks that one in place of this."""
    reported_by: str = ""
    """Another target, of a public package, that this one computes the same as: where that one has the same fault, its
    script is what `bundle` packs."""
    predicted_values: bool = True
    """Whether what that one computes says what this one will: false where the kernels are made for another processor.
    """

    @abc.abstractmethod
    def probe(self) -> Readiness:
        """Cheap: no runtime is started, nothing is installed. Never raises."""

    def require(self) -> None:
        """Raises `Unavailable`, with what is missing and how to get it, where it is not ready."""
        readiness = self.probe()
        if not readiness.ready:
            raise Unavailable(f"{self.name} is not ready: {readiness.missing} is missing; {readiness.install}.")

    def prepare(self) -> None:
        """Install what the project itself can install (an environment from pinned requirements). Idempotent, quick when
        nothing changed. Raises `Unavailable`."""
        return

    def end_leftovers(self) -> None:
        """End what earlier sessions left running where it would shorten the first inference of the next one: a process
        that keeps compiled shaders. Called before a session that is timed."""
        return

    @abc.abstractmethod
    def fingerprint(self) -> dict[str, str]:
        """What decides the figures: runtime versions, flags, threads. Part of a case's content address."""

    def with_fingerprint(self, changes: Mapping[str, str]) -> Target:
        """This target with other values of its fingerprint (`threads`, a package and its version, `browser`), to
        stand beside this one in a comparison. Nothing is installed before `prepare`. Raises `Unavailable` for what
        cannot be changed or no longer be had; keys that measure alike (the measuring code itself) are passed over."""
        if not changes:
            return self
        raise Unavailable(f"{self.name} cannot be had with another {' and '.join(sorted(changes))}.")

    def configured(self, name: str, flags: Mapping[str, bool | int | float | str]) -> Target:
        """This target under another name with flags of its runtime set: a project's own, from `[targets]` of
        harness.toml. It runs when it is named. Raises `HarnessError` where the runtime takes none."""
        raise HarnessError(f"targets.{name}: {self.name} takes no flags.")

    def unsupported_operators(self, artifact: Artifact) -> tuple[str, ...]:
        """The operators (or types) of `artifact` that this target cannot run, each with the reason in words; empty if
        it can run all as far as is known."""
        return ()

    def require_support(self, artifact: Artifact) -> None:
        """Raises `Unsupported` with what of `artifact` this target cannot run, as far as is known beforehand."""
        if missing := self.unsupported_operators(artifact):
            raise Unsupported(does_not_run(self.name, missing))

    def reproduction(self, artifact: Artifact) -> Reproduction:
        """What repeats on this runtime, without this program, what it makes of `artifact`. Raises `Unsupported` where
        nothing does."""
        raise Unsupported(f"there is no script that repeats on {self.name} what is wrong, without the harness")

    @abc.abstractmethod
    def open(self, artifact: Artifact, limits: SessionTimeouts = DEFAULT_LIMITS) -> AbstractContextManager[Session]:
        """Load `artifact` in a process of its own; leaving the context ends it, whatever happened.
        Raises `Unsupported`, `Unavailable`, `Crashed`, `TimedOut`."""

    def try_each(
        self, artifacts: Sequence[Artifact], samples: Sequence[Tensors], limits: SessionTimeouts = DEFAULT_LIMITS
    ) -> list[Tried | CaseError]:
        """One `infer` of each artifact, for `assess`: what it gave and its footprint, or what ended it. A family whose
        runtime takes long to start does all of them in one process."""
        answers: list[Tried | CaseError] = []
        for artifact, tensors in zip(artifacts, samples, strict=True):
            try:
                with self.open(artifact, limits) as session:
                    outputs = session.infer(tensors)
                    answers.append(Tried(sizes_of(session), outputs))
            except ANY_ERROR as error:
                answers.append(as_case_error(error, f"Trying it on {self.name}"))
        return answers
