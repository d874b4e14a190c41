"""Three models of the size that people ship, with random weights; built in the converter's environment."""

from __future__ import annotations

from typing import Any


def mobile_network() -> Any:
    """MobileNetV2 at 224×224: 3.5 million weights, 300 million multiply-accumulates."""
    import keras

    keras.utils.set_random_seed(1)
    return keras.applications.MobileNetV2(weights=None, classes=1000)


def transformer_block() -> Any:
    """One encoder block over 512 tokens of 256 values, with 4 heads: 0.8 million weights."""
    import keras

    keras.utils.set_random_seed(1)
    tokens = keras.Input((512, 256), name="tokens")
    attended = keras.layers.MultiHeadAttention(4, 64)(tokens, tokens)
    normal = keras.layers.LayerNormalization()(tokens + attended)
    hidden = keras.layers.Dense(1024, activation="gelu")(normal)
    return keras.Model(tokens, keras.layers.LayerNormalization()(normal + keras.layers.Dense(256)(hidden)))


def u_network() -> Any:
    """A U-Net at 256×256 with 16 to 64 channels: 0.1 million weights, billions of multiply-accumulates."""
    import keras

    keras.utils.set_random_seed(1)

    def convolved(values: Any, channels: int) -> Any:
        for _ in range(2):
            values = keras.layers.Conv2D(channels, 3, padding="same", activation="relu")(values)
        return values

    image = keras.Input((256, 256, 3), name="image")
    one = convolved(image, 16)
    two = convolved(keras.layers.MaxPooling2D()(one), 32)
    three = convolved(keras.layers.MaxPooling2D()(two), 64)
    up = convolved(keras.layers.Concatenate()([keras.layers.UpSampling2D()(three), two]), 32)
    top = convolved(keras.layers.Concatenate()([keras.layers.UpSampling2D()(up), one]), 16)
    return keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid")(top))
