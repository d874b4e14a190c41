"""Makes the models that these tests run. A script for the converter's interpreter: CONVERTER.py OUTPUT_FOLDER.

Each folder below the output is an artifact with `inspected.json` and `tensors.npz` (`in:`, `ref:`, `golden:` arrays);
a refused one has its reason in a text file beside it.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from harness.ragged import stack_samples

SAMPLES = 4


def cnn():
    """Every fused operator: convolution, depthwise and matrix product with bias and activation, and a PReLU."""
    layers = tf.keras.layers
    image = tf.keras.Input((16, 16, 3), batch_size=1, name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6.0)(x)
    x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(16, 1)(x))
    x = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = tf.keras.Model(image, x)
    generator = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(
            np.ones(weight.shape) if "variance" in weight.path else generator.uniform(-0.5, 0.5, weight.shape)
        )
    return model


def function(specs, body):
    module = tf.Module()
    module.serve = tf.function(body, input_signature=[tf.TensorSpec(*spec) for spec in specs])
    return module


MODELS = {
    "cnn": cnn,
    # Two inputs and two outputs that only their names tell apart, in an order that is not the alphabet's.
    "twins": lambda: function(
        [((1, 4), tf.float32, "zulu"), ((1, 4), tf.float32, "alpha")],
        lambda zulu, alpha: {"later": zulu * 2.0 + alpha, "early": alpha - 3.0 * zulu},
    ),
    "integers": lambda: function(
        [((None, 3), tf.int64, "ids"), ((None, 3), tf.bool, "mask")],
        lambda ids, mask: {"next": ids + 3, "unmasked": tf.logical_not(mask)},
    ),
    "loop": lambda: function(
        [((1, 2), tf.float32, "x")],
        lambda x: {
            "y": tf.while_loop(lambda i, _: i < 5, lambda i, v: (i + 1, tf.tanh(v) + 0.5), (tf.constant(0), x))[1]
        },
    ),
    # Outputs that are an input and a constant, of which the page is to end neither.
    "echo": lambda: function(
        [((1, 2), tf.float32, "x")],
        lambda x: {"again": x, "constant": tf.constant([[1.0, 2.0]]), "same": x, "sum": tf.reduce_sum(x, 1)},
    ),
    # One branch returns a constant, and before another output.
    "branches": lambda: function(
        [((1, 2), tf.float32, "x")],
        lambda x: dict(
            zip(
                ("constant", "computed"),
                tf.cond(
                    tf.reduce_sum(x) > 0, lambda: (tf.constant([[7.0, 8.0]]), 2.0 * x), lambda: (x - 1.0, tf.exp(x))
                ),
                strict=True,
            )
        ),
    ),
    # As many rows as the data have above zero: none in one sample, all in another.
    "rows": lambda: function(
        [((3, 2), tf.float32, "x")],
        lambda x: {"kept": tf.boolean_mask(2.0 * x, x[:, 0] > 0.0), "sum": tf.reduce_sum(x, 1)},
    ),
    "endless": lambda: function(
        [((1, 2), tf.float32, "x")],
        lambda x: {"y": tf.while_loop(lambda v: tf.reduce_sum(v) > -1e9, lambda v: (tf.abs(v) + 1.0,), (x,))[0]},
    ),
    # tensorflowjs takes the addition for a bias and fuses it; the wasm backend then refuses a bias of rank 2.
    "matrix_bias": lambda: function(
        [((1, 4), tf.float32, "x")],
        lambda x: {"y": tf.matmul(x, tf.ones((4, 4))) + tf.matmul(tf.tanh(x), tf.ones((4, 4)))},
    ),
    "lgamma": lambda: function([((1, 4), tf.float32, "x")], lambda x: {"y": tf.math.lgamma(x)}),
}
VARIANTS = {"cnn": ("float32", "float16", "uint8", "uint16")}


def main():
    folder = str(Path(sys.argv[1]).parent)  # a package: the converter has modules beside it
    spec = importlib.util.spec_from_file_location("format_converter", sys.argv[1], submodule_search_locations=[folder])
    converter = sys.modules["format_converter"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(converter)
    output = Path(sys.argv[2])
    for name, build in MODELS.items():
        saved_model, model = output / "saved models" / name, build()
        if isinstance(model, tf.keras.Model):
            model.export(str(saved_model), format="tf_saved_model", verbose=False)
        else:
            tf.saved_model.save(model, str(saved_model), signatures={"serving_default": model.serve})
        signature = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
        for variant in VARIANTS.get(name, ("float32",)):
            folder = output / f"{name}-{variant}"
            folder.mkdir()
            try:
                entry = converter.convert(saved_model, {"weights": variant, "shard_bytes": 1024}, None, folder)
            except converter.graph.Refused as error:
                (output / f"{name}-{variant}.txt").write_text(str(error))
                continue
            inspected = converter.inspect(folder / entry)
            of_artifact = {key: value for key, value in inspected.items() if key != "open_axes"}
            (folder / "inspected.json").write_text(json.dumps(of_artifact))
            generator = np.random.default_rng(2)
            samples = {
                info["name"]: (
                    generator.standard_normal((SAMPLES, *info["shape"]))
                    if info["dtype"] == "float32"
                    else generator.integers(0, 2, (SAMPLES, *info["shape"]))
                ).astype(info["dtype"])
                for info in inspected["inputs"]
            }
            arrays = {f"in:{key}": value for key, value in samples.items()}
            if name != "endless":
                kinds = signature.structured_input_signature[1]
                golden = [
                    signature(**{key: tf.constant(value[i], kinds[key].dtype) for key, value in samples.items()})
                    for i in range(SAMPLES)
                ]
                for key in golden[0]:
                    found = stack_samples(key, [row[key].numpy() for row in golden])
                    arrays |= {f"golden:{name}": values for name, values in found.items()}
                _, reference = converter.reference(folder / entry, inspected, samples)
                arrays |= {f"ref:{key}": value for key, value in reference.items()}
            np.savez(folder / "tensors.npz", **arrays)


main()
