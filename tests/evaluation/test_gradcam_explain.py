from types import SimpleNamespace

import keras
import numpy as np
import pytest
from gradcam_networks import blob, classifier, encoder, head, is_inside, peak_of, ready, segmenter

from medzoo.evaluation.gradcam.explain import explain
from medzoo.evaluation.gradcam.maps import METHODS
from medzoo.io import Scan
from medzoo.models.fast import accelerate
from medzoo.preprocessing.stack import Stack
from medzoo.task import Classification, FeatureExtraction, Regression, Segmentation

BINARY = Classification(("healthy", "ill"))
THREE = Classification(("dark", "grey", "bright"))
THREE_KERNEL = [[-9, 0, 9], [9, 0, -9]]
TISSUE = Segmentation(("background", "dark", "bright"))
PLACE = slice(2, 6), slice(8, 12)
IMAGE = blob((16, 16), *PLACE)
DEEP_PLACE = slice(4, 8), *PLACE
VOLUME = blob((8, 16, 16), *DEEP_PLACE)


@pytest.mark.parametrize("method", METHODS)
def test_evidence_lies_where_it_is_and_nowhere_else(method):
    found = explain(classifier(BINARY, bias=1), IMAGE, method=method)
    assert found.label == "ill"
    assert is_inside(peak_of(found.heatmap), *PLACE)
    np.testing.assert_allclose(found.heatmap[3:5, 9:11], 1, atol=1e-6)
    assert not found.heatmap[8:].any()
    assert not found.heatmap[:, :6].any()


@pytest.mark.parametrize("method", METHODS)
def test_evidence_in_a_volume_lies_where_it_is(method):
    found = explain(classifier(BINARY, (8, 16, 16, 1), bias=1), VOLUME, method=method)
    assert is_inside(peak_of(found.heatmap), *DEEP_PLACE)
    assert not found.heatmap[:2].any()


def test_several_scans_are_explained_but_for_those_that_cannot_be_read(tmp_path):
    failures = []
    explained = explain(
        classifier(BINARY, bias=1),
        [IMAGE, tmp_path / "absent.png", IMAGE],
        on_error=lambda source, error: failures.append((source.name, type(error))),
    )
    assert [found.label for found in explained] == ["ill", "ill"]
    assert failures == [("absent.png", FileNotFoundError)]


def test_a_scan_of_several_that_cannot_be_read_is_an_error_where_nobody_asks(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.png"):
        next(explain(classifier(BINARY, bias=1), [tmp_path / "absent.png"]))


def test_the_first_of_two_labels_has_the_opposite_evidence():
    heatmap = explain(classifier(BINARY, bias=1), IMAGE, label="healthy").heatmap
    assert not heatmap[3:5, 9:11].any()
    np.testing.assert_allclose(heatmap[8:], 1, atol=1e-6)


def test_the_predicted_label_is_explained_and_scored():
    model = classifier(BINARY, bias=-1)
    found = explain(model, IMAGE)
    probability = float(keras.ops.convert_to_numpy(model(IMAGE[None, ..., None]))[0, 0])
    assert found.label == "healthy"
    assert found.score == pytest.approx(1 - probability, abs=1e-6)


def test_each_of_several_labels_has_its_own_evidence():
    model = classifier(THREE, kernel=THREE_KERNEL)
    assert is_inside(peak_of(explain(model, IMAGE, label="bright").heatmap), *PLACE)
    assert not explain(model, IMAGE, label="dark").heatmap[3:5, 9:11].any()


def test_no_evidence_for_a_label_is_zero_everywhere():
    found = explain(classifier(BINARY, kernel=(-1, 0)), IMAGE, label="ill")
    assert not found.heatmap.any()
    assert found.to_json()["peak"] is None


@pytest.mark.parametrize("task", [BINARY, THREE])
def test_a_certain_network_has_evidence_too(task):
    kernel = (1e5, 0) if task.is_binary else 1e4 * np.array(THREE_KERNEL)
    found = explain(classifier(task, kernel=kernel), IMAGE, label=task.labels[-1])
    assert is_inside(peak_of(found.heatmap), *PLACE)


def test_regression_explains_its_output_in_the_unit():
    task = Regression("lvef", unit="%", mean=50.0, std=10.0)
    found = explain(classifier(task), IMAGE)
    # 16 of 256 pixels are bright by 0.5, the others dark by 0.5.
    assert (found.label, found.score) == ("lvef", pytest.approx(50 + 10 * (10 * 0.5 / 16 - 0.5 * 15 / 16), abs=1e-3))
    assert is_inside(peak_of(found.heatmap), *PLACE)


def test_segmentation_explains_the_pixels_of_the_label():
    found = explain(segmenter(Segmentation(("background", "tumor"))), IMAGE)
    assert (found.label, found.score) == ("tumor", pytest.approx(16 / 256))
    assert is_inside(peak_of(found.heatmap), *PLACE)
    assert not found.heatmap[8:].any()


def test_segmentation_explains_the_label_with_the_most_pixels():
    model = segmenter(TISSUE, kernel=[[0, -20, 20], [0, 20, -20]])
    assert explain(model, IMAGE).label == "dark"
    assert is_inside(peak_of(explain(model, IMAGE, label="bright").heatmap), *PLACE)


def test_segmentation_without_a_pixel_of_the_label_has_no_evidence():
    found = explain(segmenter(Segmentation(("background", "tumor"))), np.zeros((16, 16), np.float32))
    assert found.score == 0
    assert not found.heatmap.any()


def test_segmentation_of_a_volume_by_its_slices():
    found = explain(segmenter(Segmentation(("background", "tumor"))), VOLUME)
    assert found.heatmap.shape == VOLUME.shape
    assert [bool(plane.any()) for plane in found.heatmap] == [plane.any() for plane in VOLUME]


def test_segmentation_of_a_volume_of_more_slices_than_a_batch():
    volume = blob((9, 16, 16), slice(8, 9), *PLACE)
    found = explain(segmenter(Segmentation(("background", "tumor"))), volume)
    assert is_inside(peak_of(found.heatmap), slice(8, 9), *PLACE)


def test_segmentation_of_a_volume_in_one():
    found = explain(segmenter(Segmentation(("background", "tumor")), (8, 16, 16, 1)), VOLUME)
    assert is_inside(peak_of(found.heatmap), *DEEP_PLACE)


@pytest.mark.parametrize(("average", "slices"), [(1, [4]), (3, [3, 4, 5])])
def test_a_stack_has_its_evidence_in_its_middle_slice(average, slices):
    model = classifier(BINARY, (16, 16, 3), bias=1, stack=Stack(average=average))
    heatmap = explain(model, blob((8, 16, 16), slice(0, 8), *PLACE)).heatmap
    assert np.flatnonzero(heatmap.any(axis=(1, 2))).tolist() == slices
    assert is_inside(peak_of(heatmap), slice(slices[0], slices[-1] + 1), *PLACE)


def test_a_slice_may_be_named():
    model = classifier(BINARY, (16, 16, 3), bias=1, stack=Stack())
    heatmap = explain(model, blob((8, 16, 16), slice(0, 8), *PLACE), slice=6).heatmap
    assert np.flatnonzero(heatmap.any(axis=(1, 2))).tolist() == [6]


def test_strides_are_layers_too():
    fine = explain(classifier(BINARY, bias=1), IMAGE, layer="stride_1")
    assert fine.layer == "stem_conv"
    np.testing.assert_allclose(fine.heatmap, IMAGE, atol=1e-6)


def test_nested_and_inlined_encoders_have_the_same_evidence():
    inner = encoder((16, 16, 1))
    image = keras.Input((16, 16, 1))
    models = (
        keras.Model(x, head(y, BINARY, (10, -1))) for x, y in ((image, inner(image)), (inner.input, inner.output))
    )
    nested, inlined = (explain(ready(model, BINARY), IMAGE, label="ill") for model in models)
    assert nested.layer == inlined.layer == "stage_1_pool"
    np.testing.assert_allclose(nested.heatmap, inlined.heatmap, atol=1e-6)


def test_frozen_and_trainable_encoders_have_the_same_evidence():
    model = classifier(BINARY)
    before = explain(model, IMAGE, label="ill").heatmap
    model.trainable = False
    np.testing.assert_array_equal(explain(model, IMAGE, label="ill").heatmap, before)


def test_accelerated_networks_have_the_same_evidence():
    model = classifier(BINARY)
    before = explain(model, IMAGE, label="ill").heatmap
    np.testing.assert_allclose(explain(accelerate(model, True), IMAGE, label="ill").heatmap, before, atol=1e-6)


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_evidence_comes_back_into_the_grid_of_the_image(fit):
    place = slice(0, 6), slice(20, 26)
    found = explain(classifier(BINARY, (32, 32, 1), bias=5, fit=fit), blob((12, 48), *place))
    assert found.heatmap.shape == (12, 48)
    assert is_inside(peak_of(found.heatmap), *place)


def test_evidence_comes_back_through_another_spacing():
    model = classifier(BINARY, (32, 32, 1), bias=5, fit="crop", spacing=(1.0, 1.0))
    place = slice(0, 4), slice(36, 48)
    array = blob((12, 48), *place)[..., None]
    found = explain(model, Scan(array, array.shape[:2], spacing=(2.0, 0.5)))
    assert is_inside(peak_of(found.heatmap), *place)


def test_unknown_label_is_refused_with_near_matches():
    with pytest.raises(ValueError, match="Unknown label 'il'. Did you mean 'ill'"):
        explain(classifier(BINARY), IMAGE, label="il")


def test_unknown_method_is_refused_with_near_matches():
    with pytest.raises(ValueError, match="Unknown method 'grad-cam'. Did you mean 'gradcam'"):
        explain(classifier(BINARY), IMAGE, method="grad-cam")


def test_a_model_of_features_is_refused():
    model = classifier(BINARY)
    model.task = FeatureExtraction()
    with pytest.raises(ValueError, match="no answer to explain"):
        explain(model, IMAGE)


def test_what_is_no_keras_model_is_refused():
    with pytest.raises(TypeError, match="Received: types SimpleNamespace"):
        explain(SimpleNamespace(task=BINARY), IMAGE)
