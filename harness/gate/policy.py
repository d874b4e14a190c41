"""The policy: which limit holds for which metric of which case, and where each limit comes from.

Rules are tried in order, and the first whose patterns match decides a metric; a user's rules are put before these.
Every default carries its source: a theory, a published rule or a measured fact, never "the value at which it passed".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, field_validator, model_validator

from harness.artifact import Frozen
from harness.case_name import CaseName
from harness.gate.rules import RULES

Share = Annotated[FiniteFloat, Field(ge=0.0, lt=1.0)]
Confidence = Annotated[FiniteFloat, Field(gt=0.5, lt=1.0)]
Edge = Literal["conversion", "runtime"]
Clock = Literal["data", "kernels"]
"""What a time is of: until the data is there, as a page waits, or of the kernels alone, by a GPU's own timers."""
ParityMetric = Literal["sqnr_db", "peak", "top1_agreement", "max_lsb", "amplified_lsb"]


class Where(Frozen):
    """The cases that a rule is for: shell patterns that all have to match."""

    model: str = Field(default="*", min_length=1, max_length=200)
    format: str = Field(default="*", min_length=1, max_length=200)
    variant: str = Field(default="*", min_length=1, max_length=200)
    target: str = Field(default="*", min_length=1, max_length=200)

    def covers(self, case: CaseName) -> bool:
        """Whether all four patterns match. Raises ValueError for a name whose format was not looked up: a rule for a
        format would be passed over in silence."""
        if not case.format:
            raise ValueError(f"the artifact format of {case} is not known here")
        return (
            fnmatchcase(case.model, self.model)
            and fnmatchcase(case.format, self.format)
            and fnmatchcase(case.variant, self.variant)
            and (fnmatchcase(case.target, self.target) or fnmatchcase(case.runtime, self.target))
        )


class ParityRule(Where):
    """One limit on one metric of one edge, for the cases that the patterns match.

    A `limit` of "off" lets the metric not gate.

    - `sqnr_db`: signal to error power, at least so many decibels. Relative to the output, whatever its range is.
    - `peak`: largest absolute error over the root mean square of the reference output, at most.
    - `top1_agreement`: share of samples with the same best class, at least (classifications, and outputs that are
      integers by themselves, such as a class index).
    - `max_lsb`: largest difference of stored integers (quantised outputs), at most; within it nothing else is asked.
    - `amplified_lsb`: the same beyond `max_lsb`, at most, if `sqnr_db` and `top1_agreement` hold as well.
    """

    edge: Edge
    metric: ParityMetric
    limit: FiniteFloat | Literal["off"]
    source: str = Field(min_length=1)
    conditioned: bool = False
    """Whether the limit gives way to the model's own conditioning, where that was measured: see
    `harness.gate.conditioned`."""
    bytes_of: str = Field(default="", max_length=200)
    """The target whose kernels this one has. Where the reference interpreter's bytes are others than that target's, but
    the two agree within the limits for any two runtimes, that target takes the reference's place."""

    @model_validator(mode="after")
    def possible(self) -> ParityRule:
        if self.limit != "off" and self.metric != "sqnr_db" and self.limit < 0.0:
            raise ValueError(f"a limit of {self.limit:g} is impossible: {self.metric} is never below zero")
        if self.limit != "off" and self.metric == "top1_agreement" and self.limit > 1.0:
            raise ValueError(f"a limit of {self.limit:g} is impossible: top1_agreement is a share, at most 1")
        return self

    @property
    def bound(self) -> float:
        """The limit as a number; infinite where it is off."""
        return float("inf") if self.limit == "off" else self.limit

    def covers(self, case: CaseName) -> bool:
        """A project's own variant is matched by its name and by that of its base: it is the same numeric scheme."""
        return super().covers(case) or bool(case.base and super().covers(replace(case, variant=case.base)))


class TaskRule(Frozen):
    """How much worse than the float32 model a converted one may be on labelled data.

    `margin` is a share of the float32 model's own figure. An accuracy passes where the paired score interval lies above
    −margin and fails where it lies below. Where the samples are too few for either, `undecided` says what follows:
    `point` takes the difference itself as MLPerf does (and says that it did), `fail` wants proof.
    """

    margin: Share = 0.01
    confidence: Confidence = 0.95
    undecided: Literal["point", "fail"] = "point"
    source: str = Field(
        default="MLPerf Inference: a quantised model reaches 99 % of the float32 reference (its strict form: 99.9 %)",
        min_length=1,
    )


class LatencyRule(Frozen):
    """What is asked of timings. Stored milliseconds never fail a case; two sides measured now, in turns, may."""

    require_steady: bool = False
    """Whether a timing that never settles fails by itself."""
    regressions: Literal["interleaved", "off"] = "interleaved"
    """Whether a case whose artifact or runtime is not the baseline's is timed against it."""
    confidence: Confidence = 0.95
    no_old_side: Literal["notice", "fail"] = "notice"
    """What follows where the artifact or runtime that the baseline names can no longer be had."""
    undecided: Literal["notice", "fail"] = "notice"
    """What follows where the time is up and the interval is still on both sides of the limit."""
    source: str = Field(
        default="Barrett et al., OOPSLA 2017: a run without a steady state has no one figure that stands for it",
        min_length=1,
    )


class RatioBudget(Where):
    """How much slower than the baseline's side a case may be: new time over old, 1.02 is 2 % slower. The verdict is
    *slower* where the whole interval lies above it, and a fresh pair of processes says the same."""

    time: Clock = "data"
    limit: FiniteFloat = Field(ge=1.0, le=100.0)
    source: str = Field(min_length=1)


class GrowthRule(Where):
    """The percentage by which a figure that is equal at every run may grow beyond the baseline's; "off" allows any
    growth."""

    figure: str = Field(min_length=1, max_length=200)
    """A pattern for names of figures: `artifact_bytes`, `*_bytes`, `instructions`."""
    percent: Annotated[FiniteFloat, Field(ge=0.0)] | Literal["off"]
    source: str = Field(min_length=1)


Meaning = Literal["fail", "regression", "ignore"]


class OutcomeRules(Frozen):
    """What each way to end without figures means: "fail" always, "regression" where the baseline's case ran, "ignore"
    never. `missing` is a case of the baseline that the run does not have: "covered" fails it where the run has its
    model, its variant and its target, each in some case (and of a variant that its target does not take by default:
    that variant on that target); "fail" always; "ignore" never."""

    crashed: Meaning = "fail"
    timed_out: Meaning = "fail"
    unsupported: Meaning = "regression"
    unavailable: Meaning = "regression"
    unmeasured: Meaning = "regression"
    missing: Literal["covered", "fail", "ignore"] = "covered"
    source: str = Field(default="A case is never dropped in silence; what ran in the baseline has to run", min_length=1)


class BaselineRule(Frozen):
    """What else a case may not lose against its baseline, and with what reason."""

    artifact: Literal["explained", "same", "ignore"] = "explained"
    """"explained": other bytes fail where nothing they are made of has changed, and for an artifact that was given
    ready; "same": other bytes fail; "ignore": never."""
    parity_drop_db: Annotated[FiniteFloat, Field(ge=0.0)] | Literal["off"] = 3.0
    """An SQNR below the baseline's by more than this fails."""
    task_margin: Share = 0.01
    """The task metric, and that of the float32 model itself, may be worse than in the baseline by this share."""
    source: str = Field(
        default="Twice the error power (3 dB), or a hundredth of the accuracy (MLPerf), is a change somebody made",
        min_length=1,
    )


class PolicyException(Frozen):
    """A known breach that is let through for a while: `case` is a pattern for `model/variant/target`, `rule` one for
    the names of rules. With a `limit`, the figure is held to that instead; without, the rule is set aside."""

    case: str = Field(min_length=1, max_length=200)
    rule: str = Field(min_length=1, max_length=200)
    metric: str = Field(default="*", min_length=1, max_length=200)
    limit: FiniteFloat | None = None
    reason: str = Field(min_length=8)
    expires: date
    """The last day on which it holds."""

    @field_validator("rule")
    @classmethod
    def names_a_rule(cls, rule: str) -> str:
        if not any(fnmatchcase(known, rule) for known in RULES):
            raise ValueError(f"no rule is called '{rule}'; there are {', '.join(RULES)}")
        return rule


class FigureLimit(Where):
    """An upper limit on a measured size or count (`artifact_bytes`, `arena_bytes`, …)."""

    figure: str = Field(min_length=1, max_length=200)
    limit: int = Field(ge=0)
    source: str = Field(min_length=1)


_ROUNDING = (
    "Rounding error of float32 sums: √n·2⁻²⁴ per dot product of length n (Higham and Mary 2019); n = 10⁴ over 30 "
    "layers in root mean square is 3·10⁻⁵, and threefold cancellation 10⁻⁴ of the signal: 80 dB"
)
_TFJS_ROUNDING = (
    "TensorFlow.js tests its own float32 backends to 10⁻³ where exp, tanh and the like are a GPU's or are polynomials "
    "(test_util's lenient epsilon): 60 dB"
)
_PEAK = "Ten times the root mean square that the SQNR limit allows: a Gaussian error reaches 5 in 10⁶ values"
_FLOAT16 = (
    "Rounding weights to 11 significant bits gives 73.7 dB a layer (Widrow and Kollár, Quantization Noise, 2008: noise "
    "0.18·2⁻²²); 30 layers cost 14.8 dB, threefold cancellation 9: 50 dB"
)
_EIGHT_BITS = (
    "Uniform 8-bit quantisation over eight standard deviations gives 40.9 dB a layer (6.02·8 − 7.3); 30 layers cost "
    "14.8 dB, weights and activations both 3, ranges stretched by outliers 3: 20 dB, an error of a tenth of the signal"
)
_FOUR_BITS = (
    "Uniform 4-bit quantisation over eight standard deviations gives 16.8 dB a layer (6.02·4 − 7.3), weights alone; "
    "five layers cost 7 dB: 10 dB, an error of a third of the signal. Deeper models that were not trained for it lose "
    "more (Nagel et al., A White Paper on Neural Network Quantization, 2021): leave layers in 8 bits or in float"
)
_EIGHT_BY_SIXTEEN = "As for 8 bits, with the weights alone at 8: 23 dB"
_SIXTEEN_BITS = (
    "Uniform 16-bit quantisation over sixteen standard deviations (one scale for a whole tensor) gives 83 dB a layer; "
    "30 layers cost 14.8 dB, outliers and cancellation 8: 60 dB"
)
_FEW_FLIPS = "Rounding decides only between classes that tie to within the SQNR limit: 1 in 100 samples at most"
_MLPERF_MOBILE = (
    "MLPerf Mobile accepts 98 % of the float32 accuracy; accuracy falls by no more than the share of changed answers"
)
_NO_PEAK = (
    "A probability near a decision may move by all of its range: quantisation bounds the power of errors, no peak"
)
_KERNELS = (
    "Measured (docs/measured-facts.md): int8 kernel families differ by ±1 LSB in convolutions and up to 3 LSB at the "
    "logits"
)
_SOFTMAX = (
    "Measured (docs/measured-facts.md): a softmax turns those 3 LSB into tens. Its slope is at most 1/4, so "
    "logits that move 6 LSB apart, over a range of 25, move a probability by 25·6/(4·256) = 0.15 of its range: 38 LSB"
)
_BIT_EXACT = (
    "Firmware has TensorFlow Lite Micro's integer kernels, and integers leave no room: it gives Micro's bytes, which "
    "are those of TensorFlow's reference kernels (docs/measured-facts.md) or, where not, are asked of tflm/host"
)
_KERNEL_NOISE = "Two integer kernels differ by no more than quantisation noise itself: " + _EIGHT_BITS
_OWN_ACTIVATIONS = "Each runtime quantises the activations of a dynamic-range model by its own rule: " + _EIGHT_BITS


MetricLimits = dict[ParityMetric, tuple[float | Literal["off"], str]]


def _rules(
    edge: Edge, limits: MetricLimits, *variants: str, conditioned: bool = False, bytes_of: str = "", **where: str
) -> list[ParityRule]:
    return [
        ParityRule(
            edge=edge,
            metric=metric,
            limit=limit,
            source=source,
            variant=variant,
            conditioned=conditioned,
            bytes_of=bytes_of,
            **where,
        )
        for variant in variants
        for metric, (limit, source) in limits.items()
    ]


def _conditioned(edge: Edge, limits: MetricLimits, *variants: str, **where: str) -> list[ParityRule]:
    return _rules(edge, limits, *variants, conditioned=True, **where)


_INTEGERS: MetricLimits = {"max_lsb": (3, _KERNELS), "amplified_lsb": (38, _SOFTMAX)}

_EXACT_INTEGERS: MetricLimits = {"max_lsb": (0, _BIT_EXACT), "amplified_lsb": (0, _BIT_EXACT)}

_EIGHT: MetricLimits = {"peak": ("off", _NO_PEAK), "top1_agreement": (0.98, _MLPERF_MOBILE)}
_FLOAT: MetricLimits = {"top1_agreement": (0.99, _FEW_FLIPS)}

_FLOAT32: MetricLimits = {"sqnr_db": (80, _ROUNDING), "peak": (1e-3, _PEAK), **_FLOAT}
_INTEGER_VARIANTS = ("int8*", "uint8*", "int16x8*", "int16-static*", "int4-static*")

DEFAULT_PARITY: tuple[ParityRule, ...] = (
    *_rules("conversion", {"sqnr_db": (50, _FLOAT16), "peak": (3e-2, _PEAK), **_FLOAT}, "float16*", "layers-float16*"),
    *_rules(
        "conversion", {"sqnr_db": (60, _SIXTEEN_BITS), "peak": (1e-2, _PEAK), **_FLOAT}, "uint16*", "layers-uint16*"
    ),
    *_rules("conversion", {"sqnr_db": (10, _FOUR_BITS), **_EIGHT}, "int4*"),
    *_rules("conversion", {"sqnr_db": (23, _EIGHT_BY_SIXTEEN), **_EIGHT}, "int16x8*", "int16-static*", "int8-weights*"),
    *_rules("conversion", {"sqnr_db": (20, _EIGHT_BITS), **_EIGHT}, "dynamic*", "int8*", "uint8*", "layers-uint8*"),
    *_conditioned("conversion", _FLOAT32, "*"),
    # TensorFlow.js variants store weights in fewer bits and compute in float32 all the same.
    *_conditioned("runtime", {"sqnr_db": (60, _TFJS_ROUNDING), "peak": (1e-2, _PEAK), **_FLOAT}, "*", format="tfjs"),
    *_conditioned(
        "runtime",
        {"sqnr_db": (20, _OWN_ACTIVATIONS), **_EIGHT},
        *("dynamic*", "int8-dynamic*", "int4-dynamic*", "int4-blocks*"),
    ),
    # Their weights are made float32 before anything is computed.
    *_conditioned("runtime", {**_INTEGERS, **_FLOAT32}, "int8-weights*", "int4-weights*"),
    # TFLite's uint8 is int8 inside, with another type at inputs and outputs.
    *_rules("runtime", _EXACT_INTEGERS, *_INTEGER_VARIANTS, bytes_of="tflm/host", target="mcu/*"),
    *_conditioned("runtime", {**_INTEGERS, "sqnr_db": (20, _KERNEL_NOISE), **_EIGHT}, *_INTEGER_VARIANTS),
    *_conditioned("runtime", {**_INTEGERS, **_FLOAT32}, "*"),
)


_INTERLEAVED = (
    "Measured (docs/measured-facts.md): blocks in random order, interval wholly above 2 %: no false "
    "alarm in 201 A/A trials, 96 of 100 found at +5 %"
)
_KERNELS_ALONE = (
    "The same blocks in random order and the same interval, by the GPU's own timers: reading results back took 2.6 to "
    "4.4 ms in the browser (docs/measured-facts.md), which hides kernels that take a tenth of that"
)
_EXACT = "Equal at every run: a figure that grew was made to grow; accept a new baseline if it was meant"
_NO_SIZE = "A checksum of the outputs, and the board's own sizes, are no costs"

DEFAULT_GROWTH: tuple[GrowthRule, ...] = (
    GrowthRule(figure="board_*", percent="off", source=_NO_SIZE),
    GrowthRule(figure="*_crc32", percent="off", source=_NO_SIZE),
    GrowthRule(figure="*", percent=0.0, source=_EXACT),
)


class Policy(Frozen):
    """All rules. Where there are several of a kind they are tried in order, and the first that matches decides."""

    parity: tuple[ParityRule, ...] = DEFAULT_PARITY
    task: TaskRule = TaskRule()
    latency: LatencyRule = LatencyRule()
    ratios: tuple[RatioBudget, ...] = (
        RatioBudget(limit=1.02, source=_INTERLEAVED),
        RatioBudget(time="kernels", limit=1.02, source=_KERNELS_ALONE),
    )
    budgets: tuple[FigureLimit, ...] = ()
    growth: tuple[GrowthRule, ...] = DEFAULT_GROWTH
    outcomes: OutcomeRules = OutcomeRules()
    baseline: BaselineRule = BaselineRule()
    exceptions: tuple[PolicyException, ...] = ()

    def parity_rule(self, edge: Edge, metric: ParityMetric, case: CaseName) -> ParityRule | None:
        """The rule that decides `metric` on `edge`; None where none matches, or where the first that does is off."""
        matching = (rule for rule in self.parity if (rule.edge, rule.metric) == (edge, metric) and rule.covers(case))
        found = next(matching, None)
        return None if found is None or found.limit == "off" else found

    def ratio_budget(self, case: CaseName, time: Clock = "data") -> RatioBudget | None:
        """How much slower than its baseline a case may be, in that time; None where no budget is for it."""
        return next((rule for rule in self.ratios if rule.time == time and rule.covers(case)), None)

    def growth_rule(self, figure: str, case: CaseName) -> GrowthRule | None:
        """How much a figure may grow; None where no rule matches, or where the first that does is off."""
        matching = (rule for rule in self.growth if fnmatchcase(figure, rule.figure) and rule.covers(case))
        found = next(matching, None)
        return None if found is None or found.percent == "off" else found

    def with_rules(self, *rules: ParityRule) -> Policy:
        """The policy with `rules` tried before those that it has."""
        return self.model_copy(update={"parity": (*rules, *self.parity)})
