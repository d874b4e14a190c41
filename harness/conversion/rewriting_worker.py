"""Runs in the environment of a format's rewriter under `harness/process/serve.py`: artifacts are made of artifacts.

The rewriter's packages are imported once; every job then runs in a fork of this process, as in `worker.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.conversion.format_converter import format_converter
from harness.conversion.worker import Handler, forked


def rewrite(header: dict[str, Any]) -> dict[str, Any]:
    """One artifact made from another; returns the name of its entry file."""
    with np.load(header["calibration"], allow_pickle=False) as archive:
        calibration = {name: archive[name] for name in archive.files}
    module = format_converter(header["rewriter"])
    entry = module.rewrite(
        Path(header["path"]), header["options"], calibration, header["signature"], Path(header["output"])
    )
    return {"entry": entry}


def handlers() -> dict[str, Handler]:
    """The operations that the engine may ask for, by name."""
    return {"rewrite": forked(rewrite, converter="rewriter")}
