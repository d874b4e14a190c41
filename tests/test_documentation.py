"""What the documentation points to is there."""

import ast
import builtins
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGES = [
    *REPOSITORY.glob("*.md"),
    *(REPOSITORY / "docs").glob("*.md"),
    *(REPOSITORY / "examples").rglob("*.md"),
    *(page for folder in ("harness", "targets", "tests") for page in (REPOSITORY / folder).rglob("*.md")),
]
NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_file_of_the_project_that_is_named_is_there(page):
    """Whole paths in backticks, as `harness/target.py`; patterns and what a run makes are left out."""
    named = re.findall(r"`((?:harness|targets|models|tests|docs|examples)/[\w./-]+)`", page.read_text())
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_the_index_has_every_page():
    index = (REPOSITORY / "docs" / "README.md").read_text()
    pages = {page.name for page in (REPOSITORY / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"({page})" not in index} == set()


OUTSIDE = frozenset(
    [
        "CompileOptions",
        "DATATYPES",
        "QuantizationDebugger",
        "QuantizeMultiplierGreaterThanOne",
        "SSHCluster",
        "SharedArrayBuffer",
        "SignatureRunner",
        "armv7",
        "datatypes.ts",
        "experimental_from_jax",
        "from_concrete_functions",
        "gru_cell_3",
        "inference_type",
        "mediapipe",
        "output_offset",
        "parseDtypeParam",
        "part.00",
        "part.01",
        "python3.4",
        "scheduler_info",
        "signature_defs",
        "simple_rnn_cell",
        "tf_frozen_model",
        "maxPool3d",
        "unstack",
        "uptime",
    ]
)
"""What docstrings and pages name of other programs and libraries."""


def tracked(*kinds):
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.splitlines() if name.endswith(kinds) and (REPOSITORY / name).exists()]


def docstrings(tree):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]


def names_in_code(text):
    """Every word of a Python file but those of its docstrings and comments."""
    lines = text.split("\n")
    for node in docstrings(ast.parse(text)):
        lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return re.findall(r"\w+", "\n".join(line.split("  # ")[0] for line in lines if not line.strip().startswith("#")))


def prose(path, text):
    if path.suffix == ".md":
        return text
    comments = [line for line in text.split("\n") if line.strip().startswith("#")]
    return "\n".join([*(node.value.value for node in docstrings(ast.parse(text))), *comments])


@pytest.mark.needs("git")
def test_every_name_in_backticks_exists():
    """A name that was changed stays in a docstring unless somebody looks. Names of other kinds of files count whole."""
    known = set(OUTSIDE) | set(dir(builtins))
    others = (
        ".mjs",
        ".js",
        ".cjs",
        ".c",
        ".h",
        ".cc",
        ".toml",
        ".sh",
        ".json",
        ".txt",
        ".in",
        ".j2",
        ".yml",
        "Makefile",
    )
    for path in tracked(*others):
        known |= set(re.findall(r"\w+", (REPOSITORY / path).read_text()))
    for path in tracked(""):
        known |= {path.name, *path.with_suffix("").parts}
    python = {path: (REPOSITORY / path).read_text() for path in tracked(".py")}
    for text in python.values():
        known |= set(names_in_code(text))
    pages = {path: (REPOSITORY / path).read_text() for path in tracked(".md") if "HISTORY" not in path.name}
    pages.pop(Path("CHANGELOG.md"))  # it names what was
    gone = [
        f"{path}: {name}"
        for path, text in (python | pages).items()
        for name in re.findall(r"`([A-Za-z_][\w.]*)(?:\(\))?`", prose(path, text))
        if name not in known
        and name.split(".")[-1] not in known
        and not name.endswith(
            (".md", ".toml", ".json", ".tflite", ".yml", ".npz", ".h5", ".keras", ".txt", ".xml", ".html", ".bin")
        )
    ]
    assert gone == []
