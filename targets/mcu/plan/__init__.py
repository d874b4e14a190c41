"""The planner: a `.tflite` file in, a binary plan out that the firmware runs in place."""

from .coverage import UnsupportedOperator, lacking, unsupported_operators
from .lowering.variables import variables_in
from .planner import Plan, PlanOperator, PlanSize, PlanTensor, plan_model
from .refusal import OperatorUnsupported, PlanRefused

__all__ = [
    "OperatorUnsupported",
    "Plan",
    "PlanOperator",
    "PlanRefused",
    "PlanSize",
    "PlanTensor",
    "UnsupportedOperator",
    "lacking",
    "plan_model",
    "unsupported_operators",
    "variables_in",
]
