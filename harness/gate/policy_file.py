"""`gates.toml`: what a project says over the default policy. Every rule of its own is tried before the defaults."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import HarnessError
from harness.gate.policy import (
    BaselineRule,
    Budget,
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
    budgets: tuple[Budget, ...] = ()
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
        document = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HarnessError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise HarnessError(f"{path} cannot be read ({error.strerror}); name another file or leave it out.") from error
    _fill_in(document, path)
    try:
        return PolicyFile.model_validate(document).over(Policy())
    except ValidationError as error:
        problems = error.errors()
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise HarnessError(f"{path}: {_sentence(problems[0])}{more}.") from error


def project_policy(root: Path) -> Policy:
    """That of the project's gates.toml, or the default one."""
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
    for key in SOURCED:
        rules = document.get(key)
        for rule in rules if isinstance(rules, list) else []:
            if isinstance(rule, dict):
                rule.setdefault("source", path.name)


def _sentence(problem: Any) -> str:
    where = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_table(problem["loc"]).model_fields)
        return f"the key '{where}' is not known; known here are {known}"
    return f"'{where}': {problem['msg'].removeprefix('Value error, ')}"


def _table(place: tuple[Any, ...]) -> type[BaseModel]:
    """The class of the table that a key is in."""
    tables: dict[Any, type[BaseModel]] = {
        "parity": ParityRule,
        "task": TaskRule,
        "latency": LatencyRule,
        "ratios": RatioBudget,
        "budgets": Budget,
        "growth": GrowthRule,
        "outcomes": OutcomeRules,
        "baseline": BaselineRule,
        "exceptions": PolicyException,
    }
    return tables.get(place[0], PolicyFile) if len(place) > 1 else PolicyFile
