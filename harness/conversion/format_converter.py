"""The converter of a format, loaded from its file. Runs in the converter's environment only."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def format_converter(path: str) -> ModuleType:
    """The converter module of a format, from its file."""
    folder = str(Path(path).parent)  # a package, so that a converter can have modules beside it
    spec = importlib.util.spec_from_file_location("format_converter", path, submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["format_converter"] = module
    spec.loader.exec_module(module)
    return module
