"""Models on which runtimes err in ways that are known in public; imported in the conversion's process alone."""

import numpy as np
import tensorflow as tf

RANDOM = np.random.default_rng(0)
THIN = tf.constant(RANDOM.normal(size=(5, 1, 4, 1)).astype("f4"))
DENSE = tf.constant(RANDOM.normal(size=(4, 3)).astype("f4"))


def model(*shapes):
    return tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes])


@model(("x", (1, 6, 8)))
def sum_over_axis(x):
    return {"s": tf.reduce_sum(x, axis=1)}


@model(("scores", (2, 8)), ("boxes", (2, 8, 4)))
def gather_batch(scores, boxes):
    return {"best": tf.gather(boxes, tf.math.top_k(scores, 3).indices, batch_dims=1)}


@model(("x", (1, 9, 16, 4)))
def thin_depthwise(x):
    y = tf.nn.relu(tf.nn.depthwise_conv2d(x, THIN, (1, 2, 2, 1), "SAME"))
    return {"y": tf.reduce_mean(y, (1, 2)) @ DENSE, "map": y}


@model(("x", (1, 4, 4, 4, 2)))
def negative_pool(x):
    return {"y": tf.nn.max_pool3d(-tf.abs(x) - 1.0, 2, 2, "VALID") * 2.0}


def affine():
    """TensorFlow's converter makes another function of this chain of sums and products."""
    module = tf.Module()
    module.chain = [tf.Variable(value) for value in ([[0.0], [0.5]], [-4.0], [-7.0], [-4.0], [1.0])]
    w, b, r, m1, m2 = module.chain
    module.serve = model(("x", (1, 2)))(lambda x: {"y": (((x + m1) * r @ w + b) * r + m2) * r})
    return module
