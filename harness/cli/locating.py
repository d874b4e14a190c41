"""`locate`: which operator of a case is at fault."""

from __future__ import annotations

import json
import tempfile
from glob import escape
from pathlib import Path
from typing import Any

from harness import registry
from harness.cache import Cache
from harness.case_name import CaseName
from harness.cli.inventory import console, plain_table
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import ANY_ERROR, CaseError, HarnessError, Unsupported, as_case_error
from harness.exchange.model_explorer import BY_SQNR, opening_line, write_overlay
from harness.gate.policy import Edge
from harness.gate.policy_file import project_policy
from harness.locate.findings import EdgeFinding, OperatorResult
from harness.locate.locator import Locator
from harness.operator_names import short_name
from harness.paths import cache_directory, project_root
from harness.project import model_entries
from harness.report import numbers
from harness.run.matrix import Case, Selection, cases
from harness.store.error_log import sentence_with_log
from harness.suggestion import did_you_mean
from harness.target import Target

EDGES: tuple[Edge, ...] = ("conversion", "runtime")
ROWS = 40
"""Rows that a person reads. Of more operators, those are shown where something begins or breaks, and their
neighbours."""


def locate_fault(
    name: str, edge: str | None, samples: int, *, as_json: bool, beside: str | None = None, overlay: str | None = None
) -> int:
    """Look inside, beside another target where one is named; 2 if an edge that there is cannot be looked at, 1 if an
    operator's result breaks a rule, else 0."""
    if edge is not None and edge not in EDGES:
        raise HarnessError(f"There is no edge '{edge}'; it is conversion or runtime.")
    if samples < 1:
        raise HarnessError("At least one sample has to be looked at; write --samples 1 or more.")
    if beside is not None and edge == "conversion":
        raise HarnessError("Another target stands beside this one on the runtime edge; leave out --edge conversion.")
    root = project_root()
    case = case_of(name)
    other = target_beside(case, beside) if beside is not None else None
    if overlay is not None and (case.format.operator_outputs is None or case.format.operator_outputs.graph is None):
        raise HarnessError(f"Model Explorer opens no {case.format.name} artifacts of the harness; leave out --overlay.")
    edges: tuple[str, ...] = EDGES if edge is None else (edge,)
    if other is not None:
        edges = ("runtime",)
    found: dict[str, EdgeFinding | CaseError] = {}
    with ConsoleProgress() as progress, tempfile.TemporaryDirectory(prefix="harness-locate-") as folder:
        converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 1)
        try:
            locator = Locator(case, converter, project_policy(root), samples, Path(folder))
            for one in edges:
                progress.note(f"Looking into {case.id}, {one} edge …")
                try:
                    if one == "conversion":
                        found[one] = locator.conversion()
                    else:
                        found[one] = locator.runtime() if other is None else locator.beside(other)
                except ANY_ERROR as error:
                    if len(edges) == 1:
                        raise
                    found[one] = as_case_error(error, f"Looking into the {one} edge")
        finally:
            converter.close()
    if as_json:
        print(json.dumps({"case": case.id, "samples": len(locator.golden), "edges": _document(found)}, indent=1))
    else:
        print_findings(case.id, found)
    if overlay is not None:  # after what it took long to find: it may not be possible to write it
        line = write_overlay_files(locator, found, Path(overlay))
        if not as_json:
            print(f"\n{line}")
    if any(isinstance(one, CaseError) and not isinstance(one, Unsupported) for one in found.values()):
        return 2
    return int(any(isinstance(one, EdgeFinding) and one.first_broken is not None for one in found.values()))


def write_overlay_files(locator: Locator, findings: dict[str, EdgeFinding | CaseError], path: Path) -> str:
    """Write how far each operator's results are off for Model Explorer, a file an edge where there are two; the line
    that opens them, or why there is none."""
    edges = {edge: one for edge, one in findings.items() if isinstance(one, EdgeFinding) and one.seen}
    if not edges:
        return "There is nothing to lay over the model: no operator's result was compared."
    graph = locator.operator_outputs.graph
    assert graph is not None, "asked before the work began"
    written = []
    for edge, finding in edges.items():
        place = path if len(edges) == 1 else path.with_name(f"{path.stem}.{edge}{path.suffix}")
        write_overlay(place, graph(locator.artifact), f"SQNR in dB, {edge}", lowest_sqnr(finding), BY_SQNR)
        written.append(place)
    return opening_line(locator.artifact.path, written)


def lowest_sqnr(finding: EdgeFinding) -> dict[int, float]:
    """The lowest SQNR in dB of an operator's results, by operator. An operator whose results are exact has no entry."""
    lowest: dict[int, float] = {}
    for seen in finding.seen:
        value = seen.comparison.sqnr_db if seen.differs else None
        if value is not None:
            index = seen.operation.index
            lowest[index] = min(lowest.get(index, value), value)
    return lowest


def target_beside(case: Case, name: str) -> Target:
    """The target of that name. Raises `HarnessError` for none, and for one that opens other artifacts."""
    known = {target.name: target for target in registry.targets().values() if target.format == case.target.format}
    if name not in known:
        meant = did_you_mean(name, known)
        raise HarnessError(
            f"No target '{name}' opens what {case.target.name} does; there are {', '.join(known)}.{meant}"
        )
    return known[name]


def case_of(name: str) -> Case:
    """The case of that name. Raises `HarnessError` with what there is where it names nothing."""
    asked = CaseName.parse(name)
    selection = Selection((escape(asked.model),), (escape(asked.variant),), (escape(asked.target),), everything=True)
    return cases(selection, model_entries(project_root()), registry.targets(), registry.formats())[0]


def print_findings(name: str, findings: dict[str, EdgeFinding | CaseError]) -> None:
    """Print each edge: the verdict in words, then its operators as a table."""
    print(name)
    for edge, one in findings.items():
        print()
        if isinstance(one, CaseError):
            print(f"{edge}: {sentence_with_log(one)}")
            continue
        print(f"{edge}: {verdict(one)}")
        for note in one.notes:
            print(f"! {note}")
        if not one.exact:
            _print_table(one)


def verdict(finding: EdgeFinding) -> str:
    """The operator at fault, or that there is none, in words."""
    if finding.before:
        return f"{finding.before} TensorFlow shows nothing of its inside, so that no operator can be named."
    if finding.outputs_alone and finding.first_broken is None:
        return f"the artifact's outputs keep to the rules against {finding.against}, whose inside cannot be seen."
    if not finding.seen:
        return f"nothing of the inside can be compared with {finding.against}."
    at_fault, first, largest_loss = finding.first_broken, finding.first_differing, finding.largest_loss
    most = (
        f" Most is lost in {_operator_text(largest_loss)}: {largest_loss.lost_db:.1f} dB."
        if largest_loss is not None
        else ""
    )
    if first is None:
        return f"each of the {len(finding.seen)} results inside is exactly what {finding.against} gives."
    if at_fault is None:
        return (
            f"all {len(finding.seen)} results inside keep to the rules of the outputs. The first to differ is "
            f"{_operator_text(first)}.{most}"
        )
    earlier = "" if at_fault is first else f" The first to differ at all is {_operator_text(first)}."
    held = " The model's outputs keep to the rules all the same." if finding.outputs_hold else ""
    return (
        f"{_operator_text(at_fault)} is the first whose result breaks a rule: {_broken(at_fault)}.{earlier}{most}{held}"
    )


def _broken(seen: OperatorResult) -> str:
    """`parity.runtime.sqnr_db, 43.0 where the limit is 80`."""
    return "; ".join(
        check.rule
        if check.limit is None
        else f"{check.rule}, {numbers.optional(check.measured)} where the limit is {numbers.optional(check.limit)}"
        for check in seen.broken
    )


def _operator_text(seen: OperatorResult) -> str:
    return f"operator {seen.operation.index} ({seen.operation.operator}, '{short_name(seen.result.tensor)}')"


def _print_table(finding: EdgeFinding) -> None:
    from rich.text import Text

    chosen = notable_results(finding)
    table = plain_table("", "operator", "result", "shape", "differ", "largest error", "SQNR, dB", "lost, dB")
    for seen in chosen:
        comparison = seen.comparison
        error = f"{comparison.max_lsb} LSB" if comparison.max_lsb is not None else numbers.optional(comparison.max_abs)
        share = comparison.differing_share
        table.add_row(
            "✗" if seen.broken else "•" if seen.introduces else "",
            Text(f"{seen.operation.index} {seen.operation.operator}"),  # names in files may look like Rich's markup
            Text(short_name(seen.result.tensor)),
            "×".join(map(str, seen.shape)) or "–",
            "–" if share is None else f"{share:.1%}",
            error if comparison.finite else "not finite",
            _decibels(comparison.sqnr_db, exact=not seen.differs),
            "" if seen.lost_db is None else f"{seen.lost_db:+.1f}",
        )
    console().print(table)
    left = len(finding.seen) - len(chosen)
    print(
        "✗ breaks a rule  • differs although nothing that it reads does"
        + (f"; {left} more results are in --json" if left else "")
        + (f"; {finding.unseen} results cannot be compared" if finding.unseen else "")
    )


def _decibels(value: float | None, *, exact: bool) -> str:
    if exact:
        return "exact"
    return "–" if value is None else f"{value:.1f}"


def notable_results(finding: EdgeFinding) -> list[OperatorResult]:
    """All results; of more than `ROWS`, those that break a rule, differ first or lose most, and the one before each."""
    if len(finding.seen) <= ROWS:
        return list(finding.seen)
    steep = sorted((seen.lost_db or 0.0 for seen in finding.seen), reverse=True)[ROWS // 4]
    first = finding.first_broken
    marked = [
        index
        for index, seen in enumerate(finding.seen)
        if seen.introduces or (seen.lost_db is not None and seen.lost_db > max(steep, 0.0))
    ][: ROWS // 2 - 2]
    always = [index for index, seen in enumerate(finding.seen) if seen is first] + [len(finding.seen) - 1]
    places = sorted({place - back for place in [*marked, *always] for back in (0, 1)} - {-1})
    return [finding.seen[place] for place in places]


def _document(findings: dict[str, EdgeFinding | CaseError]) -> dict[str, Any]:
    """The findings as a document, for a program."""
    return {edge: _edge_document(one) for edge, one in findings.items()}


def _edge_document(finding: EdgeFinding | CaseError) -> dict[str, Any]:
    if isinstance(finding, CaseError):
        return {"problem": str(finding)}
    return {
        "verdict": verdict(finding),
        "against": finding.against,
        "notes": list(finding.notes),
        "before": finding.before,
        "at_fault": None if finding.outputs_alone else finding.first_broken and finding.first_broken.operation.index,
        "first_differing": finding.first_differing and finding.first_differing.operation.index,
        "not_compared": finding.unseen,
        "results": [
            {
                "index": seen.operation.index,
                "operator": seen.operation.operator,
                "tensor": seen.result.tensor,
                "shape": list(seen.shape),
                "introduces": seen.introduces,
                "lost_db": seen.lost_db,
                "broken": [check.rule for check in seen.broken],
                "comparison": seen.comparison.model_dump(mode="json", exclude={"output"}),
            }
            for seen in finding.seen
        ],
    }
