"""What is installed: target families, formats and zoos, through entry points, so that other packages can add one."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
import tomllib
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from harness.errors import HarnessError
from harness.model import Model
from harness.paths import PROJECT_FILE, project_root
from harness.target import Target
from harness.variant import Format

OWN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*")
"""Family and target, in the characters of every other name: names of files are made of it."""


def targets() -> dict[str, Target]:
    """Every target by name, in the order of families and, inside one, as the family lists them; then the project's own.

    Raises `HarnessError` for one of these that is described wrongly, is based on none, or whose runtime takes no flags.
    """
    file = project_root() / PROJECT_FILE
    try:
        own = _own_targets(file, file.stat().st_mtime_ns)
    except (FileNotFoundError, NotADirectoryError):
        own = {}
    except OSError as error:
        raise HarnessError(f"{file} cannot be read ({error.strerror}).") from error
    return {**installed_targets(), **own}


@lru_cache(maxsize=4)
def _own_targets(file: Path, _modified: int) -> dict[str, Target]:
    """The targets that the `[targets]` of a harness.toml describe. Raises `HarnessError`, `OSError`.

    `harness.project` holds the file against all that it may say; here is what a target cannot be made without.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get("targets", {})
    except ValueError as error:
        raise HarnessError(f"{file} is not valid TOML: {error}.") from error
    if not isinstance(tables, dict):
        raise HarnessError(f"{file}: 'targets' has to be tables, as `[targets.\"tfjs/half-precision\"]`.")
    known = installed_targets()
    found = {}
    for name, table in tables.items():
        base, flags = (table.get("base"), table.get("flags", {})) if isinstance(table, dict) else (None, {})
        if not isinstance(base, str) or not isinstance(flags, dict):
            raise HarnessError(f"{file}: 'targets.{name}' has to be a table with `base`, a target, and `flags`.")
        if base not in known:
            raise HarnessError(f"targets.{name}: there is no target '{base}'; `harness targets` lists all.")
        if name in known or not OWN_NAME.fullmatch(name):
            raise HarnessError(f"targets.{name}: choose a name as 'tfjs/half-precision', which no other target has.")
        found[name] = known[base].configured(name, flags)
    return found


@cache
def installed_targets() -> dict[str, Target]:
    """The targets of the installed packages."""
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
