import keras
import numpy as np
import pytest

from medzoo.losses import LOSSES, CrossEntropy, DiceCrossEntropy, make_loss

KINDS = ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"]


def value(loss, y_true, y_pred, **arguments):
    return float(keras.ops.convert_to_numpy(loss(y_true, y_pred, **arguments)))


def masks(labels=2, batch=3, seed=0):
    return np.random.default_rng(seed).integers(labels, size=(batch, 4, 4, 1)).astype(np.uint8)


def probabilities(outputs=1, batch=3, seed=1):
    raw = np.random.default_rng(seed).uniform(0.05, 0.95, (batch, 4, 4, outputs)).astype(np.float32)
    return raw if outputs == 1 else raw / raw.sum(axis=-1, keepdims=True)


def one_hot(y_true, outputs):
    return np.eye(outputs, dtype=np.float32)[y_true[..., 0]]


def expected_dice(y_true, y_pred, smoothing=1.0):
    """Write the formula out in NumPy for foreground masks and probabilities of one label."""
    return (2 * (y_true * y_pred).sum() + smoothing) / (y_true.sum() + y_pred.sum() + smoothing)


def gradient(loss, y_true, logits):
    """Return the derivative of the loss of one sigmoid layer by its bias, seen as a step of SGD."""
    inputs = keras.Input(y_true.shape[1:])
    outputs = keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")(inputs)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=True)
    model.train_on_batch(logits, y_true)
    return -model.get_weights()[1][0]


@pytest.fixture(params=["dice_crossentropy"])
def loss(request):
    return make_loss(request.param)


def test_value_of_a_hand_count():
    y_true = np.array([1, 1, 0, 0], np.uint8).reshape(1, 2, 2, 1)
    y_pred = np.array([0.8, 0.6, 0.4, 0.2], np.float32).reshape(1, 2, 2, 1)
    entropy = -np.log([0.8, 0.6, 0.6, 0.8]).mean()
    dice = (2 * 1.4 + 1) / (2 + 2 + 1)
    assert value(DiceCrossEntropy(), y_true, y_pred) == pytest.approx(entropy + 1 - dice, rel=1e-5)


def test_value_of_several_labels_averages_the_foreground_ones():
    y_true, y_pred = masks(3), probabilities(3)
    truth = one_hot(y_true, 3)
    entropy = -np.log((truth * y_pred).sum(axis=-1)).mean()
    dice = np.mean([expected_dice(truth[..., label], y_pred[..., label]) for label in (1, 2)])
    assert value(DiceCrossEntropy(), y_true, y_pred) == pytest.approx(entropy + 1 - dice, rel=1e-5)


def test_without_smoothing_it_is_the_sum_of_two_losses_of_keras():
    y_true, y_pred = masks().astype(np.float32), probabilities()
    both = value(keras.losses.Dice(), y_true, y_pred) + value(keras.losses.BinaryCrossentropy(), y_true, y_pred)
    assert value(DiceCrossEntropy(smoothing=0), y_true, y_pred) == pytest.approx(both, rel=1e-5)


def test_two_softmax_outputs_agree_with_one_sigmoid(loss):
    y_true, y_pred = masks(), probabilities()
    both = np.concatenate([1 - y_pred, y_pred], axis=-1)
    assert value(loss, y_true, both) == pytest.approx(value(loss, y_true, y_pred), rel=1e-5)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_masks_of_every_type_give_the_same_value(loss, outputs, kind):
    y_true, y_pred = masks(2), probabilities(outputs)
    assert value(loss, y_true.astype(kind), y_pred) == pytest.approx(value(loss, y_true, y_pred), rel=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
def test_perfect_prediction_costs_nothing(loss, outputs):
    y_true = masks(max(2, outputs))
    y_pred = y_true.astype(np.float32) if outputs == 1 else one_hot(y_true, outputs)
    assert value(loss, y_true, y_pred) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("outputs", [1, 3])
def test_worse_prediction_costs_more(loss, outputs):
    y_true = masks(max(2, outputs))
    perfect = y_true.astype(np.float32) if outputs == 1 else one_hot(y_true, outputs)
    half = (perfect + probabilities(outputs)) / 2
    assert value(loss, y_true, perfect) < value(loss, y_true, half) < value(loss, y_true, probabilities(outputs))


@pytest.mark.parametrize("fill", [0, 0.5, 1])
@pytest.mark.parametrize("label", [0, 1])
def test_empty_and_full_masks_are_finite(loss, fill, label):
    y_true = np.full((2, 4, 4, 1), label, np.uint8)
    assert np.isfinite(value(loss, y_true, np.full((2, 4, 4, 1), fill, np.float32)))


def test_label_that_does_not_occur_is_finite(loss):
    assert np.isfinite(value(loss, masks(2), probabilities(4)))


@pytest.mark.parametrize("logit", [-1e4, -5.0, 5.0, 1e4])
@pytest.mark.parametrize("label", [0, 1])
def test_gradient_is_finite_at_probabilities_zero_and_one(loss, logit, label):
    y_true = np.full((2, 4, 4, 1), label, np.uint8)
    assert np.isfinite(gradient(loss, y_true, np.full((2, 4, 4, 1), logit, np.float32)))


def test_gradient_leads_towards_the_mask(loss):
    zeros = np.zeros((2, 4, 4, 1), np.float32)
    assert gradient(loss, np.ones((2, 4, 4, 1), np.uint8), zeros) < 0 < gradient(loss, zeros, zeros)


def test_predictions_in_half_precision_are_summed_in_float32():
    # In bfloat16 a sum of ones stops at 256.
    y_true = np.ones((4, 16, 16, 1), np.uint8)
    y_pred = keras.ops.cast(keras.ops.ones((4, 16, 16, 1)), "bfloat16")
    assert value(DiceCrossEntropy(), y_true, y_pred) == pytest.approx(0, abs=1e-3)


def test_dice_counts_the_batch_together():
    y_true = np.zeros((2, 4, 4, 1), np.uint8)
    y_true[0, :2] = 1
    y_pred = np.full((2, 4, 4, 1), 0.5, np.float32)
    assert value(DiceCrossEntropy(), y_true, y_pred) == pytest.approx(np.log(2) + 1 - (8 + 1) / (8 + 16 + 1), rel=1e-5)


def test_pixel_weights_weight_the_entropy_and_scale_dice_by_their_mean():
    y_true, y_pred = masks(), probabilities()
    weights = np.random.default_rng(2).uniform(0, 2, (3, 4, 4)).astype(np.float32)
    entropy = -np.log(np.where(y_true == 1, y_pred, 1 - y_pred))[..., 0]
    dice = 1 - expected_dice(y_true, y_pred)
    expected = (weights * entropy).mean() + weights.mean() * dice
    assert value(DiceCrossEntropy(), y_true, y_pred, sample_weight=weights) == pytest.approx(expected, rel=1e-5)


def test_image_weights_of_shape_batch_one_one_are_spread_over_the_pixels(loss):
    weights = np.array([0.5, 1, 2], np.float32).reshape(3, 1, 1)
    spread = np.broadcast_to(weights, (3, 4, 4)).copy()
    y_true, y_pred = masks(), probabilities()
    assert value(loss, y_true, y_pred, sample_weight=weights) == pytest.approx(
        value(loss, y_true, y_pred, sample_weight=spread), rel=1e-5
    )


def test_sum_reduction_keeps_the_ratio_of_both_parts():
    y_true, y_pred = masks(), probabilities()
    mean = value(DiceCrossEntropy(), y_true, y_pred)
    assert value(DiceCrossEntropy(reduction="sum"), y_true, y_pred) == pytest.approx(mean * y_true.size, rel=1e-5)


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 4, 4, 3)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_masks_without_their_axis_and_one_hot_masks_are_refused(loss, shape, outputs):
    with pytest.raises(ValueError, match=r"label indices of shape \(batch, height, width, 1\).*mask\[\.\.\., None\]"):
        loss(np.zeros(shape, np.uint8), probabilities(outputs))


def test_loss_survives_serialisation():
    config = keras.saving.serialize_keras_object(DiceCrossEntropy(smoothing=2.5, reduction="sum"))
    copy = keras.saving.deserialize_keras_object(config)
    assert isinstance(copy, DiceCrossEntropy)
    assert (copy.smoothing, copy.reduction, copy.name) == (2.5, "sum", "dice_crossentropy")


def test_loss_of_the_table_has_its_name(loss):
    assert LOSSES[loss.name] is type(loss)


def test_unknown_loss_names_the_near_one():
    with pytest.raises(ValueError, match="Unknown loss 'dice_cross_entropy'. Did you mean 'dice_crossentropy'"):
        make_loss("dice_cross_entropy")


def entropy_of(shares, y_pred):
    return -(shares * np.log(y_pred)).sum(axis=-1).mean()


THREE = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], np.float32)


def test_cross_entropy_of_classes_is_that_of_the_true_one():
    y_true = np.array([[0], [2]])
    assert value(CrossEntropy(), y_true, THREE) == pytest.approx(-np.log([0.7, 0.6]).mean(), rel=1e-5)


def test_cross_entropy_of_two_classes_reads_one_output():
    y_pred = np.array([[0.8], [0.3]], np.float32)
    assert value(CrossEntropy(), np.array([[1], [0]]), y_pred) == pytest.approx(-np.log([0.8, 0.7]).mean(), rel=1e-5)


def test_cross_entropy_takes_shares_of_classes_as_mixup_makes_them():
    shares = np.array([[0.5, 0.5, 0], [0, 0.2, 0.8]], np.float32)
    assert value(CrossEntropy(), shares, THREE) == pytest.approx(entropy_of(shares, THREE), rel=1e-5)


def test_label_smoothing_spreads_a_part_of_the_truth():
    smooth = np.array([[0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3], [0.1 / 3, 0.1 / 3, 0.9 + 0.1 / 3]])
    loss = value(CrossEntropy(label_smoothing=0.1), np.array([[0], [2]]), THREE)
    assert loss == pytest.approx(entropy_of(smooth, THREE), rel=1e-5)


@pytest.mark.parametrize(("y_true", "y_pred"), [([[0], [2]], THREE), ([[1], [0]], [[0.7], [0.4]])])
def test_focal_loss_weights_a_case_by_how_wrong_it_is(y_true, y_pred):
    right = np.array([0.7, 0.6])
    expected = (-((1 - right) ** 2) * np.log(right)).mean()
    loss = make_loss({"name": "focal", "gamma": 2})
    assert value(loss, np.array(y_true), np.array(y_pred, np.float32)) == pytest.approx(expected, rel=1e-4)


def test_cross_entropy_of_masks_has_a_value_for_every_pixel():
    y_true, y_pred = masks(3), probabilities(3)
    pixels = keras.ops.convert_to_numpy(CrossEntropy(reduction=None)(y_true, y_pred))
    assert pixels.shape == y_true.shape[:-1]
    assert pixels.mean() == pytest.approx(entropy_of(one_hot(y_true, 3), y_pred), rel=1e-5)


def test_weights_of_images_weight_their_cross_entropy():
    weights = np.array([3.0, 0.0], np.float32)
    loss = value(CrossEntropy(), np.array([[0], [2]]), THREE, sample_weight=weights)
    assert loss == pytest.approx(-np.log(0.7) * 3 / 2, rel=1e-5)


def test_nan_reaches_the_cross_entropy():
    assert np.isnan(value(CrossEntropy(), np.array([[1]]), np.array([[np.nan]], np.float32)))


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_loss_of_the_table_is_made_by_its_name(name):
    assert isinstance(make_loss(name), keras.losses.Loss)


def test_arguments_of_a_loss_are_passed_on():
    # Beyond delta the loss goes on as a line.
    loss = make_loss({"name": "huber", "delta": 0.5})
    assert value(loss, np.array([[0.0]]), np.array([[1.0]])) == pytest.approx(0.5 * (1 - 0.5 / 2))


def test_an_argument_that_a_loss_does_not_take_is_named():
    with pytest.raises(ValueError, match="field of the loss 'focal' 'delta'"):
        make_loss({"name": "focal", "delta": 1})


def test_cross_entropy_survives_serialisation():
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(CrossEntropy(label_smoothing=0.1, gamma=2.0))
    )
    assert (copy.label_smoothing, copy.gamma) == (0.1, 2.0)


def with_ignored(y_true):
    """The same masks, of which the first row of pixels is ignored."""
    return np.concatenate([np.full_like(y_true[:, :1], 255), y_true[:, 1:]], axis=1)


pixel_losses = pytest.mark.parametrize("name", ["dice_crossentropy", "crossentropy", "focal"])


@pixel_losses
@pytest.mark.parametrize("outputs", [1, 3])
def test_ignored_pixels_leave_the_loss_of_the_others(name, outputs):
    loss, y_true, y_pred = make_loss(name), masks(max(2, outputs)), probabilities(outputs)
    expected = value(loss, y_true[:, 1:], y_pred[:, 1:])
    assert value(loss, with_ignored(y_true), y_pred) == pytest.approx(expected, rel=1e-5)
    other = np.concatenate([y_pred[:, :1, ::-1], y_pred[:, 1:]], axis=1)
    assert value(loss, with_ignored(y_true), other) == pytest.approx(expected, rel=1e-5)


@pixel_losses
def test_weights_of_ignored_pixels_do_not_count(name):
    loss, y_true, y_pred = make_loss(name), masks(), probabilities()
    weights = np.random.default_rng(2).uniform(size=(3, 4, 4)).astype(np.float32)
    expected = value(loss, y_true[:, 1:], y_pred[:, 1:], sample_weight=weights[:, 1:])
    assert value(loss, with_ignored(y_true), y_pred, sample_weight=weights) == pytest.approx(expected, rel=1e-5)


def pixel_gradients(loss, y_true, outputs):
    """Return the derivative of the loss by the output of each pixel before its activation, `(height, width, outputs)`.

    Seen as a step of SGD over biases of which each pixel has its own.
    """
    inputs = keras.Input(y_true.shape[1:])
    shape = (*y_true.shape[1:-1], outputs)
    layer = keras.layers.EinsumDense("bhwc,hwco->bhwo", shape, "sigmoid" if outputs == 1 else "softmax", "hwo")
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=True)
    model.train_on_batch(np.zeros(y_true.shape, np.float32), y_true)
    return -model.get_weights()[1]


@pixel_losses
@pytest.mark.parametrize("outputs", [1, 3])
def test_ignored_pixels_have_no_gradient(name, outputs):
    gradients = pixel_gradients(make_loss(name), with_ignored(masks(max(2, outputs), batch=1)), outputs)
    assert not gradients[0].any()
    assert gradients[1:].any(axis=-1).all()


@pixel_losses
def test_a_batch_of_ignored_pixels_has_no_loss_and_no_gradient(name):
    nothing = np.full((1, 2, 2, 1), 255, np.uint8)
    assert value(make_loss(name), nothing, probabilities()[:1, :2, :2]) == 0
    assert not pixel_gradients(make_loss(name), nothing, 3).any()


def test_the_last_of_256_labels_is_not_ignored():
    y_true = np.full((1, 2, 2, 1), 255, np.uint8)
    y_pred = np.full((1, 2, 2, 256), 1 / 256, np.float32)
    assert value(CrossEntropy(), y_true, y_pred) == pytest.approx(np.log(256), rel=1e-5)
