"""A script that repeats what TensorFlow's converter to TFLite makes of a SavedModel."""

from __future__ import annotations

from pathlib import Path

from harness.artifact import Artifact
from harness.environment import environment
from harness.errors import Unsupported
from harness.reproduction import Reproduction, pip_line, run_script, write_scripts


def conversion_reproduction(artifact: Artifact) -> Reproduction:
    """The reproduction of a float32 artifact's conversion, which has no options. Raises `Unsupported` for an artifact
    that keeps state."""
    if artifact.state != "none":
        raise Unsupported("it keeps state from one inference to the next")
    converter = environment("converter")
    packages = {name: converter.versions()[name] for name in ("tensorflow", "numpy")}
    return Reproduction(
        runtime_name=f"tensorflow {packages['tensorflow']} after tf.lite.TFLiteConverter",
        write=write_scripts(Path(__file__).with_name("repeat_conversion.py")),
        repeat=lambda folder: run_script(converter.python(), folder, "repeat.py"),
        packages=packages,
        instructions=(pip_line(packages), "python repeat.py"),
        setting={side: [info.name for info in getattr(artifact, side)] for side in ("inputs", "outputs")},
    )
