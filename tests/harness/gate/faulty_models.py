"""Entry points of two small models for faults that a classifier cannot have. Run in the converter's environment."""

OFFSET = [0.5, 0.25, 0.75, 0.5]


def two_heads():
    """Eight numbers to two outputs of six, which a swap leaves of the right shape."""
    import keras
    import numpy as np

    random = np.random.default_rng(7)
    x = keras.Input((8,), name="x")
    hidden = keras.layers.Dense(16, activation="tanh")
    heads = {name: keras.layers.Dense(6, name=name) for name in ("left", "right")}
    middle = hidden(x)
    model = keras.Model(x, {name: head(middle) for name, head in heads.items()})
    for layer in (hidden, *heads.values()):
        layer.set_weights([random.normal(size=weights.shape) for weights in layer.get_weights()])
    return model


def root():
    """The square roots of four numbers plus an offset, and twice the numbers."""
    import tensorflow as tf

    def both(x):
        return {"root": tf.sqrt(x + tf.constant(OFFSET)), "twice": 2.0 * x}

    return tf.function(both, input_signature=[tf.TensorSpec((1, 4), tf.float32, name="x")])
