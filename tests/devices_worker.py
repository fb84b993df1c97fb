"""A process of a training on several devices: prints the losses of three epochs as JSON.

python tests/devices_worker.py DEVICES
"""

import json
import os
import sys

import keras
import numpy as np

from medzoo.devices import distributed

BATCH, ROWS, VALIDATION = 4, 12, 13


class Rows(keras.utils.PyDataset):
    """Random numbers and a target of the type of masks; the last batch of the 13 for validation has one row."""

    def __init__(self, count):
        super().__init__()
        numbers = np.random.default_rng(0).random((count, 5), np.float32)
        self.features, self.targets = numbers[:, :4], np.uint8(numbers[:, 4:] * 3)

    def __len__(self):
        return -(-len(self.features) // BATCH)

    def __getitem__(self, index):
        rows = slice(index * BATCH, (index + 1) * BATCH)
        return self.features[rows].copy(), self.targets[rows].copy()


def feed(count):
    """Batches as `train` gives them to `fit`."""
    rows = Rows(count)
    if keras.backend.backend() != "tensorflow":
        return rows
    import tensorflow as tf

    signature = (tf.TensorSpec((None, 4)), tf.TensorSpec((None, 1), tf.uint8))
    batches = tf.data.Dataset.from_generator(
        lambda: (rows[index] for index in range(len(rows))), output_signature=signature
    )
    return batches.apply(tf.data.experimental.assert_cardinality(len(rows)))


def losses(devices):
    """Return the losses of training and validation, and the score of validation, by name and epoch."""
    with distributed(devices, BATCH) as parallel:
        keras.utils.set_random_seed(0)
        layers = [keras.Input((4,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)]
        model = keras.Sequential(layers)
        for weight in model.weights:
            weight.assign(np.random.default_rng(1).standard_normal(weight.shape).astype("float32"))
        model.compile(keras.optimizers.SGD(0.1), "mse", metrics=[keras.metrics.R2Score(name="r2")])
        history = model.fit(
            parallel.training(feed(ROWS)),
            validation_data=parallel.validation(feed(VALIDATION)),
            epochs=3,
            shuffle=False,
            verbose=0,
        )
    return {name: [float(value) for value in values] for name, values in history.history.items()}


if __name__ == "__main__":
    if os.environ.get("CPUS"):
        import tensorflow as tf

        devices = [tf.config.LogicalDeviceConfiguration()] * int(os.environ["CPUS"])
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    print(json.dumps(losses(json.loads(sys.argv[1]))))
