"""What tensorflowjs imports and this project does not need."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_ABSENT = ("tensorflow_decision_forests", "tensorflow_hub")
_BARE = ("tensorflowjs", "tensorflowjs.converters")


def without_unused_imports() -> None:
    """Replaces imports that are not used. Call it before a module of tensorflowjs is imported.

    It imports TensorFlow Decision Forests (to load such models, which graph models cannot carry without another
    runtime) and TensorFlow Hub (which needs a `pkg_resources` that newer setuptools lack). Neither takes part here, and
    either breaks the import where its versions drift, so both are replaced by empty modules. Its packages import all
    that is in them, `tf_keras` and jax included, as a third of the time of a small conversion: they are entered without
    being run, so that a module brings what it needs itself.
    """
    for name in _ABSENT:
        sys.modules.setdefault(name, ModuleType(name))
    root = None if _BARE[0] in sys.modules else importlib.util.find_spec(_BARE[0])
    if root is None or root.origin is None:
        return  # entered already; or not there, which the import says
    for name in _BARE:
        package = ModuleType(name)
        package.__path__ = [str(Path(root.origin).parent.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
