"""The planner: a `.tflite` file in, a binary plan out that the firmware runs in place."""

from .planner import Plan, PlanOperator, PlanTensor, UnsupportedOperator, plan_model, unsupported_operators
from .refusal import OperatorUnsupported, PlanRefused

__all__ = [
    "OperatorUnsupported",
    "Plan",
    "PlanOperator",
    "PlanRefused",
    "PlanTensor",
    "UnsupportedOperator",
    "plan_model",
    "unsupported_operators",
]
