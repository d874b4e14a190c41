"""Seconds a stage for models of real size over the default targets, cold and warm.

    .venv/bin/python tests/benchmarks/real_size.py [FOLDER] [-- ARGUMENTS OF harness run]

FOLDER (a temporary one if not given) keeps the project, so that a second call shows the warm times alone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

MODELS = ("mobile_network", "transformer_block", "u_network")
HARNESS = Path(sys.executable).with_name("harness")


def make_project(folder: Path) -> None:
    """A project of the three models."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("real_size_models.py"), folder)
    tables = [f'[models.{name}]\npath = "."\nentry = "real_size_models:{name}"\n' for name in MODELS]
    (folder / "harness.toml").write_text("zoo = false\n\n" + "\n".join(tables))


def run(folder: Path, arguments: list[str]) -> dict:
    """One run of the project: its wall time, what each stage took, and how many inputs each case stands on."""
    begun = time.monotonic()
    done = subprocess.run(
        [HARNESS, "run", "--json", *arguments], cwd=folder, stdout=subprocess.PIPE, text=True, check=False
    )
    wall = time.monotonic() - begun
    if not done.stdout:
        raise SystemExit(done.returncode)
    record = json.loads(done.stdout)
    stages: dict[str, float] = defaultdict(float)
    costs = json.loads((folder / ".harness" / "costs.json").read_text())
    for name, seconds in costs.items():
        stage, _, what = name.partition(" ")
        if stage == "compare":
            stage = f"compare on {what.split('/', 2)[2]}"
        stages[stage] += seconds
    return {"wall": wall, "stages": stages, "cases": record["cases"]}


def main() -> None:
    place = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    own, more = sys.argv[1:place], sys.argv[place + 1 :]
    with tempfile.TemporaryDirectory(prefix="real-size-") as temporary:
        folder = Path(own[0]) if own else Path(temporary)
        make_project(folder)
        for label in ("cold", "warm"):
            found = run(folder, more)
            print(f"\n{label}: {found['wall']:.0f} s in all")
            if label == "cold":
                for stage, seconds in sorted(found["stages"].items(), key=lambda one: -one[1]):
                    print(f"  {seconds:7.1f} s  {stage}")
                for case in found["cases"]:
                    parity = case["parity"] or {}
                    name = f"{case['model']}/{case['variant']}/{case['target']}"
                    print(f"  {name:60} {case['outcome']:12} {parity.get('samples', 0):4} of {parity.get('available')}")


if __name__ == "__main__":
    main()
