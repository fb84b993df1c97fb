"""Losses against a float64 reference, however certain the network is of a wrong answer."""

import keras
import numpy as np
import pytest

from medzoo.graph.logits import note_logits, plain_activation
from medzoo.losses import make_loss

LOSSES = [
    {"name": "crossentropy"},
    {"name": "crossentropy", "label_smoothing": 0.1},
    {"name": "focal", "gamma": 2},
    {"name": "focal", "gamma": 0.5},
    {"name": "dice_crossentropy"},
]
SHAPE = (2, 2, 3)


class Offset(keras.layers.Layer):
    """Adds one weight to each number, so that a step of SGD shows the gradient of each logit."""

    def build(self, shape):
        self.offset = self.add_weight(shape=shape, initializer="zeros", name="offset")

    def call(self, x):
        return x + self.offset


def case(outputs, limit=50):
    """Logits up to the limit, at the first pixels exactly, and labels without regard to them."""
    random = np.random.default_rng(0)
    logits = random.uniform(-limit, limit, (*SHAPE, outputs)).astype(np.float32)
    logits[0, 0] = limit * np.sign(logits[0, 0])
    return logits, random.integers(max(2, outputs), size=(*SHAPE, 1))


def network(outputs, activation):
    image = keras.Input(batch_shape=(*SHAPE, outputs))
    return note_logits(keras.Model(image, keras.layers.Activation(activation)(Offset()(image))))


def step(settings, logits, labels):
    """Return the loss and the gradient of every logit."""
    model = network(logits.shape[-1], "sigmoid" if logits.shape[-1] == 1 else "softmax")
    model.compile(keras.optimizers.SGD(1.0), make_loss(settings))
    value = float(model.train_on_batch(logits, labels))
    return value, -model.layers[1].get_weights()[0]


def log_softmax(logits):
    """Return the logarithms of the probability of each label and of all others together."""
    if logits.shape[-1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    logs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    others = [np.logaddexp.reduce(np.delete(logs, label, -1), axis=-1) for label in range(logs.shape[-1])]
    return logs, np.stack(others, axis=-1)


def reference(settings, logits, labels):
    """Write the loss out in float64."""
    logs, others = log_softmax(logits.astype(np.float64))
    truth = np.eye(logs.shape[-1])[labels[..., 0]]
    smooth = settings.get("label_smoothing", 0)
    shares = truth * (1 - smooth) + smooth / logs.shape[-1]
    entropy = -(shares * logs * np.exp(others) ** settings.get("gamma", 0)).sum(axis=-1).mean()
    if settings["name"] != "dice_crossentropy":
        return entropy
    both = (2 * (truth * np.exp(logs)).sum((0, 1, 2)) + 1) / ((truth + np.exp(logs)).sum((0, 1, 2)) + 1)
    return entropy + 1 - both[1:].mean()


def differences(function, values, width=1e-5):
    """Return the central differences of a function of an array."""
    result = np.zeros(values.shape)
    for place in np.ndindex(values.shape):
        change = np.zeros(values.shape)
        change[place] = width
        result[place] = (function(values + change) - function(values - change)) / (2 * width)
    return result


@pytest.mark.parametrize("settings", LOSSES, ids=str)
@pytest.mark.parametrize("outputs", [1, 3])
def test_value_and_gradient_are_those_of_float64_up_to_logits_of_50(settings, outputs):
    logits, labels = case(outputs)
    value, gradient = step(settings, logits, labels)
    expected = differences(lambda values: reference(settings, values, labels), logits.astype(np.float64))
    assert value == pytest.approx(reference(settings, logits, labels), rel=1e-5)
    assert gradient == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("settings", LOSSES, ids=str)
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_wrong_answer_of_logit_40_still_has_a_gradient(settings, outputs):
    logits = np.full((*SHAPE, outputs), 0, np.float32)
    logits[..., -1] = 40
    _, gradient = step(settings, logits, np.zeros((*SHAPE, 1), int))
    assert (gradient[..., -1] > 0.01).all()


def test_an_activation_that_notes_its_logits_is_saved_as_it_was():
    model = network(1, "sigmoid")
    assert model.layers[-1].get_config()["activation"] == "sigmoid"
    assert plain_activation(model.layers[-1]) is keras.activations.sigmoid
