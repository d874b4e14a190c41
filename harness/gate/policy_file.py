"""Reads `gates.toml`, a project's changes to the default policy. Its rules are tried before the defaults."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import HarnessError
from harness.gate.policy import (
    BaselineRule,
    FigureLimit,
    GrowthRule,
    LatencyRule,
    OutcomeRules,
    ParityRule,
    Policy,
    PolicyException,
    RatioBudget,
    TaskRule,
)

POLICY_FILE = "gates.toml"
LARGEST_BYTES = 1 << 20

PRESETS: dict[str, dict[str, Any]] = {
    "mlperf-99": {"margin": 0.01, "source": "MLPerf Inference: 99 % of the float32 reference"},
    "mlperf-99.9": {"margin": 0.001, "source": "MLPerf Inference, strict: 99.9 % of the float32 reference"},
}
"""Margins of the task metric by name: `[task] preset = "mlperf-99.9"`."""


class PolicyFile(BaseModel):
    """All of gates.toml."""

    model_config = ConfigDict(extra="forbid")

    parity: tuple[ParityRule, ...] = ()
    task: TaskRule = TaskRule()
    latency: LatencyRule = LatencyRule()
    ratios: tuple[RatioBudget, ...] = ()
    budgets: tuple[FigureLimit, ...] = ()
    growth: tuple[GrowthRule, ...] = ()
    outcomes: OutcomeRules = OutcomeRules()
    baseline: BaselineRule = BaselineRule()
    exceptions: tuple[PolicyException, ...] = Field(default=(), max_length=1000)

    def over(self, policy: Policy) -> Policy:
        """The policy with this file's rules before its own."""
        return Policy(
            parity=(*self.parity, *policy.parity),
            task=self.task,
            latency=self.latency,
            ratios=(*self.ratios, *policy.ratios),
            budgets=(*self.budgets, *policy.budgets),
            growth=(*self.growth, *policy.growth),
            outcomes=self.outcomes,
            baseline=self.baseline,
            exceptions=self.exceptions,
        )


SOURCED = ("parity", "ratios", "budgets", "growth")
"""Tables of rules, each of which has a source: the file, where it does not say."""


def read_policy(path: Path) -> Policy:
    """The policy of a file, over the defaults. Raises `HarnessError` with one sentence."""
    try:
        content = path.read_bytes()
        if len(content) > LARGEST_BYTES:
            raise HarnessError(f"{path} has {len(content)} bytes; a policy has no more than {LARGEST_BYTES}.")
        document = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        # Among the first are wrong TOML, bytes that are no UTF-8, and a number of thousands of digits.
        raise HarnessError(f"{path} is not valid TOML: {str(error).split('; use ')[0]}.") from error
    except OSError as error:
        raise HarnessError(f"{path} cannot be read ({error.strerror}); name another file or leave it out.") from error
    _fill_in(document, path)
    try:
        policy = PolicyFile.model_validate(document, strict=True)
    except ValidationError as error:
        problems = {_place(problem): problem for problem in reversed(error.errors())}
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise HarnessError(f"{path}: {_sentence(error.errors()[0])}{more}.") from error
    _refuse_repetitions(policy, path)
    return policy.over(Policy())


def project_policy(root: Path) -> Policy:
    """The policy of the project's gates.toml, or the default policy."""
    path = root / POLICY_FILE
    return read_policy(path) if path.exists() else Policy()


def _fill_in(document: dict[str, Any], path: Path) -> None:
    """Presets become the values that they stand for, and a rule without a source gets the file as one."""
    task = document.get("task")
    if isinstance(task, dict) and "preset" in task:
        preset = task.pop("preset")
        if not isinstance(preset, str) or preset not in PRESETS:
            raise HarnessError(f"{path}: there is no preset '{preset}'; there are {', '.join(PRESETS)}.")
        if "margin" in task:
            raise HarnessError(f"{path}: 'task' has both a preset and a margin; keep one of them.")
        task.update({**PRESETS[preset], **task})
    elif isinstance(task, dict) and "margin" in task:
        task.setdefault("source", path.name)
    for key, rules in document.items():
        for rule in rules if key in SOURCED and isinstance(rules, list) else []:
            if isinstance(rule, dict):
                rule.setdefault("source", path.name)
        if isinstance(rules, list):
            document[key] = tuple(rules)


def _refuse_repetitions(policy: PolicyFile, path: Path) -> None:
    """Refuses two rules for the same cases and figure: the second would never be used, or would contradict the
    first."""
    for key, values in (*((key, getattr(policy, key)) for key in SOURCED), ("exceptions", policy.exceptions)):
        first: dict[str, int] = {}
        for number, rule in enumerate(values, start=1):
            place = str(rule.model_dump(exclude=VALUES))
            if place in first:
                raise HarnessError(
                    f"{path}: '{key}.{number}' is for the same cases and figure as '{key}.{first[place]}'; keep one."
                )
            first[place] = number


VALUES = {"limit", "percent", "source", "reason", "expires"}
"""What a rule says of its cases; all else says which they are."""


def _place(problem: Any) -> str:
    """The key that is wrong, tables of a list counted from 1; what follows it are branches of a type."""
    parts = problem["loc"]
    depth = 3 if len(parts) > 1 and isinstance(parts[1], int) else 2
    return ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in parts[:depth])


def _sentence(problem: Any) -> str:
    where = " ".join(_place(problem).split())
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_table(problem["loc"]).model_fields)
        return f"the key '{where}' is not known; known here are {known}"
    if problem["type"] == "missing":
        return f"'{where}' is missing"
    told = problem["msg"].removeprefix("Value error, ")
    if problem["type"].startswith("date"):
        told = "write a day as 2027-01-31, without quotes"
    if problem["type"] == "value_error":
        return f"'{where}': {told}"
    given = problem["input"]
    shown = f" is {given!r}" if isinstance(given, (str, int, float)) and len(repr(given)) <= 60 else ""
    return f"'{where}'{shown}: {told[:1].lower()}{told[1:]}"


def _table(place: tuple[Any, ...]) -> type[BaseModel]:
    """The class of the table that a key is in."""
    tables: dict[Any, type[BaseModel]] = {
        "parity": ParityRule,
        "task": TaskRule,
        "latency": LatencyRule,
        "ratios": RatioBudget,
        "budgets": FigureLimit,
        "growth": GrowthRule,
        "outcomes": OutcomeRules,
        "baseline": BaselineRule,
        "exceptions": PolicyException,
    }
    return tables.get(place[0], PolicyFile) if len(place) > 1 else PolicyFile
