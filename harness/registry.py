"""What is installed: target families, formats and zoos, through entry points, so that other packages can add one."""

from __future__ import annotations

import importlib.util
import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from harness.errors import HarnessError
from harness.model import Model
from harness.target import Target
from harness.variant import Format


@cache
def targets() -> dict[str, Target]:
    """Every target by name, in the order of families and, inside one, as the family lists them."""
    found: dict[str, Target] = {}
    for point in sorted(entry_points(group="harness.targets"), key=lambda point: point.name):
        for target in point.load()():
            found[target.name] = target
    return found


@cache
def formats() -> dict[str, Format]:
    """Every artifact format by name."""
    return {point.name: point.load() for point in entry_points(group="harness.formats")}


@cache
def zoo() -> dict[str, tuple[Model, str, str]]:
    """Every model of the zoos by name, with the name of its package and of its module."""
    found: dict[str, tuple[Model, str, str]] = {}
    for point in sorted(entry_points(group="harness.zoos"), key=lambda point: point.name):
        package = import_module(point.value)
        for module in pkgutil.iter_modules(package.__path__):
            if module.ispkg:
                continue
            loaded = import_module(f"{point.value}.{module.name}")
            model = getattr(loaded, "MODEL", None)
            if isinstance(model, Model):
                found[model.name] = (model, point.value, loaded.__name__)
    return found


def package_folder(package: str) -> str:
    """The folder of an importable package. Raises `HarnessError` where there is none."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise HarnessError(f"The package '{package}' cannot be found; run `make setup`.")
    return next(iter(spec.submodule_search_locations))
