"""A Markdown summary for a pull request's comment or a step summary of GitHub Actions: worst first, and short."""

from __future__ import annotations

import re

from harness.errors import shortened
from harness.gate.judge_run import CaseVerdict, GateResult, judged_record
from harness.report.outcomes import count
from harness.report.reproduce import locate_command, reproduce

MARK = "<!-- ml-runtime-harness gate -->"
"""The first line, which nobody sees: by it the comment of the run before is found and replaced."""
MOST_ROWS = 20
MOST_NOTICES = 8
LONGEST_MESSAGE = 400
LONGEST_NAME = 200
LONGEST = 60_000
"""A comment on GitHub holds 65,536 characters. Twenty rows are far fewer, unless what is in them is all escapes."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""What is not seen, or turns the order of what is: runtimes print it, and people must not be misled by it."""


def markdown(result: GateResult) -> str:
    """The summary, headed by the verdict: at most `LONGEST` characters."""
    rows = MOST_ROWS
    while len(text := _summary(result, rows)) > LONGEST and rows > 1:
        rows //= 2
    return text


def _summary(result: GateResult, most_rows: int) -> str:
    failed, total = result.failed, len(result.verdicts)
    if failed:
        head = f"## ✗ Harness gate: {len(failed)} of {_plural(total, 'case')} failed"
    else:
        head = f"## ✓ Harness gate: {_plural(total, 'case')}, nothing is broken"
    counts = ", ".join(f"{number} {outcome.value}" for outcome, number in count(judged_record(result).cases).items())
    commit = f", commit `{_code(result.record.commit[:12])}`" if result.record.commit else ""
    parts = [MARK, head, f"Run `{_code(result.record.id)}`{commit}: {counts}."]
    if failed:
        groups = _alike(failed)
        rows = [_row(members) for members in groups[:most_rows]]
        parts.append("\n".join(["| Case | Rule | What is wrong |", "|---|---|---|", *rows]))
        hidden = sum(len(members) for members in groups[most_rows:])
        if hidden:
            parts.append(f"… and {_plural(hidden, 'more case')}: see the dashboard or the JUnit report.")
        worst = failed[0]
        inside = locate_command(worst.case, worst.broken)
        commands = [_fenced(reproduce(worst.case)), *([f"{_fenced(inside)}  # which operator"] if inside else [])]
        parts.append("Reproduce the worst:\n\n```sh\n" + "\n".join(commands) + "\n```")
    if result.notices:
        lines = [f"- {_cell(notice)}" for notice in result.notices[:MOST_NOTICES]]
        if len(result.notices) > MOST_NOTICES:
            lines.append(f"- … and {len(result.notices) - MOST_NOTICES} more")
        title = f"<summary>{_plural(len(result.notices), 'notice')}</summary>"
        parts.append("\n".join(["<details>", title, "", *lines, "", "</details>"]))
    return "\n\n".join(parts) + "\n"


def _alike(failed: tuple[CaseVerdict, ...]) -> list[list[CaseVerdict]]:
    """Failures in their order, those of one artifact for one reason together: a converter's fault is on all."""
    groups: dict[tuple[str, str, str, str], list[CaseVerdict]] = {}
    for verdict in failed:
        first = verdict.broken[0]
        groups.setdefault((verdict.case.model, verdict.case.variant, first.rule, first.message), []).append(verdict)
    return list(groups.values())


def _row(members: list[CaseVerdict]) -> str:
    case, first, others = members[0].case, members[0].broken[0], len(members[0].broken) - 1
    more = f" (and {_plural(others, 'more rule')})" if others else ""
    name = f"`{_code(case.id)}`"
    if len(members) > 1:
        name = f"`{_code(f'{case.model}/{case.variant}')}` on {len(members)} targets, as `{_code(case.target)}`"
    return f"| {name} | `{_code(first.rule)}` | {_cell(first.message)}{more} |"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _cell(text: str) -> str:
    """Text that stays text, in one cell: what a runtime printed is not to be trusted."""
    line = shortened(_plain(text), LONGEST_MESSAGE)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = re.sub(r"([\\`*_{}\[\]|~])", r"\\\1", line)
    # A mention or a link to an issue would reach people who have nothing to do with it.
    return escaped.replace("@", "@\u200b").replace("#", "#\u200b").replace("://", ":\u200b//")


def _code(text: str) -> str:
    """The text within backticks, inside a table: it can end neither."""
    return _cut(_plain(text), LONGEST_NAME).replace("`", "ˋ").replace("|", "\\|")


def _fenced(text: str) -> str:
    return _plain(text).replace("```", "ˋˋˋ")


def _plain(text: str) -> str:
    """One line, without what is not seen."""
    return _CONTROL.sub("\ufffd", " ".join(text.split()))


def _cut(line: str, longest: int) -> str:
    return line if len(line) <= longest else line[: longest - 1] + "…"
