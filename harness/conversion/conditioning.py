"""How far a model's own outputs move when what it computes with moves by one unit in the last place.

Two honest runtimes round in other places, so their results are some units apart in the last place, operator by
operator; what that makes of the outputs is the model's own doing, its *conditioning*. A format's converter makes the
artifact's operators give results that are off at random by as much as sound kernels differ (`disturbed` in each family
says by how much and why), and its outputs are held against those that the same interpreter gives undisturbed. Nothing
of the runtimes that are judged by it takes part.

Runs in the converter's environment. NumPy only.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.named_arrays import first_samples
from harness.ragged import sizes_name, split_samples

WORK = 8_000_000_000
"""Multiply-accumulates of a reference kernel for one artifact, all draws together: six seconds."""
FEWEST_SAMPLES, MOST_SAMPLES = 2, 512
MOST_DRAWS, FEW_SAMPLES, MOST_DRAWS_OF_FEW = 4, 32, 8
"""Draws of few samples. With few samples only more draws show the one value in thousands that jumps. (Nine samples
of a segmentation: the worst of two draws moved half as far as in two others, and three sound runtimes failed by its
peak.)"""
SEED = 20261126

UNIT_DB = 20.0 * np.log10(2.0**23)
"""SQNR in dB if every value is off by one unit in the last place of float32. No output counts as better conditioned."""
STEPPED_SHARE = 0.01
"""Share of values that is at least assumed to move by one step in an output with steps, whatever was seen. Which values
lie on a tie depends on the samples, and a hundred samples do not show one value in a thousand."""


class Unmeasured(Exception):
    """The text says why this artifact's conditioning cannot be measured."""

    harness_kind = "unsupported"


def conditioning(
    module: ModuleType,
    path: Any,
    inspected: dict[str, Any],
    samples: dict[str, NDArray[Any]],
    outputs: dict[str, NDArray[Any]],
    interpreter: str,
) -> dict[str, Any]:
    """Figures for each output, in the shape of `harness.store.record.Conditioning`.

    Args:
        module: the format's converter, with `work`, `disturbed` and `output_steps`.
        samples, outputs: the golden's inputs as the artifact takes them and what the reference `interpreter` made of
            them, stored values by name, (samples, *shape).

    Keeps the lowest SQNR and the largest movement of all draws. Draws are seeded: the same artifact and samples give
    the same figures. If another interpreter runs the disturbed copies (its kernels are quicker, or the reference is a
    stand-in), it also gives the undisturbed outputs. Raises `Unmeasured`.
    """
    work = max(1, module.work(path))
    available = len(next(iter(samples.values())))
    # Samples before draws: of a model of real size, one sample in ten moves ten times as far as the others.
    count = min(int(np.clip(WORK // work, FEWEST_SAMPLES, MOST_SAMPLES)), available)
    most = MOST_DRAWS if count >= FEW_SAMPLES else MOST_DRAWS_OF_FEW
    draws = int(np.clip(WORK // (work * count), 1, most))
    first, still = first_samples(samples, count), first_samples(outputs, count)
    movements: dict[str, list[dict[str, Any]]] = {info["name"]: [] for info in inspected["outputs"]}
    steps, run_disturbed = module.output_steps(path, inspected), module.disturbed(path, inspected)
    for draw in range(draws):
        generator = np.random.Generator(np.random.Philox([SEED, draw]))
        noisy = {name: off_by_a_unit(values, generator) for name, values in first.items()}
        by, moved = run_disturbed(noisy, generator)
        if by != interpreter and draw == 0:
            _, still = undisturbed_by(by, module, path, inspected, first, interpreter)
            interpreter = by
        if by != interpreter:
            raise Unmeasured(f"{interpreter} does not run it with its operators disturbed")
        for info in inspected["outputs"]:
            name = info["name"]
            pair = comparable(moved, still, name)
            movements[name].append(movement(*pair, info, steps.get(name)))
    return {
        "samples": count,
        "draws": draws,
        "outputs": [
            {"output": info["name"], "step": step_of(info, steps.get(info["name"])), **worst(movements[info["name"]])}
            for info in inspected["outputs"]
        ],
    }


def undisturbed_by(
    by: str,
    module: ModuleType,
    path: Any,
    inspected: dict[str, Any],
    samples: dict[str, NDArray[Any]],
    interpreter: str,
) -> tuple[str, dict[str, NDArray[Any]]]:
    """What the interpreter that ran the disturbed copy makes of the artifact itself. Raises `Unmeasured`."""
    undisturbed = getattr(module, "undisturbed", None)  # of a format that has interpreters to choose from
    found, still = undisturbed(path, inspected, samples) if undisturbed is not None else ("", {})
    if found != by:
        raise Unmeasured(f"{interpreter} does not run it with its operators disturbed")
    return found, still


def off_by_a_unit(values: NDArray[Any], generator: np.random.Generator) -> NDArray[Any]:
    """Half of the float32 values one unit in the last place higher or lower; zeros and other types as they are: a zero
    is exact, and an integer goes into every runtime alike."""
    if values.dtype != np.float32:
        return values
    way = np.array([-1, 0, 0, 1], np.int32)[generator.integers(0, 4, values.shape, np.uint8)]
    way = np.where((values == 0) | ~np.isfinite(values), 0, way)
    # The next float32 away from zero is the next integer of the same bits.
    return (values.view(np.int32) + way).view(np.float32)


def comparable(
    moved: dict[str, NDArray[Any]], still: dict[str, NDArray[Any]], name: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """One output of both; where its size depends on the data, the values that the samples hold, and nothing at all
    where a sample holds another number of them: rows that come and go say nothing of rounding."""
    if sizes_name(name) not in moved and sizes_name(name) not in still:
        return moved[name], still[name]
    one, two = split_samples(moved, name), split_samples(still, name)
    if [values.shape for values in one] != [values.shape for values in two]:
        return np.zeros(0), np.zeros(0)
    return np.concatenate([values.ravel() for values in one]), np.concatenate([values.ravel() for values in two])


def step_of(info: dict[str, Any], step: float | None) -> float | None:
    """One step of an output in real units; None for one that has none."""
    return float(info["quantisation"]["scale"]) if info["quantisation"] else step


def movement(moved: NDArray[Any], still: NDArray[Any], info: dict[str, Any], step: float | None) -> dict[str, Any]:
    """How far one output moved in one draw; null where that has no meaning."""
    nothing = {"sqnr_db": None, "peak": None, "steps": None}
    if moved.shape != still.shape or still.size == 0 or (still.dtype.kind in "biu" and not info["quantisation"]):
        return nothing
    one, two = moved.astype(np.float64).ravel(), still.astype(np.float64).ravel()
    if info["quantisation"]:
        zero, step = info["quantisation"]["zero_point"], 1.0
        one, two = one - zero, two - zero
    known = np.isfinite(two)
    if not (np.isfinite(one) | ~known).all():
        return nothing
    error, signal = np.abs(one[known] - two[known]), float(np.square(two[known]).sum())
    power = float(np.square(error).sum())
    if step is not None:
        power = max(power, step * step * max(1.0, STEPPED_SHARE * still.size))
    largest = float(error.max(initial=0.0))
    figures: dict[str, Any] = {"steps": None if step is None else round(largest / step)}
    if signal == 0.0:
        return {**nothing, **figures}
    unit = UNIT_DB if step is None else np.inf
    decibels = min(float(10.0 * np.log10(signal / power)) if power > 0.0 else np.inf, unit)
    return {**figures, "sqnr_db": decibels, "peak": largest / float(np.sqrt(signal / max(1, error.size)))}


def worst(seen: list[dict[str, Any]]) -> dict[str, Any]:
    """The worst of all draws, where each has a figure."""
    found: dict[str, Any] = {}
    for name, choose in (("sqnr_db", min), ("peak", max), ("steps", max)):
        values = [one[name] for one in seen]
        found[name] = None if any(value is None for value in values) else choose(values)
    return found
