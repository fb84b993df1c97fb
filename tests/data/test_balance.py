"""What is done about rare labels."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from medzoo.data.augment import Augmentation
from medzoo.data.feed.balance import class_weights
from medzoo.data.feed.batches import make_batches
from medzoo.data.samples import Samples
from medzoo.io import Scan
from medzoo.preprocessing import Preprocessing
from medzoo.task import Classification, Regression

LABELS = ("normal", "benign", "cancer")
TASK = Classification(LABELS)
PLAIN = Preprocessing((2, 2), normalization=None)
# Of twelve images nine are normal.
TARGETS = (0,) * 9 + (1, 1, 2)


def make_samples(targets=TARGETS, labels=LABELS):
    images = tuple(Scan(np.full((2, 2, 1), row, np.float32), (2, 2), source=str(row)) for row in range(len(targets)))
    names = tuple(map(str, range(len(targets))))
    return Samples(images, tuple(targets), names, ("",) * len(targets), labels)


def epoch(dataset):
    return [np.concatenate(column) for column in zip(*dataset.as_numpy_iterator(), strict=True)]


def make_dataset(*args, **kwargs):
    return make_batches(*args, **kwargs).tf_dataset()


@pytest.mark.parametrize("cache", ["memory", "file"])
def test_balanced_sampling_reads_no_file_twice(monkeypatch, tmp_path, cache):
    read = []
    monkeypatch.setattr(Scan, "read", lambda scan, at_least=None: read.append(scan.source) or scan)
    cache = tmp_path / "cache" if cache == "file" else cache
    dataset = make_dataset(make_samples(), PLAIN, TASK, balance={"sampling": "balanced"}, cache=cache)
    seen = [epoch(dataset) for _ in range(4)]
    assert all(len(images) == len(TARGETS) for images, _ in seen)
    assert len(read) == len(set(read))
    # What is drawn is the image of its label.
    for images, targets in seen:
        assert [TARGETS[int(image[0, 0, 0])] for image in images] == targets[:, 0].tolist()


def test_a_file_of_drawn_rows_is_taken_up_by_the_next_dataset(monkeypatch, tmp_path):
    arguments = {"balance": {"sampling": "balanced"}, "cache": tmp_path / "cache"}
    first = make_dataset(make_samples(), PLAIN, TASK, **arguments)
    for _ in range(6):
        epoch(first)
    read = []
    monkeypatch.setattr(Scan, "read", lambda scan, at_least=None: read.append(scan.source) or scan)
    epoch(make_dataset(make_samples(), PLAIN, TASK, **arguments))
    assert len(read) < 3


def test_balanced_sampling_knows_its_length():
    dataset = make_dataset(make_samples(), PLAIN, TASK, batch_size=5, balance={"sampling": "balanced"})
    assert int(dataset.cardinality()) == 3


def test_balanced_sampling_of_numbers_is_an_error():
    samples = make_samples((1.0, 2.0, 3.0), ("value",))
    with pytest.raises(ValueError, match="Balanced sampling draws labels of images; the task is regression"):
        make_dataset(samples, PLAIN, Regression(), balance={"sampling": "balanced"})


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    expected = compute_class_weight("balanced", classes=np.arange(3), y=np.array(TARGETS))
    assert class_weights(make_samples(), "balanced") == pytest.approx(expected)


@pytest.mark.parametrize("given", [[0.1, 3.0, 4.0], {"cancer": 4.0, "normal": 0.1, "benign": 3.0}])
def test_given_weights_stand_in_the_order_of_the_labels(given):
    assert class_weights(make_samples(), given) == pytest.approx([0.1, 3, 4])


@pytest.mark.parametrize("given", [[1.0, 2.0], {"normal": 1.0}, [1.0, 2.0, -1.0]])
def test_missing_or_negative_weights_are_an_error(given):
    with pytest.raises(ValueError, match="`class_weights` must have one number of at least 0 for each label"):
        class_weights(make_samples(), given)


def test_weight_of_an_unknown_label_names_the_near_one():
    with pytest.raises(ValueError, match="Unknown label 'cancr'. Did you mean 'cancer'"):
        class_weights(make_samples(), {"normal": 1, "benign": 1, "cancr": 1})


def test_a_label_without_an_image_has_no_balanced_weight():
    with pytest.raises(ValueError, match="no image of cancer"):
        class_weights(make_samples(TARGETS[:-1]), "balanced")


def test_every_image_comes_with_the_weight_of_its_label():
    dataset = make_dataset(make_samples(), PLAIN, TASK, balance={"class_weights": [0.5, 2.0, 4.0]})
    _, targets, weights = epoch(dataset)
    assert weights.tolist() == [[0.5, 2.0, 4.0][label] for label in targets[:, 0]]


def test_blended_labels_have_the_blended_weight():
    dataset = make_dataset(
        make_samples(),
        PLAIN,
        TASK,
        batch_size=12,
        augment=Augmentation(mixup=1.0),
        balance={"class_weights": [0.5, 2.0, 4.0]},
    )
    _, shares, weights = epoch(dataset)
    assert shares.shape == (12, 3)
    assert shares.sum(axis=1) == pytest.approx(np.ones(12), rel=1e-5)
    assert weights == pytest.approx(shares @ [0.5, 2.0, 4.0], rel=1e-5)


def test_blended_labels_of_two_classes_have_the_blended_weight():
    samples = make_samples((0, 0, 0, 1), ("a", "b"))
    augment, balance = Augmentation(mixup=1.0), {"class_weights": [1.0, 5.0]}
    _, shares, weights = epoch(make_dataset(samples, PLAIN, Classification(("a", "b")), 4, augment, balance=balance))
    assert weights == pytest.approx(1 + 4 * shares[:, 0], rel=1e-5)


@pytest.mark.parametrize("balance", [{"samplings": "balanced"}, {"sampling": "balance"}, {"class_weights": "balancd"}])
def test_unknown_words_of_the_balance_name_the_near_ones(balance):
    with pytest.raises(ValueError, match="Did you mean"):
        make_dataset(make_samples(), PLAIN, TASK, balance=balance)


def test_mixup_of_masks_is_an_error_before_anything_is_read():
    from medzoo.task import Segmentation

    class Mask:
        shape, labels = (2, 2), (0, 1)

        def mask(self, size=None):
            return np.zeros((2, 2), np.uint8)

    samples = Samples(("a.png",), (Mask(),), ("a",), ("",), ("background", "tumor"))
    with pytest.raises(ValueError, match="Mixup mixes labels or numbers"):
        make_dataset(samples, PLAIN, Segmentation(("background", "tumor")), augment=Augmentation(mixup=0.2))


def test_targets_of_another_task_are_an_error():
    with pytest.raises(ValueError, match="The samples have targets of classification, the task is regression"):
        make_dataset(make_samples(), PLAIN, Regression())
