"""What tensorflowjs imports and this project does not need."""

from __future__ import annotations

import sys
from types import ModuleType


def without_unused_imports() -> None:
    """To be called before tensorflowjs is imported.

    It imports TensorFlow Decision Forests (to load such models, which graph models cannot carry without another
    runtime) and TensorFlow Hub (which needs a `pkg_resources` that newer setuptools lack). Neither takes part here, and
    either breaks the import where its versions drift, so both are replaced by empty modules.
    """
    for name in ("tensorflow_decision_forests", "tensorflow_hub"):
        sys.modules.setdefault(name, ModuleType(name))
