"""The exceptions that say why a model cannot be planned."""

from harness.errors import HarnessError


class PlanRefused(HarnessError):
    """One sentence: the model, tensor or operator at fault, and what the planner or the kernels do not accept."""


class OperatorUnsupported(PlanRefused):
    """The kernels have no such operator, or not with these types or options: `operator` is its name, `reason` a phrase
    that says what of it is too much, empty where there is no kernel at all."""

    def __init__(self, operator: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.operator = operator
        self.reason = reason
