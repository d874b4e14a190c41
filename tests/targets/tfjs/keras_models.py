"""Keras models as entry points, for tests of layers models: those that TensorFlow.js can hold, and those it cannot."""

import keras
import numpy as np

layers = keras.layers


def input_of(*shape, name="x", dtype="float32"):
    return keras.Input(shape, name=name, dtype=dtype)


def lively(model):
    """The model with weights that no default would hide."""
    generator = np.random.default_rng(3)
    for weight in model.weights:
        low = 0.5 if "variance" in weight.path else -0.5
        weight.assign(generator.uniform(low, low + 1, weight.shape))
    return model


def two_by_two():
    """A shared layer, two inputs and two named outputs whose order is not the alphabet's."""
    zulu, alpha = input_of(6, name="zulu"), input_of(6, name="alpha")
    shared = layers.Dense(4, activation="silu", kernel_regularizer=keras.regularizers.L2(0.1))
    sum_of = layers.Add()([shared(zulu), shared(alpha)])
    leaky = layers.LeakyReLU(negative_slope=0.1)(sum_of)
    last = layers.Dense(2, name="last")(layers.Concatenate()([alpha, leaky]))
    return lively(keras.Model([zulu, alpha], {"later": last, "early": leaky}))


def images():
    x = input_of(8, 8, 3)
    y = layers.SeparableConv2D(4, 3, padding="same", dilation_rate=2)(x)
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(y)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.PReLU(shared_axes=[1, 2])(layers.ZeroPadding2D(1)(y))
    y = layers.Conv2DTranspose(3, 3, strides=2, padding="same")(layers.UpSampling2D(2)(y))
    y = layers.AveragePooling2D(3)(layers.Rescaling(1 / 127.0, offset=0.5)(y))
    y = layers.Flatten()(layers.Cropping2D(1)(y))
    return lively(keras.Model(x, layers.Dense(3, activation="softmax")(y)))


def sequences():
    x = input_of(5, 3)
    y = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    y = layers.GRU(3, reset_after=False, return_sequences=True)(y)
    y = layers.TimeDistributed(layers.Dense(4, activation="gelu"))(y)
    return lively(keras.Model(x, layers.SimpleRNN(2)(layers.LayerNormalization()(y))))


def signals():
    x = input_of(16, 3)
    y = layers.MaxPooling1D(2)(layers.Conv1D(4, 3, dilation_rate=2, activation="selu")(x))
    y = layers.Activation("silu")(layers.BatchNormalization()(y))
    return lively(keras.Model(x, layers.Dropout(0.5)(layers.GlobalMaxPooling1D()(y))))


def volumes():
    x = input_of(4, 6, 6, 2)
    moving = layers.ConvLSTM2D(2, 3)(x)
    still = layers.MaxPooling3D(2)(layers.Conv3D(3, 2)(x))
    return lively(keras.Model(x, [moving, still]))


def depths():
    x = input_of(4, 4, 4, 1)
    return keras.Model(x, layers.MaxPooling3D(2)(x))


def merged():
    x = input_of(8)
    y = layers.Flatten()(layers.RepeatVector(2)(layers.Flatten()(layers.Permute((2, 1))(layers.Reshape((2, 4))(x)))))
    one, other = layers.Dense(4, activation="softplus")(y), layers.Dense(4, activation="mish")(y)
    kinds = (layers.Multiply(), layers.Average(), layers.Maximum(), layers.Minimum(), layers.Dot(-1))
    return lively(keras.Model(x, [*(kind([one, other]) for kind in kinds), layers.Softmax()(one)]))


def nested():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.Activation("relu")], name="inner")
    middle_x = keras.Input((4,))
    middle = keras.Model(middle_x, layers.Dense(3)(inner(middle_x)), name="middle")
    x = input_of(4)
    return lively(keras.Model(x, layers.Dense(2)(middle(layers.Dense(4)(x)))))


def sequential():
    return lively(keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)]))


def words():
    x = input_of(5, name="ids", dtype="int32")
    return lively(keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.Embedding(10, 4)(x)))))


def decorated():
    """What training needs and inference does not, some of it unknown to TensorFlow.js."""
    x = input_of(5)
    dense = layers.Dense(
        3,
        kernel_regularizer=keras.regularizers.OrthogonalRegularizer(),
        bias_regularizer=keras.regularizers.L2(0.01),
        kernel_constraint="non_neg",
        name="decorated",
    )
    return lively(keras.Model(x, dense(x)))


def keras_2():
    import tf_keras

    old = tf_keras.layers
    x = tf_keras.Input((8, 8, 3), name="picture")
    y = old.LeakyReLU(0.2)(old.BatchNormalization()(old.DepthwiseConv2D(3)(x)))
    y = old.Dense(3, kernel_regularizer=tf_keras.regularizers.L2(0.1))(old.Flatten()(y))
    model = tf_keras.Model(x, {"b": y, "a": old.Activation("hard_sigmoid")(y)})
    generator = np.random.default_rng(3)
    model.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in model.get_weights()])
    return model


# What TensorFlow.js cannot hold. `sloped`, `hard`, `blurred` and `normalised` it loads and runs, to other numbers.


def sloped():
    x = input_of(5)
    return keras.Model(x, layers.ReLU(negative_slope=0.2, name="sloped")(x))


def hard():
    x = input_of(5)
    return keras.Model(x, layers.Dense(3, activation="hard_sigmoid", name="hard")(x))


def kept_dimensions():
    x = input_of(4, 4, 2)
    return keras.Model(x, layers.Flatten()(layers.GlobalAveragePooling2D(keepdims=True, name="kept")(x)))


def grouped():
    x = input_of(8, 8, 4)
    return keras.Model(x, layers.Conv2D(4, 3, groups=2, name="grouped")(x))


def reset_after():
    x = input_of(5, 3)
    return keras.Model(x, layers.GRU(3, name="reset")(x))


def attention():
    x = input_of(4, 8)
    return keras.Model(x, layers.MultiHeadAttention(2, 4, name="attention")(x, x))


def elu():
    x = input_of(5)
    return keras.Model(x, layers.ELU(0.5, name="elu")(x))


def causal():
    x = input_of(8, 2)
    return keras.Model(x, layers.Conv1D(2, 3, padding="causal", name="causal")(x))


def operation():
    x = input_of(5)
    return keras.Model(x, layers.Dense(2)(x + x))


def half():
    x = input_of(5)
    return keras.Model(x, layers.Dense(3, dtype="mixed_float16", name="half")(x))


def blurred():
    x = input_of(6, 6, 3)
    return keras.Model(x, layers.UpSampling2D(2, interpolation="bilinear", name="blurred")(x))


def normalised():
    x = input_of(6, 4)
    return lively(keras.Model(x, layers.BatchNormalization(axis=1, name="normalised")(x)))


def difference():
    a, b = input_of(4, name="a"), input_of(4, name="b")
    return keras.Model([a, b], layers.Subtract(name="difference")([a, b]))


def spectrum():
    """Complex numbers, which the wasm backend of TensorFlow.js lacks."""
    import tensorflow as tf

    specs = [tf.TensorSpec((1, 8), tf.float32, name="x")]
    return tf.function(lambda x: {"y": tf.math.real(tf.signal.fft(tf.cast(x, tf.complex64)))}, input_signature=specs)


def lgamma():
    import tensorflow as tf

    weights = np.arange(400, dtype=np.float32).reshape(4, 100)
    return tf.function(lambda x: {"y": tf.math.lgamma(x @ weights)}, input_signature=[tf.TensorSpec((1, 4), name="x")])


def lookup():
    import tensorflow as tf

    class Lookup(tf.Module):
        def __init__(self):
            keys, values = tf.constant([0, 1, 2], tf.int32), tf.constant([5, 7, 9], tf.int32)
            self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), -1)

        @tf.function(input_signature=[tf.TensorSpec((1, 3), tf.int32, name="ids")])
        def serve(self, ids):
            return {"found": self.table.lookup(ids)}

    return Lookup()


def gated():
    x = input_of(6, 5)
    return lively(keras.Model(x, layers.Dense(3)(layers.GRU(6)(x))))


def masked():
    """Attention's mask: minus infinity where nothing is to be looked at."""
    import tensorflow as tf

    mask = np.array([0, -np.inf, 0, -np.inf], np.float32)
    return tf.function(lambda x: {"y": tf.nn.softmax(x + mask)}, input_signature=[tf.TensorSpec((1, 4), name="x")])


def einsum():
    """An operator with one kernel, which the wasm backend lacks."""
    import tensorflow as tf

    weights = np.random.default_rng(4).normal(size=(4, 3, 2)).astype(np.float32)
    specs = [tf.TensorSpec((1, 5, 4), tf.float32, name="x")]
    return tf.function(lambda x: {"y": tf.einsum("abc,cde->abde", x, weights)}, input_signature=specs)
