"""Script of test_segmentation_models.py: Unets of the old library with random weights, their files and their outputs.

It runs in a process of its own, under Keras 2.
"""

import json
import runpy
import sys
from pathlib import Path

import numpy as np

RNG = np.random.default_rng(0)


def randomize(layer):
    """Give a BatchNormalization scales, shifts and statistics that all matter."""
    low, high = {"gamma": (0.5, 1.5), "moving_variance": (0.5, 1.5)}, (-0.5, 0.5)
    names = [weight.name.rpartition("/")[2].partition(":")[0] for weight in layer.weights]
    layer.set_weights([RNG.uniform(*low.get(n, high), w.shape) for n, w in zip(names, layer.weights, strict=True)])


def spread_logits(model, inputs):
    """Scale the last convolution so that the output is far from 0 and from 1."""
    import tensorflow as tf

    head = model.get_layer("final_conv")
    logits = tf.keras.Model(model.input, head.output)(inputs, training=False).numpy()
    mean, deviation = logits.mean(axis=(0, 1, 2)), logits.std(axis=(0, 1, 2))
    head.set_weights([head.get_weights()[0] / deviation, -mean / deviation])


def make(backbone, arguments, folder, describe):
    import segmentation_models
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    model = segmentation_models.Unet(backbone, encoder_weights=None, **arguments)
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            randomize(layer)
    pixels = RNG.integers(0, 256, (1, 64, 64, arguments["input_shape"][-1])).astype("float32")
    inputs = segmentation_models.get_preprocessing(backbone)(pixels.copy())
    spread_logits(model, inputs)
    outputs = model(inputs, training=False).numpy()
    np.savez(folder / f"{backbone}.npz", pixels=pixels, inputs=inputs, outputs=outputs)
    model.save(folder / f"{backbone}_whole.h5")
    model.save_weights(folder / f"{backbone}_weights.h5")
    (folder / f"{backbone}.json").write_text(json.dumps(describe(model), default=str))


if __name__ == "__main__":
    describe = runpy.run_path(sys.argv[2])["describe"]
    for backbone, arguments in json.load(sys.stdin).items():
        make(backbone, arguments, Path(sys.argv[1]), describe)
