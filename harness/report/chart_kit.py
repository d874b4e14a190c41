"""The chart library and the drawings of every kind, as the page carries them.

Making them takes two seconds, most of it in Vega's bundler, and gives the same each time: so they are kept
for all projects, under the hash of what makes them.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from harness.cache import sha256_json, sha256_tree
from harness.paths import environments_directory
from harness.report.packing import pack, to_json

ENTRY = "window.vegaEmbed = vegaEmbed;"
LIBRARIES = ("altair", "vl-convert-python")
HERE = Path(__file__).parent
MAKERS = tuple(HERE / name for name in ("chart_kit.py", "charts.py", "packing.py"))


@dataclass(frozen=True)
class ChartKit:
    """`packed`: JSON of `library` (a script), `config` and `drawings`, as `packing.pack` writes it. `library_hash`: the
    SHA-256 of the script in base64, by which the page lets it run."""

    packed: str
    library_hash: str


@cache
def chart_kit() -> ChartKit:
    """What another process made, or made and kept. A folder that cannot be written is done without."""
    path = kept_at()
    kept = _read(path)
    if kept is None:
        kept = _make()
        _keep(kept, path)
    return kept


def kept_at() -> Path:
    """The file that it is kept in, for all projects: it hangs on the libraries and on nothing of a project."""
    key = sha256_json([sha256_tree(MAKERS), *((name, version(name)) for name in LIBRARIES)])
    return environments_directory() / f"charts-{key[:32]}.json"


def _make() -> ChartKit:
    import vl_convert

    from harness.report import charts
    from harness.report.assets import script_hash
    from harness.report.charts import drawings

    # In a scope of its own.
    library = f"(() => {{{vl_convert.javascript_bundle(ENTRY)}}})();"
    ticks = {"TIME": charts.TIME_LABELS, "BYTES": charts.SIZE_LABELS, "ERROR": charts.ERROR_LABELS}
    content = {"library": library, "config": charts.CONFIG, "ticks": ticks, "drawings": drawings()}
    return ChartKit(pack(to_json(content)), script_hash(library))


def _read(path: Path) -> ChartKit | None:
    """The file's chart kit. None if there is no file, or if it is not as it was written."""
    try:
        found = json.loads(path.read_text(encoding="ascii"))
        kit = ChartKit(found["packed"], found["library_hash"])
        return kit if found["digest"] == sha256_json(asdict(kit)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(kit: ChartKit, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(asdict(kit) | {"digest": sha256_json(asdict(kit))}, file)
        Path(temporary).replace(path)
    except OSError:
        return
