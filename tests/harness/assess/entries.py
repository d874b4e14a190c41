"""Models that converters and runtimes are known to trip over; entry points of the tests' harness.toml."""


def inverse():
    import tensorflow as tf

    return tf.function(lambda x: tf.linalg.inv(x), input_signature=[tf.TensorSpec((1, 3, 3), name="x")])


def lgamma():
    import tensorflow as tf

    return tf.function(lambda x: tf.math.lgamma(x), input_signature=[tf.TensorSpec((1, 3), name="x")])


def fft():
    import tensorflow as tf

    def spectrum(x):
        return tf.abs(tf.signal.fft(tf.cast(x, tf.complex64)))

    return tf.function(spectrum, input_signature=[tf.TensorSpec((1, 8), name="x")])


def dense():
    import keras

    x = keras.Input((8,), name="x")
    return keras.Model(x, keras.layers.Dense(3, activation="relu")(x))


def lstm(batch_size=1, unroll=False):
    import keras

    keras.utils.set_random_seed(1)
    x = keras.Input((8, 8), batch_size=batch_size, name="x")
    return keras.Model(x, keras.layers.Dense(3)(keras.layers.LSTM(4, unroll=unroll)(x)))


def python_function():
    import tensorflow as tf

    def double(x):
        result = tf.numpy_function(lambda value: 2 * value, [x], tf.float32)
        result.set_shape((1, 3))
        return result

    return tf.function(double, input_signature=[tf.TensorSpec((1, 3), name="x")])


def open_lstm():
    import keras
    import tensorflow as tf

    class Open(tf.Module):
        def __init__(self):
            self.model = keras.Sequential([keras.Input((8, 8)), keras.layers.LSTM(4)])

        @tf.function(input_signature=[tf.TensorSpec((None, None, 8), name="x")])
        def serve(self, x):
            return self.model(x)

    return Open()


def fused_lstm():
    import tf_keras  # Keras 2's layer becomes one operator, Keras 3's a loop

    return tf_keras.Sequential([tf_keras.layers.LSTM(4, batch_input_shape=(1, 8, 8))])


def counted():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1,), tf.int32, name="n")])
    def sums(n):
        steps = tf.TensorArray(tf.float32, size=n[0], element_shape=(3,))
        for i in tf.range(n[0]):
            steps = steps.write(i, tf.cast(i, tf.float32) * tf.ones(3))
        return tf.reduce_sum(steps.stack(), 0)

    return sums


def wide_dense():
    import keras

    x = keras.Input((64,), name="x")
    hidden = keras.layers.Dense(64, activation="relu")(x)
    return keras.Model(x, keras.layers.Dense(64)(hidden))


def new_version():
    return wide_dense()


def faint(size=1e-9):
    """A classifier whose classes hardly differ, as an untrained one's."""
    import keras
    import numpy as np

    x = keras.Input((4,), name="x")
    layer = keras.layers.Dense(3, activation="softmax")
    model = keras.Model(x, layer(x))
    layer.set_weights([size * np.arange(12, dtype=np.float32).reshape(4, 3), np.zeros(3, np.float32)])
    return model


def counter():
    """A model with state."""
    import tensorflow as tf

    class Counter(tf.Module):
        def __init__(self):
            self.sum = tf.Variable(tf.zeros((1, 3)))

        @tf.function(input_signature=[tf.TensorSpec((1, 3), name="x")])
        def serve(self, x):
            self.sum.assign_add(x)
            return self.sum + x

    return Counter()


def feeble():
    import numpy as np
    import tensorflow as tf

    weights = 1e-9 * np.arange(12, dtype=np.float32).reshape(4, 3)
    return tf.function(lambda x: tf.nn.relu6(x @ weights), input_signature=[tf.TensorSpec((1, 4), name="x")])


def plain():
    return faint(1e-6)


def convolutions():
    import keras

    keras.utils.set_random_seed(1)
    x = keras.Input((12, 12, 1), name="x")
    hidden = keras.layers.Conv2D(4, 3, activation="relu", name="first")(x)
    hidden = keras.layers.MaxPooling2D()(hidden)
    hidden = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(hidden))
    return keras.Model(x, hidden)


def ten_megabytes(width=1600):
    import keras

    keras.utils.set_random_seed(1)
    x = keras.Input((64,), name="x")
    hidden = keras.layers.Dense(width, activation="relu")(x)
    return keras.Model(x, keras.layers.Dense(8)(keras.layers.Dense(width, activation="relu")(hidden)))


def hundred_megabytes():
    return ten_megabytes(width=5000)


def tokens():
    import keras

    x = keras.Input((4,), dtype="int32", name="tokens")
    return keras.Model(x, keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Embedding(10, 4)(x))))
