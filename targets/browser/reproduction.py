"""A page that repeats a fault of a library of the browser, with nothing but its public packages beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.reproduction import FACTS, Repeated, Reproduction

HERE = Path(__file__).with_name("repeat")
ORIGIN = "http://127.0.0.1:8000"
"""Where a reader serves the folder to himself: a page of the disk may fetch no WebAssembly."""
SERVE = "python3 -m http.server --bind 127.0.0.1 8000"
PAGE = "index.html"
SCRIPT = "repeat.js"
Show = Callable[[str, Mapping[str, Path]], Repeated]
"""`show(page, files)`: opens an address in the browser, with `files` in the place of what is served, and gives the
page's verdict."""


@dataclass(frozen=True)
class Library:
    """What a page loads of a library.

    `called`: with version and backend. `npm`: its public packages as npm takes them. `tags`: the lines of the page that
    load it from where npm puts these. `script`: its part of the repetition, which defines `start`. `model(folder)`:
    what that has to know of the model in a report's folder (JSON). `installed`: the files that npm would bring, as they
    are here, by their paths below the page's folder.
    """

    called: str
    packages: Mapping[str, str]
    npm: tuple[str, ...]
    tags: str
    script: Path
    setting: Mapping[str, Any]
    model: Callable[[Path], Mapping[str, Any]]
    installed: Mapping[str, Path]


def reproduction(library: Library, show: Show, browser: Mapping[str, str]) -> Reproduction:
    """`browser`: its name and version."""
    installed = {f"{ORIGIN}/{path}": file for path, file in library.installed.items()}
    return Reproduction(
        runtime_name=library.called,
        write=lambda folder: _write(folder, library),
        repeat=lambda folder: show(
            f"{ORIGIN}/{PAGE}", {**{f"{ORIGIN}/{file.name}": file for file in folder.iterdir()}, **installed}
        ),
        packages={**library.packages, **browser},
        instructions=(
            f"npm install --prefix . {' '.join(library.npm)}",
            SERVE,
            f"open {ORIGIN}/{PAGE}, which says whether the fault shows",
        ),
        setting=library.setting,
    )


def _write(folder: Path, library: Library) -> None:
    """The page, its scripts, and the case as a script."""
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    arrays = {info["file"]: np.load(folder / info["file"]) for side in ("inputs", "outputs") for info in facts[side]}
    case = {
        **facts,
        **library.model(folder),
        "samples": len(arrays[facts["outputs"][0]["file"]]),
        **{
            side: [
                {**info, "shape": list(arrays[info["file"]].shape[1:]), "array": _array(arrays[info["file"]])}
                for info in facts[side]
            ]
            for side in ("inputs", "outputs")
        },
    }
    (folder / "case.js").write_text(f"const FAULT = {json.dumps(case, indent=1)};\n", encoding="utf-8")
    page = (HERE / PAGE).read_text(encoding="utf-8").replace("@LIBRARY@", library.tags)
    (folder / PAGE).write_text(page, encoding="utf-8")
    for script in (library.script, HERE / "compare.js"):
        (folder / script.name).write_text(script.read_text(encoding="utf-8"), encoding="utf-8")


def _array(values: Any) -> dict[str, str]:
    return {"dtype": str(values.dtype), "data": encoded(np.ascontiguousarray(values).tobytes())}


def encoded(content: bytes) -> str:
    """Bytes as a script holds them: base64."""
    return base64.b64encode(content).decode()
