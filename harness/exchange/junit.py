"""JUnit XML: a test per case, a suite per model, a failure addressed to model, variant, target and metric.

Valid against both schemas in use: Jenkins' junit-10.xsd (xunit plugin) and the Ant task's JUnit.xsd (windyroad), which
wants every attribute below and these elements in this order.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from harness.gate.judge_run import CaseVerdict, GateResult
from harness.report.reproduce import locate_command, reproduce
from harness.store.record import Outcome

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold, escaped or not: runtimes print control characters."""


def junit(result: GateResult) -> str:
    """The document as text."""
    suites = ElementTree.Element("testsuites")
    models = dict.fromkeys(verdict.case.model for verdict in result.verdicts)
    for number, model in enumerate(models):
        members = [verdict for verdict in result.verdicts if verdict.case.model == model]
        suites.append(_suite(number, model, members, result))
    ElementTree.indent(suites)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ElementTree.tostring(suites, encoding='unicode')}\n"


def _suite(number: int, model: str, verdicts: list[CaseVerdict], result: GateResult) -> ElementTree.Element:
    record = result.record
    suite = ElementTree.Element(
        "testsuite",
        {
            "id": str(number),
            "package": "harness",
            "name": _text(model),
            "timestamp": f"{record.started:%Y-%m-%dT%H:%M:%S}",
            "hostname": f"machine-{record.machine.id}",
            "tests": str(len(verdicts)),
            "failures": str(sum(not v.passed and not _is_error(v) for v in verdicts)),
            "errors": str(sum(_is_error(v) for v in verdicts)),
            "skipped": str(sum(_is_skipped(v) for v in verdicts)),
            "time": f"{sum(v.case.seconds for v in verdicts):.3f}",
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    facts = {"run": record.id, "commit": record.commit or "unknown", "harness": record.harness_version}
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": _text(value)})
    for verdict in verdicts:
        suite.append(_case(verdict))
    ElementTree.SubElement(suite, "system-out").text = _text("\n".join(result.notices) if number == 0 else "")
    ElementTree.SubElement(suite, "system-err")
    return suite


def _case(verdict: CaseVerdict) -> ElementTree.Element:
    case = verdict.case
    test = ElementTree.Element(
        "testcase",
        {
            "classname": _text(f"{case.model}.{case.variant}"),
            "name": _text(case.target),
            "time": f"{case.seconds:.3f}",
        },
    )
    if _is_skipped(verdict):
        ElementTree.SubElement(test, "skipped", {"message": _text(f"{case.outcome.value}: {case.reason}")})
    elif not verdict.passed:
        first = verdict.broken[0]
        failure = ElementTree.SubElement(
            test,
            "error" if _is_error(verdict) else "failure",
            {"message": _text(first.message), "type": _text(first.rule)},
        )
        lines = [
            f"model={case.model} variant={case.variant} target={case.target} metric={check.metric} rule={check.rule}\n"
            f"  {check.message}\n  limit set by: {check.source}"
            for check in verdict.broken
        ]
        inside = locate_command(case, verdict.broken)
        lines += [f"reproduce: {reproduce(case)}", *([f"which operator: {inside}"] if inside else [])]
        failure.text = _text("\n".join(lines))
    return test


def _is_error(verdict: CaseVerdict) -> bool:
    return not verdict.passed and verdict.case.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT)


def _is_skipped(verdict: CaseVerdict) -> bool:
    return verdict.passed and verdict.case.outcome in (Outcome.UNSUPPORTED, Outcome.UNAVAILABLE, Outcome.UNMEASURED)


def _text(value: str) -> str:
    return _NOT_XML.sub("�", value)
