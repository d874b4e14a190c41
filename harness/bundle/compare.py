"""Says whether a fault shows: what a model gives, beside what it should give.

A copy of this file goes into every report of a fault, where nothing else of the project is: the standard library and
NumPy (1.x or 2.x) only.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MOST_VALUES = 8
"""Values that are printed, the worst first."""

Inference = Callable[[str, Any, Any, bool], Any]
"""`infer(model, setting, samples, is_stream)`: the outputs of each sample, an array each. `samples`: the inputs of
each, likewise; `is_stream`: whether the model keeps its state from each to the next."""


def figures(actual: Any, expected: Any, scale: float | None, zero_point: int) -> dict[str, Any]:
    """How far two arrays of stored values are apart; with a scale, real = scale · (stored − zero point).

    `differing`: the share of values that differ; `steps`: the largest difference of integers, `largest` of real values;
    `sqnr_db` = 10·log10(Σ expected² / Σ (actual − expected)²); `peak`: the largest difference beside the root mean
    square of what is expected; `tolerance`: the largest |actual − expected| / (1 + |expected|). The figures of real
    values are null where one side is not finite, and the two that need a signal where there is none.
    """
    found: dict[str, Any] = {"differing": float(np.mean(actual != expected)) if actual.size else 0.0}
    is_integer = actual.dtype.kind in "biu" and expected.dtype.kind in "biu"
    one, two = actual.astype(np.float64), expected.astype(np.float64)
    found["steps"] = float(np.abs(one - two).max()) if is_integer and actual.size else None
    if scale is not None:
        one, two = scale * (one - zero_point), scale * (two - zero_point)
    same = one == two  # equal infinities agree
    found["finite"] = bool((same | (np.isfinite(one) & np.isfinite(two))).all())
    if not found["finite"] or not actual.size:
        return {**found, **dict.fromkeys(("largest", "sqnr_db", "peak", "tolerance"))}
    one, two = np.where(same & ~np.isfinite(two), 0.0, one), np.where(same & ~np.isfinite(two), 0.0, two)
    error = np.abs(one - two)
    noise, signal = float(np.square(error).sum()), float(np.square(two).sum())
    return {
        **found,
        "largest": float(error.max()),
        "sqnr_db": 10.0 * math.log10(signal / noise) if noise and signal else None,
        "peak": float(error.max()) / math.sqrt(signal / error.size) if signal else None,
        "tolerance": float((error / (1.0 + np.abs(two))).max()),
    }


def is_beyond(found: dict[str, Any], limit: dict[str, Any]) -> bool:
    """Whether `figures` break a limit. Where there is no signal to compare an error with, a tolerance stands in: for a
    limit of L dB it is 10^(−L/20), for a peak the peak itself."""
    figure, bound = limit["figure"], limit["limit"]
    if not found["finite"]:
        return True
    if figure == "finite" or not found["differing"]:
        return False
    if found[figure] is None:
        allowed = 10.0 ** (-bound / 20.0) if figure == "sqnr_db" else bound
        return found["tolerance"] is not None and bool(found["tolerance"] > allowed)
    return bool(found[figure] < bound if figure == "sqnr_db" else found[figure] > bound)


def describe_output(name: str, actual: Any, expected: Any, scale: float | None, found: dict[str, Any]) -> list[str]:
    """An output in words, with the values that are worst."""
    apart = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    apart = np.where(np.isnan(apart), np.inf, apart)
    worst = [place for place in np.argsort(-apart, axis=None, kind="stable")[:MOST_VALUES] if apart.flat[place] > 0]
    lines = [
        f"{name}, {actual.dtype} of {' x '.join(map(str, actual.shape)) or 'one value'}: "
        f"{int((apart > 0).sum())} of {actual.size} values differ"
        + (f", the largest difference is {found['largest']:.6g}" if found["largest"] is not None else "")
        + (f" ({found['steps']:g} steps of {scale:.6g})" if scale is not None and found["steps"] is not None else "")
    ]
    if worst:
        lines.append(f"  {'at':<16} {'should be':>14} {'came out':>14}")
    for place in worst:
        index = ", ".join(str(int(axis)) for axis in np.unravel_index(place, actual.shape))
        lines.append(f"  {f'[{index}]':<16} {value(expected.flat[place]):>14} {value(actual.flat[place]):>14}")
    return lines


def value(one: Any) -> str:
    return f"{one:.8g}" if isinstance(one, np.floating) else str(one)


LIMITS = {
    "steps": "differs by {found:g} steps, and at most {limit:g} {verb} allowed",
    "differing": "has {found:.1%} of its values wrong, and at most {limit:.1%} may be",
    "sqnr_db": "has an SQNR of {found:.1f} dB, and at least {limit:g} dB {verb} asked for",
    "peak": "is off by {found:.3g} of its root mean square, and at most {limit:.3g} {verb} allowed",
}


def describe_broken_limit(name: str, found: dict[str, Any], limit: dict[str, Any]) -> str:
    """Which limit an output breaks, in words."""
    figure = limit["figure"]
    if not found["finite"]:
        return f"{name} is not finite where it should be"
    if found.get(figure) is None:
        return f"{name} should be zero everywhere, and is off by up to {found['largest']:.3g}"
    verb = "is" if limit["limit"] == 1 or figure != "steps" else "are"
    return f"{name} " + LIMITS[figure].format(found=found[figure], limit=limit["limit"], verb=verb)


def report(fault: dict[str, Any], outputs: list[Any], expected: list[Any]) -> bool:
    """Print what the outputs are beside what they should be, one array each; whether the fault shows."""
    broken = []
    for info, one, other in zip(fault["outputs"], outputs, expected):  # noqa: B905 - Python 3.9 has no `strict`
        if one.shape != other.shape or one.dtype != other.dtype:
            print(f"{info['name']} came out as {one.dtype} {one.shape}, and should be {other.dtype} {other.shape}")
            broken.append(f"{info['name']} is of another shape or type")
            continue
        found = figures(one, other, info["scale"], info["zero_point"])
        print("\n".join(describe_output(info["name"], one, other, info["scale"], found)))
        if info["limit"] is not None and is_beyond(found, info["limit"]):
            broken.append(describe_broken_limit(info["name"], found, info["limit"]))
    print(f"The fault shows: {'; '.join(broken)}." if broken else "The fault does not show.")
    return bool(broken)


ITSELF = "--in-this-process"
"""The argument with which a script that is to die runs the model; without it it looks on."""


def run_in_subprocess() -> int:
    """Run this script in a process of its own, and say whether that dies: 1 if so, 0 if it ends well, else 2."""
    status = subprocess.run([sys.executable, "-I", sys.argv[0], ITSELF], stdin=subprocess.DEVNULL).returncode
    if status < 0 or status > 255:  # a signal, or an exception's code on Windows
        name = signal.Signals(-status).name if status < 0 else hex(status)
        print(f"The fault shows: the process that runs the model dies of {name}.")
        return 1
    if status == 0:
        print("The fault does not show.")
        return 0
    return 2  # it has said why


def main(folder: Path, infer: Inference) -> None:
    """Run the model of `folder` and end: with 1 where the fault shows, 0 where it does not, 2 where none can tell."""
    try:
        fault = json.loads((folder / "fault.json").read_text(encoding="utf-8"))
        if fault.get("dies") and ITSELF not in sys.argv:
            print(fault["fault"], flush=True)
            sys.exit(run_in_subprocess())
        arrays = [[np.load(folder / one["file"]) for one in fault[side]] for side in ("inputs", "outputs")]
        samples = [[array[index] for array in arrays[0]] for index in range(len((arrays[1] or arrays[0])[0]))]
        if not fault.get("dies"):
            print(fault["fault"])
        given = infer(str(folder / fault["model"]), fault["setting"], samples, fault["is_stream"])
        outputs = [np.stack(of_one) for of_one in zip(*given)]  # noqa: B905
    except Exception as error:
        print(f"It cannot be told: {type(error).__name__}: {error}")
        sys.exit(2)
    if fault.get("dies"):
        sys.exit(0)
    sys.exit(int(report(fault, outputs, arrays[1])))
