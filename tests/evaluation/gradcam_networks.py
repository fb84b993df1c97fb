"""Networks of known weights: what they look at is bright, and what speaks against it is dark."""

import keras
import numpy as np
from keras import layers

from medzoo.models.blocks import spatial
from medzoo.preprocessing import Preprocessing


def blob(shape, *place, value=1.0):
    """Return a black image with a bright box at `place`, a slice for each axis."""
    image = np.zeros(shape, np.float32)
    image[place] = value
    return image


def peak_of(heatmap):
    return np.unravel_index(np.argmax(heatmap), heatmap.shape)


def is_inside(index, *place):
    return all(part.start <= position < part.stop for position, part in zip(index, place, strict=True))


def encoder(shape):
    """Return an encoder of two features, bright and dark, at strides 1 and 2."""
    image = keras.Input(shape, name="image")
    conv = spatial("Conv", image)(2, 1, activation="relu", name="stem_conv")
    x = conv(image)
    taps = np.ones(shape[-1]) / shape[-1]
    conv.set_weights([np.stack([taps, -taps], -1).reshape(conv.kernel.shape), np.array([-0.5, 0.5])])
    return keras.Model(image, spatial("AveragePooling", x)(2, name="stage_1_pool")(x), name="encoder")


def ready(model, task, **preprocessing):
    """Give a network what `medzoo.explain` needs."""
    model.task = task
    *size, channels = model.input_shape[1:]
    model.preprocessing = Preprocessing(tuple(size), channels, **{"normalization": None, **preprocessing})
    return model


def head(x, task, kernel, bias=0.0):
    dense = layers.Dense(task.outputs, task.activation, name="predictions")
    y = dense(spatial("GlobalAveragePooling", x)(name="head_pool")(x))
    dense.set_weights([np.reshape(kernel, (2, task.outputs)), np.full(task.outputs, bias)])
    return y


def classifier(task, shape=(16, 16, 1), kernel=(10, -1), bias=0.0, **preprocessing):
    """Return a network whose logits are `kernel` (bright and dark, by output) times the mean features."""
    inner = encoder(shape)
    return ready(keras.Model(inner.input, head(inner.output, task, kernel, bias)), task, **preprocessing)


def segmenter(task, shape=(16, 16, 1), kernel=(20, -20), **preprocessing):
    """Return a network that does the same at each pixel."""
    inner = encoder(shape)
    x = spatial("UpSampling", inner.output)(name="decoder_up")(inner.output)
    conv = spatial("Conv", x)(task.outputs, 1, activation=task.activation, name="probabilities")
    y = conv(x)
    conv.set_weights([np.reshape(kernel, conv.kernel.shape), np.zeros(task.outputs)])
    return ready(keras.Model(inner.input, y), task, **preprocessing)
