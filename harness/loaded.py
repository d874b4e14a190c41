"""Checks that a process opened what it was asked to open."""

from __future__ import annotations

from collections.abc import Mapping

from harness.artifact import Artifact
from harness.errors import Failed
from harness.target import Loaded


def check_loaded(target: str, artifact: Artifact, loaded: Loaded | None) -> None:
    """Raise `Failed` where a session holds anything but `artifact`; a runtime that says nothing is believed."""
    if loaded is None:
        return
    asked = {file.path: file.sha256 for file in artifact.files}
    check_files(target, asked, loaded.files, artifact.entry)
    known = {plain(name) for name in loaded.inputs}
    missing = [info.tensor for info in artifact.inputs if plain(info.tensor) not in known]
    if known and missing:
        raise Failed(
            f"{target} loaded a model with the inputs {', '.join(loaded.inputs)}, and what was asked for has"
            f" {', '.join(missing)}: another model was loaded, so nothing was compared."
        )


def check_files(who: str, asked: Mapping[str, str], opened: Mapping[str, str], entry: str) -> None:
    """Raise `Failed` where `entry` was not opened, or a file that was opened is not as it was asked for. Both map names
    to SHA-256."""
    if entry not in opened:
        raise Failed(f"{who} was asked for {entry} and opened {', '.join(sorted(opened)) or 'nothing'}.")
    for name, digest in sorted(opened.items()):
        if asked.get(name) != digest:
            wanted = f"what was asked for is {asked[name][:12]}…" if name in asked else "it was not asked for"
            raise Failed(
                f"{who} opened {name} with SHA-256 {digest[:12]}…, and {wanted}; run it again, and if it comes again"
                " report it: nothing was compared."
            )


def plain(tensor: str) -> str:
    """A tensor's name without the number of its first output, which one runtime writes and another does not."""
    return tensor.removesuffix(":0")
