"""Changes of a batch, and the ways to apply one, with NumPy arrays in and out."""

import keras
import numpy as np
import tensorflow as tf

# One of each kind, as arguments of Augmentation.
SPATIAL = {
    "flip": ("horizontal", "vertical"),
    "quarter_turns": True,
    "rotation": 45,
    "scale": 0.3,
    "stretch": 0.2,
    "shift": 0.1,
    "elastic": 0.1,
}
INTENSITY = {"brightness": 0.2, "contrast": 0.3, "gamma": 0.5, "noise": 0.1, "bias_field": 0.3}


def eagerly(change, images, targets, seed=(1, 2)):
    images, targets = change(tf.constant(images), tf.constant(targets), tf.constant(seed, tf.int64))
    return images.numpy(), targets.numpy()


def inside_tf_data(change, images, targets, seed=(1, 2)):
    dataset = tf.data.Dataset.from_tensors((images, targets, np.array(seed)))
    return next(dataset.map(change).as_numpy_iterator())


def on_backend(change, images, targets, seed=(1, 2)):
    tensors = map(keras.ops.convert_to_tensor, (images, targets))
    return tuple(map(keras.ops.convert_to_numpy, change(*tensors, np.array(seed))))


# As tf.data changes batches, on every backend.
WAYS = (eagerly, inside_tf_data)


def overlap(first, second):
    return np.logical_and(first, second).sum() / np.logical_or(first, second).sum()
