"""The converter of a format, loaded from its file. Runs in the converter's environment only."""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


@functools.cache
def format_converter(path: str) -> ModuleType:
    """The converter module of a format, from its file."""
    folder = str(Path(path).parent)  # a package, so that a converter can have modules beside it
    name = f"format_converter_{hashlib.sha256(path.encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def import_before_forks(path: str) -> None:
    """Import the converter, and what its own `import_first` says that every job needs, so that each fork starts with
    it. What cannot be imported is left to the forks, which say why."""
    gc.disable()
    with contextlib.suppress(Exception):
        module = format_converter(path)
        if hasattr(module, "import_first"):
            module.import_first()
    gc.enable()
    gc.freeze()
