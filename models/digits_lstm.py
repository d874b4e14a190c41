"""A recurrent network that reads real handwritten digits row by row."""

from __future__ import annotations

from typing import Any

from harness.model import Dataset, Model, TensorSpec

from .committed_weights import CommittedWeights
from .data.handwritten_digits import EVALUATED, LABELS, Digits, held_out_digits, training_digits

WEIGHTS = CommittedWeights("digits_lstm.npz", sha256="78b3f274d62e5a37fd5f6a0d5eb3db1549588a48c1c0cb775c87628a0a4307ab")


def network(batch_size: int | None = None) -> Any:
    """The untrained network: an LSTM of 32 units over eight rows of eight pixels, then a softmax."""
    import keras

    rows = keras.Input(shape=(8, 8), batch_size=batch_size, name="rows")
    # Unrolled: as a WHILE loop it runs in float, but its int8 conversion brings TensorFlow 2.19's converter down.
    hidden = keras.layers.LSTM(32, unroll=True)(rows)
    digit = keras.layers.Dense(len(LABELS), activation="softmax")(hidden)
    return keras.Model(rows, digit, name="digits_lstm")


def build() -> Any:
    # A batch of one, fixed: with a dynamic batch TFLite needs TensorList ops it does not have.
    return WEIGHTS.fill(network(batch_size=1))


def as_rows(digits: Digits) -> Dataset:
    """Digits as sequences of rows, one to a batch."""
    return Dataset({"rows": digits.images[:, None]}, digits.labels)


MODEL = Model(
    name="digits_lstm",
    summary="Handwritten digits as a sequence of rows: an LSTM trained on scikit-learn's bundled real data",
    inputs=(TensorSpec("rows", (1, 8, 8)),),
    build=build,
    evaluation=lambda: as_rows(held_out_digits().first(EVALUATED)),
    calibration=lambda: as_rows(training_digits().first(100)),
    task="classification",
    labels=LABELS,
    weights=WEIGHTS.file,
    notes={
        "data": "real: scikit-learn's handwritten digits; the evaluation is held out from training",
        "form": "eight steps unrolled, batch of one: builtin ops alone, no WHILE loop",
    },
)
