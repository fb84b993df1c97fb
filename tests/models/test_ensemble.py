"""Several networks as one."""

import keras
import numpy as np
import pytest

from medzoo.models import build
from medzoo.models.ensemble import ensemble

ENCODER = {"name": "plain", "filters": (4,)}
CLASSIFIER, UNET = {"name": "classifier", "encoder": ENCODER}, {"name": "unet", "encoder": ENCODER}


def answers_of(model, images):
    return [model.get_layer(f"fold_{number}")(images) for number in (1, 2)]


@pytest.mark.parametrize("builder", [CLASSIFIER, UNET], ids=["classifier", "unet"])
def test_answer_is_the_mean_of_the_members(builder):
    model = ensemble((8, 8, 1), outputs=3, activation="softmax", members=2, of=builder)
    images = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    first, second = map(keras.ops.convert_to_numpy, answers_of(model, images))
    assert np.abs(first - second).max() > 1e-3
    assert keras.ops.convert_to_numpy(model(images)) == pytest.approx((first + second) / 2, abs=1e-6)


def test_member_takes_the_weights_of_a_network_of_its_own():
    model = ensemble((8, 8, 1), members=2, of=CLASSIFIER)
    single = build(CLASSIFIER, (8, 8, 1), 1, "sigmoid")
    model.get_layer("fold_2").set_weights(single.get_weights())
    images = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    answer = keras.ops.convert_to_numpy(answers_of(model, images)[1])
    assert answer == pytest.approx(keras.ops.convert_to_numpy(single(images)), abs=1e-6)


@pytest.mark.parametrize("members", [1, 2.0])
def test_fewer_than_two_members_are_refused(members):
    with pytest.raises(ValueError, match="`members` must be a whole number of at least 2"):
        ensemble((8, 8, 1), members=members, of=CLASSIFIER)


def test_an_unknown_member_is_named():
    with pytest.raises(ValueError, match="Unknown builder 'clasifier'. Did you mean 'classifier'"):
        build({"name": "ensemble", "of": {"name": "clasifier"}}, (8, 8, 1), 1, "sigmoid")


def test_exported_ensemble_gives_the_same_answer(tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("The export runs in TensorFlow.")
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from medzoo.zoo.export import export_onnx

    model = ensemble((8, 8, 1), members=2, of=CLASSIFIER)
    images = np.random.default_rng(0).random((1, 8, 8, 1), np.float32)
    expected = model.predict_on_batch(images)
    export_onnx(model, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    assert session.run(None, {session.get_inputs()[0].name: images})[0] == pytest.approx(expected, abs=1e-5)
