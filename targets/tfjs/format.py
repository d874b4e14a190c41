"""The TensorFlow.js format and its variants: graph or layers, and how weights are stored. All compute in float32."""

from __future__ import annotations

from pathlib import Path

from harness.variant import Format, Variant

from .examine import examine
from .loader import resources
from .one_operator import ISOLATION
from .operator_outputs import OPERATOR_OUTPUTS

SHARD_BYTES = 4 * 1024 * 1024

FORMAT = Format(
    name="tfjs",
    variants=(
        Variant("float32", "weights as they are", {"weights": "float32", "shard_bytes": SHARD_BYTES}),
        Variant("float16", "weights stored as float16", {"weights": "float16", "shard_bytes": SHARD_BYTES}),
        Variant("uint8", "weights stored as uint8, affine", {"weights": "uint8", "shard_bytes": SHARD_BYTES}),
        Variant("uint16", "weights stored as uint16, affine", {"weights": "uint16", "shard_bytes": SHARD_BYTES}),
        *(
            Variant(
                f"layers-{weights}",
                f"a layers model of a Keras model, weights stored as {weights}",
                {"form": "layers", "weights": weights, "shard_bytes": SHARD_BYTES},
            )
            for weights in ("float32", "float16", "uint16", "uint8")
        ),
    ),
    resources=resources,
    examine=examine,
    alternative_references=(("tfjs/chromium-cpu",), ("tfjs/chromium-wasm",)),
    operator_outputs=OPERATOR_OUTPUTS,
    isolation=ISOLATION,
    converter=Path(__file__).with_name("converter.py"),
)
