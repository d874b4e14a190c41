"""SARIF 2.1.0 (OASIS): a rule per rule of the gate, a result per broken check, at the case as a logical location."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from harness.gate.judge_run import CaseVerdict, GateResult
from harness.report.reproduce import reproduce
from harness.store.record import Check

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

RULES = {
    "outcome": "A case does not run to its end",
    "parity": "The outputs differ by more than the policy allows",
    "task": "The converted model is worse at its task",
    "latency": "The case is slower than its baseline, or its timing cannot be trusted",
    "budget": "A size or count is above its budget",
    "growth": "A size or count that is equal at every run has grown",
    "runtime": "The runtime did something else than it was asked for",
    "baseline": "The case lost something that its baseline had",
}
"""What a rule of the gate is about, by the first part of its name."""


def sarif(result: GateResult, location: str = "harness.toml") -> str:
    """The document as text. `location` is the file of the repository that findings are shown at: code scanning wants
    one, and a case has none of its own."""
    checks = [(verdict, check) for verdict in result.failed for check in verdict.broken]
    names = sorted({check.rule for _, check in checks})
    sources = {check.rule: check.source for _, check in checks}
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ml-runtime-harness",
                        "semanticVersion": result.record.harness_version,
                        "rules": [_rule(name, sources[name]) for name in names],
                    }
                },
                "automationDetails": {"id": f"harness/{result.record.id}"},
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "startTimeUtc": f"{result.record.started:%Y-%m-%dT%H:%M:%SZ}",
                        "endTimeUtc": f"{result.record.finished:%Y-%m-%dT%H:%M:%SZ}",
                        "toolExecutionNotifications": [
                            {"level": "note", "message": {"text": notice}} for notice in result.notices
                        ],
                    }
                ],
                "columnKind": "utf16CodeUnits",
                "results": [_result(verdict, check, names, location) for verdict, check in checks],
            }
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _rule(name: str, source: str) -> dict[str, Any]:
    about = RULES.get(name.split(".", 1)[0], name)
    return {
        "id": name,
        "shortDescription": {"text": about},
        "fullDescription": {"text": f"{about}. Limit set by: {source}"},
        "defaultConfiguration": {"level": "error"},
    }


def _result(verdict: CaseVerdict, check: Check, names: list[str], location: str) -> dict[str, Any]:
    case = verdict.case
    identity = hashlib.sha256(f"{case.id}\0{check.rule}\0{check.metric}".encode()).hexdigest()
    figures = {"measured": check.measured, "limit": check.limit}
    return {
        "ruleId": check.rule,
        "ruleIndex": names.index(check.rule),
        "level": "error",
        "message": {"text": f"{case.id}: {check.message or check.metric} Reproduce: {reproduce(case)}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": location}, "region": {"startLine": 1}},
                "logicalLocations": [
                    {"fullyQualifiedName": f"{case.id}/{check.metric}", "name": case.id, "kind": "resource"}
                ],
            }
        ],
        "partialFingerprints": {"caseRuleMetric/v1": identity},
        "properties": {
            "model": case.model,
            "variant": case.variant,
            "target": case.target,
            "metric": check.metric,
            **{name: value for name, value in figures.items() if value is not None},
        },
    }
