"""Writes one small model in every form that there is a way in for: y = x·w, where w doubles and sums.

Run in the converter's environment: `python make_sources.py FOLDER`. Every model takes four numbers and gives three, so
that one test can tell that each computes the same.
"""

import os
import sys
from pathlib import Path
from types import ModuleType

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py  # noqa: F401
import keras
import numpy as np
import tensorflow as tf
import tf_keras

FOLDER = Path(sys.argv[1])
WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3) / 8
ENTRY_POINTS = """
import numpy as np

from .numbers import WEIGHTS


def keras_model():
    import keras

    x = keras.Input((4,), name="x")
    layer = keras.layers.Dense(3, use_bias=False)
    model = keras.Model(x, layer(x))
    layer.set_weights([WEIGHTS])
    return model


def two_inputs():
    import keras

    a, b = keras.Input((4,), name="first part"), keras.Input((4,), name="b")
    layer = keras.layers.Dense(3, use_bias=False)
    model = keras.Model([a, b], layer(keras.layers.Add()([a, b])))
    layer.set_weights([WEIGHTS])
    return model


def dictionary():
    import keras

    a, b = keras.Input((4,), name="zeta"), keras.Input((4,), name="alpha")
    layer = keras.layers.Dense(3, use_bias=False)
    model = keras.Model({"x": a, "y": b}, {"sum": layer(keras.layers.Add()([a, b]))})
    layer.set_weights([WEIGHTS])
    return model


def subclassed():
    import keras

    class Linear(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Dense(3, use_bias=False, kernel_initializer=lambda *_, **__: WEIGHTS)

        def call(self, x):
            return self.layer(x)

    return Linear()


def keras_2_model():
    import tf_keras

    model = tf_keras.Sequential([tf_keras.layers.Dense(3, use_bias=False, input_shape=(4,), name="dense")])
    model.layers[-1].set_weights([WEIGHTS])
    return model


def module():
    import tensorflow as tf

    class Linear(tf.Module):
        def __init__(self):
            self.weights = tf.Variable(WEIGHTS)

        @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
        def serve(self, x):
            return x @ self.weights

    return Linear()


def function():
    import tensorflow as tf

    return tf.function(lambda x: x @ WEIGHTS, input_signature=[tf.TensorSpec((1, 4), name="x")])


def concrete():
    return function().get_concrete_function()


def by_jax(x):
    import jax.numpy as jnp

    return jnp.dot(x, WEIGHTS)


def jitted():
    import jax

    return jax.jit(by_jax)


def broken():
    raise RuntimeError("the weights are not here")


def named_otherwise():
    import tensorflow as tf

    return tf.function(lambda x: x @ WEIGHTS, input_signature=[tf.TensorSpec((1, 4), name="numbers")])


def open_size():
    import keras

    x = keras.Input((None, None, 3), name="image")
    return keras.Model(x, keras.layers.Conv2D(2, 3)(x))


def echo():
    # Outputs that are an input, twice, and one that is a constant.
    import tensorflow as tf

    def answer(x):
        return {"again": x, "constant": tf.constant([[1.0, 2.0]]), "same": x, "sum": tf.reduce_sum(x, 1)}

    return tf.function(answer, input_signature=[tf.TensorSpec((1, 4), name="x")])


def untraceable():
    import tensorflow as tf

    return tf.function(lambda x: x + tf.ones((1, 4), tf.int32), input_signature=[tf.TensorSpec((1, 4), name="x")])


def particular():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 4), name="x")])
    def root(x):
        tf.debugging.assert_positive(x, "only positive numbers")
        return tf.sqrt(x)

    return root


def enormous():  # asks for 2⁶² bytes, once it runs
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 4), name="x")])
    def root(x):
        size = tf.cast(0 * tf.reduce_sum(x), tf.int64) + 2**30
        return x + tf.reduce_sum(tf.zeros((size, size)))

    return root


def enormous_at_once():  # the same while it is exported
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 4), name="x")])
    def root(x):
        with tf.init_scope():
            values = tf.zeros((2**30, 2**30))
        return x + values[0, 0]

    return root


def nested():
    import tensorflow as tf

    return tf.function(lambda x: {"parts": {"a": x, "b": 2 * x}}, input_signature=[tf.TensorSpec((1, 4), name="x")])


def ragged():
    import tensorflow as tf

    def cut(x):
        return {"y": tf.RaggedTensor.from_tensor(x, padding=0.0)}

    return tf.function(cut, input_signature=[tf.TensorSpec((1, 4), name="x")])


def nothing():
    return 42
"""


def keras_3():
    x = keras.Input((4,), name="x")
    layer = keras.layers.Dense(3, use_bias=False)
    model = keras.Model(x, layer(x))
    layer.set_weights([WEIGHTS])
    model.save(FOLDER / "model.keras")
    model.save(FOLDER / "keras_3.h5")
    sequential = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, use_bias=False)])
    sequential.set_weights([WEIGHTS])
    sequential.save(FOLDER / "sequential.keras")
    return model


def keras_2():
    model = tf_keras.Sequential(
        [
            tf_keras.layers.Reshape((1, 1, 4), input_shape=(4,)),
            tf_keras.layers.DepthwiseConv2D(1, use_bias=False),
            tf_keras.layers.Flatten(),
            tf_keras.layers.Dense(3, use_bias=False),
        ]
    )
    model.set_weights([np.ones((1, 1, 4, 1), np.float32), WEIGHTS])
    model.save(FOLDER / "keras_2.h5")
    model.save_weights(FOLDER / "weights_only.h5")
    code = tf_keras.Sequential([tf_keras.layers.Lambda(lambda x: 2 * x, input_shape=(4,))])
    code.save(FOLDER / "lambda.h5")
    return model


class Linear(tf.Module):
    def __init__(self):
        self.weights = tf.Variable(WEIGHTS)

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def __call__(self, x):
        return x @ self.weights

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def doubled(self, x):
        return {"twice": 2 * (x @ self.weights)}


def saved_models():
    linear = Linear()
    tf.saved_model.save(linear, str(FOLDER / "one_signature"), signatures={"only": linear.__call__})
    both = {"plain": linear.__call__, "doubled": linear.doubled}
    tf.saved_model.save(linear, str(FOLDER / "two_signatures"), signatures=both)
    tf.saved_model.save(linear, str(FOLDER / "hub_called"))  # as TF Hub's reusable SavedModels: no signatures
    bare = tf.Module()
    bare.weights = linear.weights
    tf.saved_model.save(bare, str(FOLDER / "no_signatures"))


def hub_first_format():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (None, 4), name="x")
        y = tf.matmul(x, tf.constant(WEIGHTS))
        builder = tf.compat.v1.saved_model.Builder(str(FOLDER / "hub_first"))
        signature = tf.compat.v1.saved_model.predict_signature_def({"x": x}, {"default": y})
        builder.add_meta_graph_and_variables(session, [], signature_def_map={"default": signature})
        builder.save()
    (FOLDER / "hub_first" / "tfhub_module.pb").write_bytes(b"\x08\x03")


def odd_names():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (None, 4), name="in0")
        y = tf.matmul(x, tf.constant(WEIGHTS))
        signature = ({"age (years)": x}, {"scores/out:0": y, "größe": 2 * y})
        tf.compat.v1.saved_model.simple_save(session, str(FOLDER / "odd_names"), *signature)


def names_of_parameters():
    """Inputs and outputs that are called as the parameters of `numpy.savez` are."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (None, 4), name="in0")
        z = tf.compat.v1.placeholder(tf.float32, (None, 4), name="in1")
        y = tf.matmul(x + z, tf.constant(WEIGHTS))
        signature = ({"file": x, "allow_pickle": z}, {"file": y, "args": 2 * y})
        tf.compat.v1.saved_model.simple_save(session, str(FOLDER / "names_of_parameters"), *signature)


def incomparable():
    """Signatures whose outputs are no numbers, or not what they are called."""
    x = tf.TensorSpec((1, 4), name="x")

    def save(name, function):
        concrete = tf.function(function, input_signature=[x]).get_concrete_function()
        tf.saved_model.save(tf.Module(), str(FOLDER / name), signatures=concrete)

    def text(x):
        return {"label": tf.strings.as_string(tf.argmax(x, -1)), "scores": 2 * x}

    def twice(x):
        y = tf.nn.relu(x)
        return {"again": y, "y": y}

    save("text", text)
    save("complex", lambda x: {"y": tf.signal.rfft(x)})
    save("twice", twice)
    save("passed_through", lambda x: {"again": x, "y": tf.nn.relu(x)})


def tfjs(model):
    for name in ("tensorflow_decision_forests", "tensorflow_hub"):
        sys.modules.setdefault(name, ModuleType(name))
    import tensorflowjs
    from tensorflowjs.converters import tf_saved_model_conversion_v2

    tensorflowjs.converters.save_keras_model(model, str(FOLDER / "tfjs_layers"))
    tf_saved_model_conversion_v2.convert_tf_saved_model(
        str(FOLDER / "one_signature"), str(FOLDER / "tfjs_graph"), signature_def="only"
    )


def tflite():
    converter = tf.lite.TFLiteConverter.from_saved_model(str(FOLDER / "one_signature"), signature_keys=["only"])
    (FOLDER / "ready.tflite").write_bytes(converter.convert())
    keys = ["doubled", "plain"]
    converter = tf.lite.TFLiteConverter.from_saved_model(str(FOLDER / "two_signatures"), signature_keys=keys)
    (FOLDER / "several.tflite").write_bytes(converter.convert())


def entry_points():
    package = FOLDER / "project" / "zoo_of_mine"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "numbers.py").write_text(f"import numpy as np\n\nWEIGHTS = np.array({WEIGHTS.tolist()}, np.float32)\n")
    (package / "models.py").write_text(ENTRY_POINTS)


keras_3()
model = keras_2()
saved_models()
hub_first_format()
odd_names()
names_of_parameters()
incomparable()
tflite()
tfjs(model)
entry_points()
