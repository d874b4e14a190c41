"""ARCHITECTURE.md states the floors of the engine, and no import of the engine goes up or sideways."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "harness"


def stated_floors():
    """The lines of the block that follows the heading `Floors`, from the top down: names of modules and packages."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    (block,) = re.findall(r"^## Floors\n.*?^```\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [line.split() for line in block.splitlines()]


FLOORS = {name: height for height, names in enumerate(reversed(stated_floors())) for name in names}


def imported(path):
    """What a file imports, wherever in it: dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top_level_name(path):
    """The module or package directly below `harness/` that a file is of."""
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


FILES = [path for path in sorted(ENGINE.rglob("*.py")) if path != ENGINE / "__init__.py"]


def test_every_module_and_package_has_a_floor():
    assert {top_level_name(path) for path in FILES} - {"requirements", "setup"} == set(FLOORS)


def test_every_import_goes_down():
    upward = []
    for path in FILES:
        own = top_level_name(path)
        for name in imported(path):
            root, _, rest = name.partition(".")
            other = rest.split(".")[0]
            if root == "harness" and {own, other} <= set(FLOORS) and other != own and FLOORS[other] >= FLOORS[own]:
                upward.append(f"{path.relative_to(ROOT)} imports {name}")
    assert upward == []


def test_the_engine_imports_no_target_and_no_model():
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in FILES
        for name in imported(path)
        if name.split(".")[0] in ("harness_targets", "harness_models", "targets", "models")
    ]
    assert found == []
