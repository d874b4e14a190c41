"""TFLite files: what the engine calls. Runs in the converter's environment, loaded by the conversion worker; never in
the engine."""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from harness.ragged import concatenate_parts

from . import metadata, perturbation
from .conversion_checks import check_loads, check_signature, refuse_float
from .inspection import inspect
from .reference_interpreter import reference, undisturbed, undisturbed_runner
from .refusals import Mistaken, Refused, Unloadable, one_line
from .schema import schema_module
from .selective_quantisation import is_partial, quantise_selectively

__all__ = [
    "convert",
    "disturbed",
    "import_first",
    "inspect",
    "output_steps",
    "reference",
    "take_ready",
    "undisturbed",
    "work",
]

ENTRY = "model.tflite"
INT16X8 = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
RANGE_SAMPLES = 4
"""Samples that show how large the activations are that are quantised as the model runs."""

Disturbed = Callable[[dict[str, Any], np.random.Generator], tuple[str, dict[str, Any]]]
"""Samples and a source of noise → the interpreter and its outputs."""


def import_first() -> None:
    """What every job needs and takes long to import."""
    schema_module()


def convert(saved_model: Path, options: dict[str, Any], calibration: dict[str, Any] | None, output: Path) -> str:
    """Convert with TFLiteConverter in process and write `output/model.tflite`; returns the entry's name.

    `options`: those of `format.py` and `harness.conversion.choices`. `calibration`: input name → float array shaped
    (samples, *static shape). Raises `Refused` with the converter's reason in one line.
    """
    with loading_once():
        content = converted_bytes(saved_model, options, calibration)
    if options.get("integer_only") and options["scheme"] in ("int8", "int16x8"):
        refuse_float(content)
    if options.get("metadata"):
        content = metadata.embed(content, options["metadata"], schema_module())
    check_signature(content, schema_module())
    (output / ENTRY).write_bytes(content)
    check_loads(output / ENTRY)
    return ENTRY


def converted_bytes(saved_model: Path, options: dict[str, Any], calibration: dict[str, Any] | None) -> bytes:
    """What TFLiteConverter makes of it, the file as it is. Raises `Refused`, `Mistaken`, `Unloadable`."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=["serving_default"])
    scheme = options["scheme"]
    converter.target_spec.supported_ops = operator_sets(scheme, options)
    converter.allow_custom_ops = "custom" in options.get("operators", ())
    if scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if options.get("per_tensor"):
        converter._experimental_disable_per_channel = True
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if scheme in ("int8", "int16x8"):
        if calibration is None:
            raise Refused(f"the variant needs calibration data for scheme {scheme}, and the model has none")
        count = min(len(next(iter(calibration.values()))), options.get("calibration_samples", 1 << 30))

        def representative() -> Any:
            for sample in range(count):
                yield "serving_default", {name: values[sample] for name, values in calibration.items()}

        converter.representative_dataset = representative
        converter.inference_input_type = converter.inference_output_type = getattr(tf, options.get("io", "float32"))
    try:
        content: bytes = quantise_selectively(converter, options) if is_partial(options) else converter.convert()
        return content
    except (Refused, Mistaken, Unloadable):
        raise
    except (OSError, MemoryError):
        raise  # no answer of the converter: another time it may work
    except Exception as error:
        raise Refused(one_line(error)) from error


@contextlib.contextmanager
def loading_once() -> Iterator[None]:
    """Inside, TFLiteConverter loads a SavedModel once: otherwise it loads it anew to convert it, for its debug
    information alone, which takes a fifth of the time of a small model."""
    from tensorflow.lite.python import lite

    load = lite._load
    known: dict[str, Any] = {}

    def load_once(directory: str, tags: Any) -> Any:
        if directory not in known:
            known[directory] = load(directory, tags)
        return known[directory]

    with mock.patch.object(lite, "_load", load_once):
        yield


def operator_sets(scheme: str, options: dict[str, Any]) -> list[Any]:
    """The `supported_ops` of a variant: which operators it may have is its explicit choice, builtin ones by default."""
    import tensorflow as tf

    sets = tf.lite.OpsSet
    chosen = options.get("operators", ("builtin",))
    strict = {"int8": sets.TFLITE_BUILTINS_INT8, "int16x8": getattr(sets, INT16X8)}
    found = [strict.get(scheme, sets.TFLITE_BUILTINS)]
    if scheme in strict and not is_whole(scheme, options):
        found.append(sets.TFLITE_BUILTINS)  # what cannot be quantised stays in float
    if "select-tf" in chosen:
        found.append(sets.SELECT_TF_OPS)
    return found


def is_whole(scheme: str, options: dict[str, Any]) -> bool:
    """Whether every operator has to be an integer one: nothing is excluded, and TensorFlow's own are not asked for."""
    others = {"select-tf", "custom"} & set(options.get("operators", ()))
    return scheme in ("int8", "int16x8") and not is_partial(options) and not others


def take_ready(path: Path, output: Path) -> tuple[str, str]:
    """Copy a ready `.tflite`; returns its name and what was recognised."""
    shutil.copyfile(path, output / ENTRY)
    return ENTRY, "a ready TFLite file (it carries the TFL3 mark)"


@functools.lru_cache(maxsize=1)
def as_objects(path: Path) -> perturbation.PerturbedModel:
    """The file, which nobody changes, to look at. Raises `Unmeasured`."""
    return perturbation.read(path, schema_module())


def work(path: Path) -> int:
    """Multiply-accumulates of one inference, about."""
    return perturbation.count_macs(as_objects(path))


def output_steps(path: Path, inspected: dict[str, Any]) -> dict[str, float]:
    """Outputs that are floats and take multiples of a step alone: name → step."""
    if inspected.get("signature"):  # its outputs may be another subgraph's
        return {}
    found = perturbation.output_step_sizes(as_objects(path))
    return {info["name"]: found[index] for index, info in enumerate(inspected["outputs"]) if index in found}


def disturbed(path: Path, inspected: dict[str, Any]) -> Disturbed:
    """What runs copies of an artifact whose operators give results that are off by what sound kernels differ by, as
    `undisturbed` runs the artifact: one copy for all samples, or one for each of several portions of them. Raises
    `Unmeasured`."""
    content, schema = path.read_bytes(), schema_module()
    whole, runs = as_objects(path), undisturbed_runner(path, inspected)
    tensors = perturbation.quantised_as_it_runs(whole)
    if tensors and inspected.get("signature"):
        raise perturbation.Unmeasured("what a signature of several quantises as it runs cannot be looked at")
    shown = [{"name": f"tensor {tensor}"} for tensor in tensors]
    showing = perturbation.showing(content, schema, tensors) if tensors else b""
    pattern = functools.cache(functools.partial(perturbation.noisy_model_template, content, schema))

    def run(samples: dict[str, Any], generator: np.random.Generator) -> tuple[str, dict[str, Any]]:
        count = len(next(iter(samples.values())))
        # A stream's samples share state, and so one interpreter.
        portions = 1 if inspected.get("sequence") else perturbation.portion_count(whole, count, len(content))
        interpreter, parts, largest = "", [], {}
        with tempfile.TemporaryDirectory(prefix="harness-disturbed-") as folder:
            other = Path(folder) / path.name
            if tensors:
                other.write_bytes(showing)
                few = {name: values[:RANGE_SAMPLES] for name, values in samples.items()}
                _, found = runs(other, {**inspected, "outputs": [*inspected["outputs"], *shown]}, few)
                largest = {tensor: float(np.abs(found[f"tensor {tensor}"]).max(initial=0.0)) for tensor in tensors}
            for chosen in np.array_split(np.arange(count), portions):
                other.write_bytes(pattern(portions).drawn(generator, largest))
                portion = {name: values[chosen] for name, values in samples.items()}
                interpreter, part = runs(other, inspected, portion)
                parts.append(part)
        return interpreter, concatenate_parts(parts)

    return run
