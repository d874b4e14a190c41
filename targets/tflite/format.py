"""The TFLite flatbuffer format and its variants."""

from __future__ import annotations

from pathlib import Path

from harness.variant import Format, Recipe, Rewriter, Variant

from .conversion_reproduction import conversion_reproduction
from .examine import examine
from .one_operator import ISOLATION
from .operator_outputs import OPERATOR_OUTPUTS

FLOAT32 = Variant("float32", "no quantisation", {"scheme": "float32"})


def quantised(name: str, summary: str, method: str, weight_bits: int, **others: int | str) -> Variant:
    """A variant that ai-edge-quantizer makes of the float32 artifact: `quantizer.py` says what the options mean."""
    return Variant(name, summary, {"method": method, "weight_bits": weight_bits, **others}, made_from=FLOAT32)


QUANTISED = (
    quantised("int8-weights", "int8 weights, made float32 as the model runs", "weights", 8),
    quantised("int4-weights", "int4 weights (int8 where there is no such form), made float32", "weights", 4),
    quantised("int8-dynamic", "int8 weights, activations quantised on the fly", "dynamic", 8),
    quantised("int4-dynamic", "int4 weights (int8 where there is no such form), activations on the fly", "dynamic", 4),
    quantised(
        "int4-blocks", "as int4-dynamic, dense layers with a scale for each 32 weights", "dynamic", 4, granularity=32
    ),
    quantised("int8-static", "int8 throughout, int8 in and out", "static", 8, activation_bits=8, io="int8"),
    quantised("int16-static", "int16 activations, int8 weights, float32 in and out", "static", 8, activation_bits=16),
    quantised("int4-static", "as int8-static, with int4 weights where there is such a form", "static", 4,
              activation_bits=8, io="int8"),
)  # fmt: skip
"""Run when they are named: of a model of one's own as of a ready float `.tflite`."""

CALIBRATIONS = ({"io": "float32"}, {"io": "float32", "calibration_ranges": "moving-average"})
HALVED = {"float_weights": "float16"}
RECIPES = (
    Recipe("int4-weights", 4.0, "float_operators", float16_options=HALVED, interface_group="int4", weights_alone=True),
    Recipe("int4-dynamic", 4.0, "float_operators", float16_options=HALVED, interface_group="int4", weights_alone=True),
    Recipe("int4-blocks", 4.5, "float_operators", float16_options=HALVED, interface_group="int4", weights_alone=True),
    Recipe(
        "int4-static",
        4.6,
        "float_operators",
        float16_options=HALVED,
        interface_group="int4-static",
        choices=CALIBRATIONS,
    ),
    Recipe("int8", 8.0),
    Recipe("int8-float-io", 8.0, "excluded_nodes", interface_group="int8"),
    Recipe("int8-static", 8.0, "float_operators", float16_options=HALVED, interface_group="int8", choices=CALIBRATIONS),
    Recipe("dynamic", 8.1),
    Recipe(
        "int8-dynamic", 8.1, "float_operators", float16_options=HALVED, interface_group="dynamic", weights_alone=True
    ),
    Recipe(
        "int8-weights", 8.1, "float_operators", float16_options=HALVED, interface_group="dynamic", weights_alone=True
    ),
    Recipe("int16x8", 8.2),
    Recipe("int16-static", 8.2, "float_operators", float16_options=HALVED, choices=(CALIBRATIONS[1],)),
    Recipe("float16", 16.0),
    Recipe("float32", 32.0),
)
"""Operators are left in float where inputs and outputs are float: eight bits of an output alone lose more than a good
part of the operators. `uint8` differs from `int8` by its interface alone, and `select-tf` from `float32` by operators
that few targets have."""

FORMAT = Format(
    name="tflite",
    variants=(
        FLOAT32,
        Variant("float16", "weights stored as float16, computed in float32", {"scheme": "float16"}),
        Variant("dynamic", "int8 weights, activations quantised on the fly", {"scheme": "dynamic"}),
        Variant("int8", "int8 throughout, int8 in and out", {"scheme": "int8", "io": "int8"}),
        Variant("int8-float-io", "int8 throughout, float32 in and out", {"scheme": "int8", "io": "float32"}),
        Variant("uint8", "int8 throughout, uint8 in and out", {"scheme": "int8", "io": "uint8"}),
        Variant(
            "int16x8", "int16 activations, int8 weights, float32 in and out", {"scheme": "int16x8", "io": "float32"}
        ),
        Variant(
            "select-tf",
            "no quantisation; TensorFlow operators where TFLite has none of its own",
            {"scheme": "float32", "operators": ["builtin", "select-tf"]},
        ),
        Variant(
            "dynamic-select-tf",
            "int8 weights; TensorFlow operators where TFLite has none of its own",
            {"scheme": "dynamic", "operators": ["builtin", "select-tf"]},
        ),
        Variant(
            "custom",
            "no quantisation; operators that TFLite and TensorFlow lack stay, as custom ones",
            {"scheme": "float32", "operators": ["builtin", "select-tf", "custom"]},
        ),
        *QUANTISED,
    ),
    recipes=RECIPES,
    rewriter=Rewriter(
        Path(__file__).with_name("quantizer.py"), "quantizer", ("float_weights", "granularity", "calibration_ranges")
    ),
    examine=examine,
    # XNNPACK leaves what it lacks to the builtin kernels, so that the two can err together.
    alternative_references=(("tflite/litert-builtin", "tflite/litert-xnnpack", "tflite/tensorflow"), ("tflm/host",)),
    operator_outputs=OPERATOR_OUTPUTS,
    isolation=ISOLATION,
    conversion_reproduction=conversion_reproduction,
    converter=Path(__file__).with_name("converter.py"),
)
