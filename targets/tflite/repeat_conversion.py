"""Converts the SavedModel beside it and runs the result. Exit code 1: the fault shows; 0: it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.bundle.compare import main


def infer(model: str, setting: Any, samples: Any, is_stream: bool) -> Any:
    """The outputs of each sample, in the order of the signature."""
    import tensorflow as tf

    content = tf.lite.TFLiteConverter.from_saved_model(model).convert()
    results = []
    for sample in samples:
        interpreter = tf.lite.Interpreter(
            model_content=content, experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF
        )
        run = interpreter.get_signature_runner()
        outputs = run(**dict(zip(setting["inputs"], sample)))  # noqa: B905 - Python 3.9 has no `strict`
        results.append([outputs[name] for name in setting["outputs"]])
    return results


if __name__ == "__main__":
    main(Path(__file__).resolve().parent, infer)
