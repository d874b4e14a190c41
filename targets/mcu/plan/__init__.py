"""The planner: a `.tflite` file in, a binary plan out that the firmware runs in place."""

from .lowering.variables import variables_in
from .planner import Plan, PlanOperator, PlanSize, PlanTensor, plan_model
from .refusal import OperatorUnsupported, PlanRefused
from .unsupported import UnsupportedOperator, unsupported_operators, unsupported_phrases

__all__ = [
    "OperatorUnsupported",
    "Plan",
    "PlanOperator",
    "PlanRefused",
    "PlanSize",
    "PlanTensor",
    "UnsupportedOperator",
    "plan_model",
    "unsupported_operators",
    "unsupported_phrases",
    "variables_in",
]
