"""The plan's layout is written down twice, for the planner and for the firmware: both say the same."""

from __future__ import annotations

import re

import pytest

from harness_targets.mcu.job import MAGIC as JOB_MAGIC
from harness_targets.mcu.job import SelfTest
from harness_targets.mcu.plan.format import GATES, MAGIC, STEP_KINDS, STEPS, VERSION
from harness_targets.mcu.toolchain import SOURCES, host_sources

HEADER = "\n".join(path.read_text() for path in [SOURCES / "plan_format.h", *sorted(SOURCES.glob("steps_*.h"))])
KINDS = {"uint32_t": ("u", "r"), "int32_t": ("i",), "float": ("f",)}
NUMBERS = {"PLAN_RANK": 5, "4": 4, "3": 3}


def structure(name: str) -> list[tuple[str, str, int]]:
    """Fields of a C struct as (name, type, count); nested structs are spelled out."""
    body = re.search(rf"struct {name} {{(.*?)\n}};", HEADER, re.DOTALL).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    fields = []
    for declaration in filter(None, (line.strip() for line in body.split(";"))):
        kind, field, count = re.match(r"((?:struct )?\w+) (\w+)(?:\[(\w+)\])?$", declaration).groups()
        repeats = NUMBERS[count] if count else 1
        if kind == "struct step_header":
            continue
        if kind.startswith("struct plan_gate"):
            fields += [(f"{gate}_gate_{n}", k, c) for gate in GATES for n, k, c in structure(kind.split()[1])]
        elif kind.startswith("struct"):
            fields += structure(kind.split()[1])
        else:
            fields.append((field, kind, repeats))
    return fields


def step_struct(name: str) -> str:
    """Kinds whose fields are the same share a struct, which has the name without the type."""
    if "_pool_int" in name:
        return "pool_step"
    own, shared = f"{name}_step", f"{name.rpartition('_')[0]}_step"
    return own if f"struct {own} {{" in HEADER else shared


@pytest.mark.parametrize("name", list(STEPS))
def test_a_step_has_the_same_fields_on_both_sides(name: str):
    in_c = structure(step_struct(name))
    assert [(n, c) for n, _, c in in_c] == [(n, c) for n, _, c in STEPS[name]]
    assert all(kind in KINDS[c_type] for (_, c_type, _), (_, kind, _) in zip(in_c, STEPS[name], strict=True))


def test_step_kinds_have_the_same_numbers():
    numbers = dict(re.findall(r"STEP_(\w+) = (\d+)", HEADER))
    assert {name.lower(): int(n) for name, n in numbers.items() if name != "KIND_END"} == STEP_KINDS


def test_magic_numbers_and_versions_agree():
    job_header = (SOURCES / "job.h").read_text()
    assert f"PLAN_MAGIC {MAGIC:#x}u" in HEADER
    assert f"PLAN_VERSION {VERSION}u" in HEADER
    assert f"JOB_MAGIC {JOB_MAGIC:#x}u" in job_header
    assert [int(n) for n in re.findall(r"JOB_\w+ = (\d)", job_header.split("struct job_header")[0])] == list(SelfTest)


def test_functions_of_one_file_share_no_name_with_another_files():
    """The compiler puts equally named functions of several sources into one section, which is linked in whole: an image
    would hold what its model does not use."""
    places: dict[str, set[str]] = {}
    for path in host_sources():
        for name in re.findall(r"^static [^=;(]*?(\w+)\(", path.read_text(), re.MULTILINE):
            places.setdefault(name, set()).add(path.name)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
