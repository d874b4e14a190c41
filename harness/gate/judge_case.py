"""Judges one case by the policy alone: its rules, the backend that the runtime reports, and the exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from harness.case_name import CaseName
from harness.gate.judge import judge
from harness.gate.policy import Policy
from harness.gate.policy_exceptions import apply_exceptions
from harness.parity.conditions import runtime_notices
from harness.store.record import Check, Latency, Measured, Parity
from harness.variant import READY

AS_ASKED = ("backend", "wasm_file", "renderer")
"""What a target asks for in its fingerprint and a runtime answers in its details, under one name."""


def judge_case(
    case: CaseName,
    parity: Parity | None,
    latency: Latency | None,
    measured: Measured,
    fingerprint: Mapping[str, str],
    policy: Policy,
    today: date | None = None,
    *,
    scheme: str = "",
) -> tuple[Check, ...]:
    """Every check of a case that ran, with exceptions applied. `scheme`: the artifact's numeric scheme."""
    checks = judge(name_for_rules(case, scheme), parity, latency, measured, policy)
    checks += tuple(_as_asked(fingerprint, measured.details, latency.details if latency else {}))
    checks += tuple(_leaked(latency.details if latency else {}))
    checks += tuple(_in_half_precision(measured.details, parity))
    checks += tuple(_accelerated_check(measured.details))
    now = today or date.today()
    return tuple(apply_exceptions(check, case, policy.exceptions, now)[0] for check in checks)


def name_for_rules(case: CaseName, scheme: str) -> CaseName:
    """The name that rules see. The variant of a ready artifact tells nothing of its numbers, so its numeric scheme is
    put before it: `int8-ready`."""
    ready = case.variant == READY.name and scheme
    return replace(case, variant=f"{scheme}-{case.variant}") if ready else case


def _as_asked(fingerprint: Mapping[str, str], *answers: Mapping[str, str]) -> list[Check]:
    """A failing check where the runtime used another backend than the one that was asked for."""
    checks = []
    for key in AS_ASKED:
        asked, answered = fingerprint.get(key), [details[key] for details in answers if key in details]
        if asked is None or not answered:
            continue
        others = [answer for answer in answered if answer != asked]
        message = f"The {key} '{asked}' was asked for and '{others[0]}' did the work." if others else ""
        checks.append(
            Check.make(
                "runtime.as_asked",
                f"runtime.{key}",
                passed=not others,
                source="What falls back in silence measures something else",
                message=message,
            )
        )
    return checks


def _accelerated_check(details: Mapping[str, str]) -> list[Check]:
    """A check that never fails, where the runtime says whether all of the model ran where it was asked for."""
    if "accelerated" not in details:
        return []
    return [
        Check.make(
            "runtime.accelerated",
            "runtime.accelerated",
            passed=True,
            source="What runs elsewhere in part is no figure of what was asked for alone",
            message=" ".join(runtime_notices(details)),
        )
    ]


def _in_half_precision(details: Mapping[str, str], parity: Parity | None) -> list[Check]:
    """A check on a runtime that computes in 16 bits, where what the reference can still express overflows."""
    if details.get("float_bits") != "16" or parity is None:
        return []
    lost = [found.output for found in parity.runtime if not found.finite]
    message = (
        "It computes in half precision, whose largest number is 65504; results inside that are larger overflow, as on "
        "a phone without float32 textures."
    )
    if lost:
        message = (
            f"Output '{lost[0]}' is not finite where the reference is: results inside went beyond 65504, the largest "
            "number of the half precision that it computes in. Scale activations down (normalise the inputs, add batch "
            "normalisation), or keep such models off devices without float32 textures."
        )
    return [
        Check.make(
            "runtime.half_precision",
            "runtime.half_precision",
            passed=not lost,
            source="IEEE 754 binary16: the largest finite number is (2 − 2⁻¹⁰)·2¹⁵",
            message=message,
        )
    ]


def _leaked(details: Mapping[str, str]) -> list[Check]:
    """A check on the tensors that timed invocations left behind, of a runtime that counts them."""
    if "tensors_leaked" not in details:
        return []
    leaked = int(details["tensors_leaked"])
    message = f"{leaked} tensors were left behind by the timed invocations: a page that stays open fills up."
    return [
        Check.make(
            "runtime.tensors_leaked",
            "runtime.tensors_leaked",
            measured=float(leaked),
            limit=0.0,
            passed=leaked <= 0,
            source="An invocation whose results are ended leaves as many tensors as it found",
            message="" if leaked <= 0 else message,
        )
    ]
