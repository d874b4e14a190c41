"""Runs in the converter's environment under `harness/process/serve.py`: TensorFlow is imported here and nowhere else.

TensorFlow is imported once; every job then runs in a fork of this process, so that it starts in a clean state within
milliseconds and a converter that dies takes nothing with it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.conversion.conditioning import conditioning as measure_conditioning
from harness.conversion.format_converter import format_converter, import_before_forks
from harness.conversion.sources.request import first_line
from harness.named_arrays import read_arrays, write_arrays
from harness.ragged import concatenate_parts

FEWEST, GROWTH = 2, 8
"""Samples of the first batch of a reference, and how many times as many as were done before a later one may have."""

Handler = Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]]


class ConverterCrashed(Exception):
    """The fork that ran the job died."""

    harness_kind = "crashed"


def forked(job: Callable[[dict[str, Any]], dict[str, Any]], converter: str = "converter") -> Handler:
    """A handler that runs `job` in a fork; its JSON answer comes back over a pipe. `converter`: the field of the header
    that may name a converter's file, which is imported before."""

    def handler(header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        if header.get(converter):
            import_before_forks(header[converter])
        read_end, write_end = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            try:
                answer = job(header)
            except BaseException as error:
                traceback.print_exc()
                kind = getattr(error, "harness_kind", "exception")
                message = first_line(error) if kind == "exception" else str(error)
                answer = {"error": {"kind": kind, "type": type(error).__name__, "message": message}}
            try:
                with os.fdopen(write_end, "w") as stream:
                    json.dump(answer, stream)
                sys.stderr.flush()
            finally:
                os._exit(0)  # no clean-up: threads of the runtime would be waited for
        os.close(write_end)
        with os.fdopen(read_end) as stream:
            content = stream.read()
        status = os.waitpid(child, 0)[1]
        try:
            return json.loads(content), {}
        except ValueError:
            code = os.waitstatus_to_exitcode(status)
            how = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            raise ConverterCrashed(f"the converter {how} during '{header['op']}'") from None

    return handler


def prepare(header: dict[str, Any]) -> dict[str, Any]:
    """Bring a source into the one form that all converters take: see `harness.conversion.prepare`."""
    from harness.conversion.prepare import prepare as prepare_source

    return prepare_source(header["source"], Path(header["output"]))


def convert(header: dict[str, Any]) -> dict[str, Any]:
    """One variant of a prepared model: the format's converter writes it, then reads it back."""
    module = format_converter(header["converter"])
    calibration = None if header["calibration"] is None else read_arrays(Path(header["calibration"]))
    output = Path(header["output"])
    options = {**header["options"], "resources": header["resources"]}
    entry = module.convert(Path(header["saved_model"]), options, calibration, output)
    return {"entry": entry, **(module.inspect(output / entry) if header["inspect"] else {})}


def graph_summary(header: dict[str, Any]) -> dict[str, Any]:
    """Operators, parameters, types and open shapes of a prepared model's graph; see `graph_summary.py`."""
    from harness.conversion.graph_summary import summarise_graph

    return summarise_graph(Path(header["saved_model"]))


def inspect(header: dict[str, Any]) -> dict[str, Any]:
    """Inputs, outputs and operators of an artifact that was made elsewhere."""
    chosen = {"signature": header["signature"]} if header.get("signature") else {}
    return dict(format_converter(header["converter"]).inspect(Path(header["path"]), **chosen))


def reference(header: dict[str, Any]) -> dict[str, Any]:
    """Outputs of the format's reference interpreter on `samples` (an `.npz`), written to `output` (another): of all of
    them, or of as many, from the first, as take about `budget` seconds."""
    module = format_converter(header["converter"])
    samples = read_arrays(Path(header["samples"]))

    def infer(part: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return module.reference(Path(header["path"]), header["inspected"], dict(part))

    budget = header.get("budget")
    interpreter, outputs = infer(samples) if budget is None else infer_within(infer, samples, budget)
    write_arrays(Path(header["output"]), outputs)
    return {"interpreter": interpreter}


def infer_within(
    infer: Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]], samples: dict[str, Any], seconds: float
) -> tuple[str, dict[str, Any]]:
    """`infer` over the first samples that take about `seconds` together; at least `FEWEST` samples."""
    count, begun = len(next(iter(samples.values()))), time.monotonic()
    interpreter, parts, done, batch = "", [], 0, min(FEWEST, len(next(iter(samples.values()))))
    while batch > 0:
        batch_begun = time.monotonic()
        interpreter, part = infer({name: values[done : done + batch] for name, values in samples.items()})
        parts.append(part)
        done += batch
        each = (time.monotonic() - batch_begun) / batch
        left = seconds - (time.monotonic() - begun)
        batch = min(count - done, max(0, int(left / max(each, 1e-6))), GROWTH * done)
    return interpreter, concatenate_parts(parts)


def conditioning(header: dict[str, Any]) -> dict[str, Any]:
    """How far the outputs move when operators round otherwise: see `harness.conversion.conditioning`."""
    module = format_converter(header["converter"])
    samples, outputs = read_arrays(Path(header["samples"])), read_arrays(Path(header["outputs"]))
    return measure_conditioning(
        module, Path(header["path"]), header["inspected"], samples, outputs, header["interpreter"]
    )


def import_once() -> None:
    """TensorFlow, before the forks, so that each starts with it.

    The collector finds nothing in what an import makes, and takes a fifth of its time. In a fork it would look at all
    of it again, and so copy it: a third of a small conversion."""
    gc.disable()
    import tensorflow  # noqa: F401

    gc.enable()
    gc.freeze()


def handlers() -> dict[str, Handler]:
    """The operations that the engine may ask for, by name. Each runs in a fork of its own."""
    import_once()
    return {
        "prepare": forked(prepare),
        "convert": forked(convert),
        "graph_summary": forked(graph_summary),
        "inspect": forked(inspect),
        "reference": forked(reference),
        "conditioning": forked(conditioning),
    }
