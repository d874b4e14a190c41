"""A made-up run record with everything a real one can hold: every outcome, hostile text, emulators, odd timings.

Deterministic: the same call gives the same record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from harness.artifact import FileHash
from harness.store.record import (
    ArtifactSummary,
    CaseResult,
    Check,
    Comparison,
    Interval,
    Latency,
    Machine,
    Measured,
    ModelSummary,
    OperatorCost,
    Outcome,
    Parity,
    RunRecord,
    SteadyState,
    TaskMetric,
)

HOSTILE = '<script>window.hostile=1</script><img src=x onerror="window.hostile=1">'
"""Text that a model's name or a runtime's message could carry; the page must show it, never run it."""

MODELS = {
    "hello_world": ("A two-layer network that computes a sine", "regression", 3_000, 0.004),
    "digits_cnn": ("A small CNN that reads handwritten digits", "classification", 60_000, 0.11),
    "keyword_dscnn": ("Spots one of twelve words in a second of sound", "classification", 96_000, 0.9),
    "image_resnet8": ("Sorts 32×32 pictures into ten classes", "classification", 314_000, 2.6),
    "anomaly_autoencoder": ("Reconstructs the sound of a healthy machine", "reconstruction", 1_070_000, 0.21),
    "wakeword_mobilenet": ("Says whether a person is in the picture", "classification", 870_000, 1.7),
    "digits_lstm": ("Reads a digit row by row with an LSTM", "classification", 140_000, 0.4),
    "attention_block": ("One transformer encoder block", "encoding", 210_000, 0.6),
    "squared": ("A concrete function with no Keras in it", "regression", 1_200, 0.002),
}
"""Name to summary, task, float32 bytes and typical milliseconds."""

TFLITE_VARIANTS = {
    "float32": (1.0, 128.0),
    "float16": (0.52, 67.0),
    "dynamic": (0.28, 41.0),
    "int8": (0.27, 33.0),
    "int8-float-io": (0.275, 33.4),
    "int16x8": (0.29, 58.0),
}
"""Name to share of the float32 bytes and typical signal-to-noise ratio."""

TFJS_VARIANTS = {"float32": (1.02, 121.0), "float16": (0.53, 66.0), "uint8": (0.29, 38.0)}

TARGETS = {
    "tflite/litert-xnnpack": (1.0, TFLITE_VARIANTS),
    "tflite/litert-builtin": (2.1, TFLITE_VARIANTS),
    "tflite/litert-reference": (19.0, TFLITE_VARIANTS),
    "tflite/tensorflow": (1.15, TFLITE_VARIANTS),
    "tflite/tflite-runtime": (1.6, TFLITE_VARIANTS),
    "tfjs/chromium-cpu": (60.0, TFJS_VARIANTS),
    "tfjs/chromium-wasm": (2.4, TFJS_VARIANTS),
    "tfjs/chromium-webgl": (28.0, TFJS_VARIANTS),
    "mcu/renode-cortex-m4": (0.0, {"int8": TFLITE_VARIANTS["int8"]}),
    "mcu/host": (0.0, {"int8": TFLITE_VARIANTS["int8"]}),
}
"""Name to how much slower than the first, and the variants that it takes."""

TROUBLE: dict[tuple[str, str, str], tuple[Outcome, str]] = {
    ("keyword_dscnn", "int8", "tflite/tflite-runtime"): (
        Outcome.FAILED,
        "The runtime differs from the reference by 9 LSB where 1 is allowed: first in DEPTHWISE_CONV_2D (operator 3).",
    ),
    ("image_resnet8", "dynamic", "tflite/litert-builtin"): (
        Outcome.FAILED,
        "The output holds NaN in 3 of 100 samples, the first in sample 17.",
    ),
    ("digits_lstm", "int8", "tflite/tflite-runtime"): (
        Outcome.CRASHED,
        "The worker died of signal 11 (segmentation fault) while it opened the model; see the log.",
    ),
    ("attention_block", "float32", "tfjs/chromium-cpu"): (
        Outcome.TIMED_OUT,
        "No answer in 300 s during inference; raise it with --infer-seconds or leave this target out.",
    ),
    ("squared", "uint8", "tfjs/chromium-webgl"): (Outcome.CRASHED, f"The page ended: {HOSTILE}"),
}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _seed(text: str) -> int:
    return int(_digest(text)[:8], 16)


def _comparison(output: str, sqnr_db: float | None, quantised: bool, finite: bool = True) -> Comparison:
    """A comparison with that ratio; none means equal bit for bit."""
    error = 0.0 if sqnr_db is None else 10 ** (-sqnr_db / 20)
    return Comparison(
        output=output,
        finite=finite,
        elements=1200,
        max_abs=error * 4 if finite else None,
        mean_abs=error * 0.6 if finite else None,
        rmse=error if finite else None,
        sqnr_db=sqnr_db if finite else None,
        cosine=1 - error**2 / 2 if finite else None,
        top1_agreement=1.0 if error < 0.001 else 0.97,
        top5_agreement=1.0,
        max_lsb=round(error * 300) if quantised else None,
        differing_share=min(1.0, error * 9) if quantised else None,
        smallest_tolerance=error * 3 if finite else None,
        worst_sample=17,
        worst_index=(0, 3),
    )


def _parity(model: str, variant: str, sqnr_db: float, outcome: Outcome, task: str) -> Parity:
    noise = np.random.default_rng(_seed(f"{model}/{variant}"))
    ratio = sqnr_db + float(noise.normal(0, 4))
    quantised = variant.startswith("int")
    broken = outcome is Outcome.FAILED
    runtime_db = (28.0 if quantised else None) if broken else (None if quantised else 125.0)
    finite = not (broken and not quantised)
    metric = None
    if task == "classification":
        metric = TaskMetric(name="accuracy", value=0.962 if ratio < 50 else 0.974, golden=0.975, samples=360)
    return Parity(
        samples=100,
        reference="litert 2.1.0, reference kernels",
        conversion=(_comparison("output", ratio, quantised),),
        runtime=(_comparison("output", runtime_db, quantised, finite),),
        end_to_end=(_comparison("output", min(ratio, runtime_db or ratio), quantised, finite),),
        task=metric,
    )


def _latency(case_id: str, typical_ms: float, state: SteadyState) -> Latency:
    noise = np.random.default_rng(_seed(case_id))
    count = 900
    samples = typical_ms * 1e6 * noise.lognormal(0, 0.05, count)
    samples[:40] *= np.linspace(2.4, 1.0, 40)
    samples[noise.integers(50, count, 5)] *= 6
    if state is SteadyState.NONE:
        samples *= 1 + 0.5 * np.sin(np.arange(count) / 40)
    if state is SteadyState.SLOWDOWN:
        samples[500:] *= 1.3
    steady = samples[40:] / 1e6
    median = float(np.median(steady))
    return Latency(
        state=state,
        warmup_discarded=40,
        iterations=count - 40,
        first_ms=typical_ms * 7,
        load_ms=typical_ms * 3 + 1,
        median_ms=median,
        p90_ms=float(np.quantile(steady, 0.9)),
        p99_ms=float(np.quantile(steady, 0.99)),
        min_ms=float(steady.min()),
        median_interval=Interval(low=median * 0.985, high=median * 1.02),
        clock_resolution_ns=60.0,
        load_average=0.4,
        samples_ns=tuple(int(sample) for sample in samples),
        details={"threads": "1"},
    )


def _artifact(model: str, format_name: str, variant: str, size: int) -> ArtifactSummary:
    key = _digest(f"{model}/{format_name}/{variant}")
    file_name = "model.tflite" if format_name == "tflite" else "model.json"
    return ArtifactSummary(
        key=key,
        digest=_digest(key),
        bytes=size,
        files=(FileHash(path=file_name, bytes=size, sha256=_digest(file_name + key)),),
        operators={"CONV_2D": 4, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 1, "SOFTMAX": 1},
        converter={"tensorflow": "2.19.0"} if format_name == "tflite" else {"tensorflowjs": "4.22.0"},
    )


def _microcontroller(model: str, size: int) -> Measured:
    noise = np.random.default_rng(_seed(model))
    names = ("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "AVERAGE_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX")
    costs = [int(size * factor) for factor in noise.uniform(0.5, 160, len(names))]
    figures = {
        "instructions": sum(costs),
        "flash_bytes": size + 41_000,
        "ram_bytes": size // 6 + 14_000,
        "arena_bytes": size // 6 + 9_000,
        "stack_bytes": 476,
        "board_flash_bytes": 256 * 1024,
        "board_ram_bytes": 64 * 1024,
        "outputs_crc32": 0xDEADBEEF,
    }
    return Measured(
        figures=figures,
        exact=tuple(figures),
        per_operator=tuple(
            OperatorCost(index=index, operator=name, instructions=cost)
            for index, (name, cost) in enumerate(zip(names, costs, strict=True))
        ),
    )


def _checks(parity: Parity) -> tuple[Check, ...]:
    conversion = parity.conversion[0]
    runtime = parity.runtime[0]
    checks = [
        Check(
            rule="conversion keeps the output",
            metric="conversion.sqnr_db",
            measured=conversion.sqnr_db,
            limit=20.0,
            passed=(conversion.sqnr_db or 999.0) >= 20.0,
            source="default policy",
        )
    ]
    if runtime.max_lsb is not None:
        checks.append(
            Check(
                rule="runtime equals the reference",
                metric="runtime.max_lsb",
                measured=float(runtime.max_lsb),
                limit=1.0,
                passed=runtime.max_lsb <= 1,
                source="default policy",
                message="" if runtime.max_lsb <= 1 else "first difference in DEPTHWISE_CONV_2D (operator 3)",
            )
        )
    if not runtime.finite:
        checks.append(
            Check(
                rule="no NaN or infinity",
                metric="runtime.finite",
                measured=None,
                limit=None,
                passed=False,
                source="built in",
            )
        )
    if parity.task is not None:
        checks.append(
            Check(
                rule="accuracy is no worse than the float model's by 2 points",
                metric="task.accuracy",
                measured=parity.task.value,
                limit=0.955,
                passed=True,
                source="models/digits_cnn.py",
            )
        )
    return tuple(checks)


def _outcome(model: str, variant: str, target: str) -> tuple[Outcome, str]:
    if target == "mcu/renode-cortex-m4" and model in {"digits_lstm", "attention_block", "squared"}:
        return Outcome.UNSUPPORTED, "The firmware has no kernel for UNIDIRECTIONAL_SEQUENCE_LSTM or BATCH_MATMUL."
    if target == "tflite/tflite-runtime" and model == "attention_block":
        return Outcome.UNSUPPORTED, "tflite-runtime 2.14 has no GELU version 2; convert with TensorFlow 2.14 or older."
    if target == "mcu/host":
        return Outcome.UNAVAILABLE, "tflite-micro is not installed: uv pip install tflite-micro."
    return TROUBLE.get((model, variant, target), (Outcome.PASSED, ""))


@cache
def _case(model: str, variant: str, target: str, samples_kept: bool) -> CaseResult:
    _, task, float_bytes, base_ms = MODELS[model]
    slowness, variants = TARGETS[target]
    share, sqnr_db = variants[variant]
    family = target.split("/")[0]
    outcome, reason = _outcome(model, variant, target)
    ran = outcome in {Outcome.PASSED, Outcome.FAILED}
    size = int(float_bytes * share) + 900
    parity = _parity(model, variant, sqnr_db, outcome, task) if ran else None
    speed = {"int8": 0.45, "int8-float-io": 0.47, "dynamic": 0.7}.get(variant, 1.0)
    case_id = f"{model}/{variant}/{target}"
    state = SteadyState.WARMUP
    if case_id == "image_resnet8/float32/tfjs/chromium-wasm":
        state = SteadyState.NONE
    elif case_id == "wakeword_mobilenet/float16/tflite/tensorflow":
        state = SteadyState.SLOWDOWN
    timed = ran and samples_kept and family != "mcu"
    return CaseResult(
        key=_digest(case_id),
        model=model,
        variant=variant,
        target=target,
        outcome=outcome,
        reason=reason,
        log=f"{model}-{variant}.log" if outcome in {Outcome.CRASHED, Outcome.TIMED_OUT} else None,
        artifact=_artifact(model, "tfjs" if family == "tfjs" else "tflite", variant, size),
        fingerprint={"runtime": "litert 2.1.0", "threads": "1", "machine": "x86_64"}
        | ({"renderer": "ANGLE (Google, Vulkan, SwiftShader)"} if target.endswith("webgl") else {}),
        parity=parity,
        latency=_latency(case_id, base_ms * slowness * speed, state) if timed else None,
        latency_note="An emulator has no clock of its own: instructions are counted instead."
        if family == "mcu"
        else "",
        measured=_microcontroller(model, size)
        if family == "mcu" and ran
        else Measured(figures={"peak_memory_bytes": size * 3}, exact=()),
        checks=_checks(parity) if parity else (),
        simulated=target in {"tfjs/chromium-webgl", "mcu/renode-cortex-m4"},
        seconds=2.5,
        reused_from="20260101T000000Z-deadbeef" if variant == "int16x8" else None,
    )


def sample_record(
    *, models: Iterable[str] = tuple(MODELS), interrupted: bool = True, hostile: bool = True, timed: bool = True
) -> RunRecord:
    """A record over `models` and every target; with a case whose names are hostile text where `hostile`."""
    names = tuple(models)
    cases = [
        _case(model, variant, target, timed)
        for model in names
        for target, (_, variants) in TARGETS.items()
        for variant in variants
    ]
    summaries = [
        ModelSummary(
            name=name,
            summary=MODELS[name][0],
            task=MODELS[name][1],
            samples=100,
            source=f"models/{name}.py",
            golden_digest=_digest(name),
            golden_metric=0.975 if MODELS[name][1] == "classification" else None,
        )
        for name in names
    ]
    if hostile:
        template = next((case for case in cases if case.outcome is Outcome.PASSED), cases[0])
        cases.append(template.model_copy(update={"model": HOSTILE, "outcome": Outcome.FAILED, "reason": HOSTILE}))
        summaries.append(ModelSummary(name=HOSTILE, summary=HOSTILE, task="regression", source=HOSTILE))
    started = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
    return RunRecord(
        id="20260314T092653Z-5a6b7c8d",
        started=started,
        finished=started + timedelta(seconds=247),
        status="interrupted" if interrupted else "complete",
        command="harness run --all",
        harness_version="0.1.0",
        commit="5321fcc0a1b2c3d4e5f60718293a4b5c6d7e8f90",
        machine=Machine(
            id=_digest("machine")[:12],
            cpu="AMD EPYC 7763 64-Core Processor",
            cores=2,
            memory_bytes=8 * 2**30,
            system="Debian GNU/Linux 12 (bookworm)",
            python="3.11.7",
            load_average=1.9 if interrupted else 0.2,
        ),
        models=tuple(summaries),
        cases=tuple(cases),
        plan={"seed": 20240229, "min_iterations": 100, "threads": 1},
    )


def previous_of(record: RunRecord) -> RunRecord:
    """An earlier run of the same: one failure was none, one case was not there and another is gone since, every fifth
    timing was a fifth faster, and files were made by an older converter, some of them smaller."""
    cases = list(record.cases)
    gone = cases[0].model_copy(update={"variant": "float8", "outcome": Outcome.PASSED})
    return record.model_copy(
        update={
            "id": "20260301T080000Z-00000001",
            "started": record.started - timedelta(days=13),
            "commit": "a" * 40,
            "cases": (gone, *(_earlier(case, index) for index, case in enumerate(cases) if index != 33)),
        }
    )


def _earlier(case: CaseResult, index: int) -> CaseResult:
    update: dict[str, object] = {}
    if case.outcome is Outcome.FAILED and case.model == "keyword_dscnn":
        update |= {"outcome": Outcome.PASSED, "reason": ""}
    if case.latency and index % 5 == 0:
        old = case.latency
        interval = Interval(low=old.median_interval.low * 0.8, high=old.median_interval.high * 0.8)
        samples = tuple(int(sample * 0.8) for sample in old.samples_ns)
        update["latency"] = old.model_copy(
            update={"median_ms": old.median_ms * 0.8, "median_interval": interval, "samples_ns": samples}
        )
    if case.artifact and index % 40 == 1:
        update["artifact"] = case.artifact.model_copy(
            update={"bytes": case.artifact.bytes - 100, "converter": {"tensorflow": "2.18.0"}}
        )
    return case.model_copy(update=update)
