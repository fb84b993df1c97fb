"""Answers averaged over mirrored inputs."""

import numpy as np
import pytest

from medzoo.inference import predict_scans
from medzoo.preprocessing import Preprocessing
from medzoo.task import Classification, Segmentation


class Model:
    """A network that says where a pixel is: its column, as a share of the width, plus its grey value."""

    def __init__(self, task, mirrors, size=(4, 6)):
        self.task, self.recipe, self.evaluation = task, None, None
        self.preprocessing = Preprocessing(size, mirrors=mirrors)
        self.calls = []

    def predict_on_batch(self, inputs):
        self.calls.append(np.array(inputs))
        columns = np.linspace(0, 1, inputs.shape[-2], dtype=np.float32)[:, None]
        where = np.broadcast_to(columns, inputs.shape)
        return 0.5 * inputs + 0.5 * where if self.task.is_dense else inputs[..., 0, :, :][..., 0, :]


def scan(shape=(4, 6)):
    pixels = np.zeros(shape, np.uint8)
    pixels.flat[0] = 255
    return pixels


def probabilities(mirrors, size=(4, 6), shape=(4, 6)):
    model = Model(Segmentation(("background", "tumor")), mirrors, size)
    (prediction,) = predict_scans(model, [scan(shape)])
    return model, prediction.probabilities


def test_masks_are_mirrored_back_before_they_are_averaged():
    _, plain = probabilities(None)
    model, mirrored = probabilities(("horizontal", "vertical"))
    assert len(model.calls) == 4
    # The grey value counts where it is, and what depends on the side is averaged out.
    columns = np.linspace(0, 1, 6)
    assert np.allclose(plain[..., 0] if plain.ndim == 3 else plain, 0.5 * (scan() > 0) + 0.5 * columns)
    assert np.allclose(mirrored[..., 0] if mirrored.ndim == 3 else mirrored, 0.5 * (scan() > 0) + 0.25)


def test_each_combination_of_axes_is_predicted_once():
    model, _ = probabilities(("horizontal", "vertical", "depth"), (2, 4, 6), (2, 4, 6))
    places = {tuple(int(index) for index in np.argwhere(call[0] > 0)[0][:3]) for call in model.calls}
    assert places == {(z, y, x) for z in (0, 1) for y in (0, 3) for x in (0, 5)}


def test_answers_for_whole_images_are_averaged():
    model = Model(Classification(("no", "yes")), ("horizontal",))
    (prediction,) = predict_scans(model, [scan()])
    assert prediction.probabilities[1] == pytest.approx(0.5)


def test_training_sees_no_mirrors():
    assert Preprocessing((4, 6), mirrors=("vertical",)).for_training == Preprocessing((4, 6))


def test_mirrors_keep_through_json_and_stay_out_where_there_are_none():
    mirrored = Preprocessing((4, 6), mirrors=("vertical",))
    assert Preprocessing.from_json(mirrored.to_json()) == mirrored
    assert "mirrors" not in Preprocessing((4, 6)).to_json()


@pytest.mark.parametrize(
    ("mirrors", "message"),
    [
        (("depth",), "axis of `mirrors`"),
        (("horizntal",), "horizontal"),
        (("vertical", "vertical"), "each once"),
        ((), "or None"),
        ("vertical", "must be some of"),
    ],
)
def test_wrong_mirrors_are_refused(mirrors, message):
    with pytest.raises(ValueError, match=message):
        Preprocessing((4, 6), mirrors=mirrors)
