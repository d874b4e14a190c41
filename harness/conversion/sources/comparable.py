"""Which outputs can be compared as numbers; of all others one sentence, before anything is converted."""

from __future__ import annotations

from typing import Any

from harness.conversion.sources.request import BadSource

PARTS = "complex, which no target gives back; give `tf.math.real(…)` and `tf.math.imag(…)` of it as two outputs"
REMEDIES = {
    "string": "text, which cannot be compared as numbers; give the number that the text stands for (a class's index) as"
    " the output, and make the text of it in the application",
    "complex64": PARTS,
    "complex128": PARTS,
    "bfloat16": "bfloat16, which NumPy does not have; cast it to float32 in the model",
    "resource": "a handle of TensorFlow's, which holds no numbers; give the values that it stands for as the output",
    "variant": "a value of TensorFlow's own (a list or a data set), which holds no plain numbers; stack it to a tensor",
}
"""What an output of a type is, and what to do."""


def check_comparable(name: str, dtype: str) -> None:
    """Raise `BadSource` for an output whose type is not of plain numbers."""
    if dtype in REMEDIES:
        raise BadSource(f"output '{name}' is {REMEDIES[dtype]}.")


def check_plain(name: str, value: Any) -> None:
    """Raise `BadSource` for an output that is no single tensor: nested, ragged or sparse."""
    kind = type(value).__name__
    if isinstance(value, dict | list | tuple):
        raise BadSource(f"output '{name}' is itself a {kind} of outputs; return one flat dictionary of tensors.")
    if kind in ("RaggedTensor", "RaggedTensorValue"):
        raise BadSource(
            f"output '{name}' is ragged (its rows differ in length), which no target gives back; give `.to_tensor()`"
            " of it, and its row lengths as another output where they are needed."
        )
    if kind in ("SparseTensor", "IndexedSlices"):
        raise BadSource(f"output '{name}' is a {kind}, which no target gives back; give a dense tensor of it.")
