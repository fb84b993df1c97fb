import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medzoo.metrics import Dice, make_metrics
from medzoo.task import Segmentation

KINDS = ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"]


def masks(labels=2, batch=3, seed=0):
    return np.random.default_rng(seed).integers(labels, size=(batch, 4, 4, 1)).astype(np.uint8)


def probabilities(outputs=1, batch=3, seed=1):
    raw = np.random.default_rng(seed).uniform(0.05, 0.95, (batch, 4, 4, outputs)).astype(np.float32)
    return raw if outputs == 1 else raw / raw.sum(axis=-1, keepdims=True)


def value(metric, *batches):
    metric.reset_state()
    for y_true, y_pred in batches:
        metric.update_state(y_true, y_pred)
    return float(keras.ops.convert_to_numpy(metric.result()))


def make(name, outputs, threshold=0.5):
    return make_metrics((name,), outputs, threshold)[0]


every_metric = pytest.mark.parametrize("name", ["dice", "pixel_accuracy"])
both_heads = pytest.mark.parametrize("outputs", [1, 3])


def test_dice_of_a_hand_count():
    y_true = np.array([1, 1, 1, 0, 0, 0], np.uint8).reshape(1, 2, 3, 1)
    y_pred = np.array([0.9, 0.5, 0.4, 0.6, 0.1, 0], np.float32).reshape(1, 2, 3, 1)
    assert value(Dice(), (y_true, y_pred)) == pytest.approx(2 * 2 / (3 + 3))
    assert value(Dice(threshold=0.55), (y_true, y_pred)) == pytest.approx(2 * 1 / (3 + 2))


def test_dice_of_several_labels_averages_the_foreground_ones():
    y_true = np.array([0, 0, 1, 1, 2, 2], np.uint8).reshape(1, 2, 3, 1)
    y_pred = np.eye(3, dtype=np.float32)[[0, 1, 1, 1, 2, 0]].reshape(1, 2, 3, 3)
    assert value(Dice(outputs=3), (y_true, y_pred)) == pytest.approx((4 / 5 + 2 / 3) / 2)


@pytest.mark.parametrize("labels", [("background", "tumor"), ("background", "edema", "tumor")])
def test_dice_counts_what_the_task_decides(labels):
    task = Segmentation(labels, threshold=0.3)
    y_true, y_pred = masks(len(labels)), probabilities(task.outputs)
    decided = task.decide(y_pred)
    scores = [
        2
        * ((decided == label) & (y_true[..., 0] == label)).sum()
        / ((decided == label).sum() + (y_true == label).sum())
        for label in range(1, len(labels))
    ]
    assert value(Dice(task.outputs, task.threshold), (y_true, y_pred)) == pytest.approx(np.mean(scores))


def test_dice_of_two_softmax_outputs_agrees_with_one_sigmoid():
    y_true, y_pred = masks(), probabilities()
    both = np.concatenate([1 - y_pred, y_pred], axis=-1)
    assert value(Dice(outputs=2), (y_true, both)) == pytest.approx(value(Dice(), (y_true, y_pred)))


def test_pixel_accuracy_is_the_fraction_of_right_pixels():
    y_true, y_pred = masks(3), probabilities(3)
    expected = (y_pred.argmax(axis=-1) == y_true[..., 0]).mean()
    assert value(make("pixel_accuracy", 3), (y_true, y_pred)) == pytest.approx(expected)


@every_metric
@both_heads
@pytest.mark.parametrize("kind", KINDS)
def test_masks_of_every_type_give_the_same_value(name, outputs, kind):
    y_true, y_pred = masks(2), probabilities(outputs)
    metric = make(name, outputs)
    assert value(metric, (y_true.astype(kind), y_pred)) == pytest.approx(value(metric, (y_true, y_pred)))


@every_metric
@both_heads
def test_perfect_prediction_scores_one(name, outputs):
    y_true = masks(max(2, outputs))
    y_pred = y_true.astype(np.float32) if outputs == 1 else np.eye(outputs, dtype=np.float32)[y_true[..., 0]]
    assert value(make(name, outputs), (y_true, y_pred)) == 1


@every_metric
@both_heads
def test_batches_add_up_to_all_at_once(name, outputs):
    y_true, y_pred = masks(max(2, outputs), batch=5), probabilities(outputs, batch=5)
    metric = make(name, outputs)
    parts = [(y_true[:2], y_pred[:2]), (y_true[2:], y_pred[2:])]
    assert value(metric, *parts) == pytest.approx(value(metric, (y_true, y_pred)))


@both_heads
def test_dice_without_any_foreground_is_one(outputs):
    background = np.zeros((2, 4, 4, outputs), np.float32)
    background[..., 0] = outputs > 1
    assert value(Dice(outputs), (np.zeros((2, 4, 4, 1), np.uint8), background)) == 1


def test_dice_of_a_false_alarm_is_zero():
    assert value(Dice(), (np.zeros((2, 4, 4, 1), np.uint8), np.ones((2, 4, 4, 1), np.float32))) == 0


def test_dice_before_any_batch_is_finite():
    assert np.isfinite(value(Dice()))


def test_dice_of_predictions_in_half_precision_counts_exactly():
    # In bfloat16 a sum of ones stops at 256.
    y_pred = keras.ops.cast(keras.ops.ones((4, 16, 16, 1)), "bfloat16")
    y_true = np.zeros((4, 16, 16, 1), np.uint8)
    y_true[0] = 1
    assert value(Dice(), (y_true, y_pred)) == pytest.approx(2 * 256 / (256 + 1024))


def test_dice_refuses_weights():
    with pytest.raises(ValueError, match="`metrics`, not `weighted_metrics`"):
        Dice().update_state(masks(), probabilities(), sample_weight=np.ones(3))


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 4, 4, 3)])
@both_heads
def test_dice_refuses_masks_without_their_axis_and_one_hot_masks(shape, outputs):
    with pytest.raises(ValueError, match=r"label indices of shape \(batch, height, width, 1\)"):
        Dice(outputs).update_state(np.zeros(shape, np.uint8), probabilities(outputs))


@every_metric
@both_heads
def test_metric_survives_serialisation(name, outputs):
    metric = make(name, outputs, threshold=0.3)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    batch = (masks(max(2, outputs)), probabilities(outputs))
    assert copy.name == name
    assert value(copy, batch) == value(metric, batch)


def test_unknown_metric_names_the_near_one():
    with pytest.raises(ValueError, match="Unknown metric 'pixel_acuracy'. Did you mean 'pixel_accuracy'"):
        make_metrics(("dice", "pixel_acuracy"), 1, 0.5)


CLASSES = np.array([[0], [0], [0], [1], [2]])
DECIDED = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 0]]


def test_accuracy_counts_the_right_classes():
    assert value(make("accuracy", 3), (CLASSES, DECIDED)) == pytest.approx(3 / 5)


def test_balanced_accuracy_is_the_mean_recall():
    assert value(make("balanced_accuracy", 3), (CLASSES, DECIDED)) == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_balanced_accuracy_leaves_out_classes_that_do_not_occur():
    assert value(make("balanced_accuracy", 3), (CLASSES[:4], DECIDED[:4])) == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy"])
class TestCases:
    def test_shares_of_classes_count_as_their_largest(self, name):
        shares = 0.6 * np.eye(3, dtype=np.float32)[CLASSES[:, 0]] + 0.4 / 3
        assert value(make(name, 3), (shares, DECIDED)) == value(make(name, 3), (CLASSES, DECIDED))

    def test_batches_add_up(self, name):
        parts = [(CLASSES[:2], DECIDED[:2]), (CLASSES[2:], DECIDED[2:])]
        assert value(make(name, 3), *parts) == pytest.approx(value(make(name, 3), (CLASSES, DECIDED)))

    def test_two_classes_are_decided_by_the_threshold(self, name):
        batch = np.array([[1], [0]]), np.array([[0.4], [0.2]], np.float32)
        assert value(make(name, 1, 0.3), batch) == 1
        assert value(make(name, 1, 0.5), batch) == 0.5

    def test_weights_count_cases_more(self, name):
        metric = make(name, 1)
        metric.update_state(np.array([[1], [1]]), np.array([[0.9], [0.1]], np.float32), sample_weight=[3.0, 1.0])
        assert float(keras.ops.convert_to_numpy(metric.result())) == pytest.approx(0.75)

    def test_survives_serialisation(self, name):
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(make(name, 3)))
        assert value(copy, (CLASSES, DECIDED)) == value(make(name, 3), (CLASSES, DECIDED))


RANKS = np.random.default_rng(0).dirichlet(np.ones(3), 60).astype(np.float32)
KINDS = np.random.default_rng(1).integers(0, 3, (60, 1))


def test_auc_is_that_of_scikit_learn():
    of_two = value(make("auc", 1), (KINDS > 0, RANKS[:, 1:2]))
    assert of_two == pytest.approx(roc_auc_score(KINDS[:, 0] > 0, RANKS[:, 1]), abs=2e-3)
    of_three = value(make("auc", 3), (KINDS, RANKS))
    expected = roc_auc_score(KINDS[:, 0], RANKS / RANKS.sum(1, keepdims=True), multi_class="ovr")
    assert of_three == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("outputs", [1, 3])
def test_auc_adds_up_takes_shares_and_survives_serialisation(outputs):
    true, ranks = (KINDS, RANKS) if outputs > 1 else (KINDS % 2, RANKS[:, :1])
    expected = value(make("auc", outputs), (true, ranks))
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(make("auc", outputs)))
    assert value(copy, (true[:30], ranks[:30]), (true[30:], ranks[30:])) == pytest.approx(expected)
    shares = 0.8 * np.eye(3, dtype=np.float32)[true[:, 0]] + 0.2 / 3 if outputs > 1 else 0.8 * true + 0.1
    assert value(make("auc", outputs), (shares, ranks)) == pytest.approx(expected)


def test_r2_and_mae_are_those_of_keras():
    batch = np.array([[1.0], [2.0], [3.0]], np.float32), np.array([[1.0], [2.0], [4.0]], np.float32)
    assert value(make("r2", 1), batch) == pytest.approx(0.5)
    assert value(make("mae", 1), batch) == pytest.approx(1 / 3)


@every_metric
@both_heads
def test_ignored_pixels_do_not_count(name, outputs):
    y_true, y_pred = masks(max(2, outputs)), probabilities(outputs)
    ignored = np.concatenate([np.full_like(y_true[:, :1], 255), y_true[:, 1:]], axis=1)
    expected = value(make(name, outputs), (y_true[:, 1:], y_pred[:, 1:]))
    assert value(make(name, outputs), (ignored, y_pred)) == pytest.approx(expected)
