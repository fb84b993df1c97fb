"""Training of every task, from samples to answers."""

from dataclasses import replace

import numpy as np
import pytest

from medzoo.data.samples import Samples
from medzoo.io import Scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.recipe import Recipe
from medzoo.task import Classification, Regression, Segmentation
from medzoo.training.train import train
from medzoo.zoo.load import load
from medzoo.zoo.predict import predict
from medzoo.zoo.save import save

ENCODER = {"name": "plain", "filters": [8]}
CLASSIFIER = {"name": "classifier", "encoder": ENCODER}
REGRESSOR = {**CLASSIFIER, "name": "regressor"}
UNET = {"name": "unet", "encoder": ENCODER}


class Mask:
    """A mask in memory."""

    def __init__(self, array):
        self.array, self.shape, self.labels = array, array.shape, (0, 1)

    def mask(self, size=None):
        return self.array


def scans(count, depth):
    """Return noise with a bright cube that grows with the number of the scan."""
    generator = np.random.default_rng(0)
    for number in range(count):
        array = generator.uniform(0, 0.2, (depth or 1, 16, 16, 1)).astype(np.float32)
        array[:, 4 : 5 + number % 10, 4:12] = 1
        array = array if depth else array[0]
        yield Scan(array, array.shape[:-1], source=f"scan {number}")


def make_samples(task, depth=0, count=20):
    images = tuple(scans(count, depth))
    targets = {
        "classification": [number % 10 >= 5 for number in range(count)],
        "regression": [50.0 + 3 * (number % 10) for number in range(count)],
        "segmentation": [Mask((image.array[..., 0] > 0.5).astype(np.uint8)) for image in images],
    }[task.name]
    names = tuple(map(str, range(count)))
    targets = tuple(map(int, targets)) if task.name == "classification" else tuple(targets)
    return Samples(images, targets, names, ("",) * count, task.labels)


def make_recipe(task, builder, preprocessing, **values):
    optimizer = {"name": "adamw", "learning_rate": 1e-2}
    values = {"split": {"valid": 0.25}, "batch_size": 5, "epochs": 2, "optimizer": optimizer, **values}
    return Recipe("tiny", task, preprocessing, builder, **values)


CASES = {
    "class of a picture": (Classification(), CLASSIFIER, Preprocessing((16, 16)), 0, {}),
    "class, everything for rare labels": (
        Classification(),
        CLASSIFIER,
        Preprocessing((16, 16), normalization="dataset"),
        0,
        {
            "balance": {"sampling": "balanced", "class_weights": "balanced"},
            "augmentation": {"mixup": 0.2, "flip": ["horizontal"]},
            "loss": {"name": "focal", "label_smoothing": 0.1},
        },
    ),
    "one of three classes": (Classification(("a", "b", "c")), CLASSIFIER, Preprocessing((16, 16)), 0, {}),
    "class of a volume": (Classification(), CLASSIFIER, Preprocessing((8, 16, 16)), 6, {}),
    "number for a picture": (Regression("size", "mm"), REGRESSOR, Preprocessing((16, 16)), 0, {}),
    "number for a stack": (
        Regression("size", "mm"),
        REGRESSOR,
        Preprocessing((16, 16), 3, stack=Stack(average=3)),
        7,
        {"augmentation": {"slice_jitter": 1}},
    ),
    "mask of a volume": (
        Segmentation(("background", "cube")),
        UNET,
        Preprocessing((6, 16, 16)),
        6,
        {"augmentation": {"flip": ["depth"], "noise": 0.05}},
    ),
    "mask of every slice": (
        Segmentation(("background", "cube")),
        UNET,
        Preprocessing((16, 16), 3, stack=Stack()),
        4,
        {"batch_size": 20, "balance": {"class_weights": [0.5, 2.0]}},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_task_is_trained_validated_and_predicted(case, tmp_path):
    task, builder, preprocessing, depth, values = CASES[case]
    samples = make_samples(task, depth)
    recipe = make_recipe(task, builder, preprocessing, **values)
    model = train(recipe, samples, tmp_path / "run", verbose=0)
    header = (tmp_path / "run" / "history.csv").read_text().splitlines()[0]
    assert task.monitor in header.split(",")
    result = predict(model, samples.images[0])
    assert result.summary


@pytest.mark.usefixtures("without_onnx")
def test_a_number_is_learnt_and_answered_in_its_unit_after_loading(tmp_path):
    task = Regression("size", "mm")
    samples = make_samples(task)
    recipe = make_recipe(task, REGRESSOR, Preprocessing((16, 16), normalization="dataset"), epochs=30)
    model = train(recipe, samples, tmp_path / "run", verbose=0)
    # What training measured is in the model, and stays there.
    assert model.task.mean == pytest.approx(np.mean(samples.targets), rel=0.1)
    assert model.preprocessing.mean is not None
    loaded = load(save(model, tmp_path / "entry"))
    assert loaded.task == model.task
    values = [result.value for result in predict(loaded, list(samples.images), progress=False)]
    assert np.corrcoef(values, samples.targets)[0, 1] > 0.8
    assert abs(np.mean(values) - np.mean(samples.targets)) < 5


def test_a_resumed_regression_has_the_scale_of_the_first_start(tmp_path):
    task = Regression("size", "mm")
    recipe = make_recipe(task, REGRESSOR, Preprocessing((16, 16), normalization="dataset"))
    first = train(recipe, make_samples(task), tmp_path / "run", verbose=0)
    again = train(recipe, make_samples(task), tmp_path / "run", verbose=0)
    assert again.recipe == first.recipe


def test_a_constant_target_is_an_error_before_training(tmp_path):
    task = Regression("size")
    samples = make_samples(task)
    samples = replace(samples, targets=(1.0,) * len(samples))
    with pytest.raises(ValueError, match="The target 'size' is 1 in all"):
        train(make_recipe(task, REGRESSOR, Preprocessing((16, 16))), samples, tmp_path / "run")
