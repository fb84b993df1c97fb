"""One contract over every combination of options, and the way there and back."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from medzoo.io import Scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.transforms.intensity import NORMALIZATIONS
from medzoo.transforms.spatial import PLACEMENTS

SIZE = (16, 24)
# What a picture becomes, whatever type its file has; and "type_range", which looks at the type.
# The fits that lose nothing of the image.
WHOLE = ("stretch", "pad")
OF_ANY_TYPE = list(itertools.product(PLACEMENTS, (None, (1.0, 99.0)), (None, *NORMALIZATIONS)))
OPTIONS = [*OF_ANY_TYPE, *itertools.product(PLACEMENTS, (None, (1.0, 99.0)), ("type_range",))]
SHAPES = [(16, 24), (37, 53), (5, 7), (60, 9), (9, 60)]

every_option = pytest.mark.parametrize(("fit", "clip", "normalization"), OPTIONS)
every_shape = pytest.mark.parametrize("shape", SHAPES)


def picture(shape, channels=1, seed=0):
    return np.random.default_rng(seed).integers(256, size=(*shape, channels)).astype(np.uint8)


def ellipse(height, width):
    """Return a mask that scales with its grid, as a drawn polygon does."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    return ((rows / height - 0.45) ** 2 / 0.09 + (columns / width - 0.55) ** 2 / 0.06 < 1).astype(np.uint8)


@every_option
def test_input_has_its_shape_and_type_whatever_the_picture(fit, clip, normalization):
    preprocessing = Preprocessing(SIZE, 3, fit, clip, normalization)
    for shape, dtype in itertools.product(SHAPES, ("bool", "uint8", "uint16", "int16", "float32", "float64")):
        image = preprocessing(picture(shape).astype(dtype))
        assert image.shape == preprocessing.input_shape == (*SIZE, 3)
        assert image.dtype == np.float32
        assert np.isfinite(image).all()


@every_option
def test_preprocessing_survives_json(fit, clip, normalization):
    preprocessing = Preprocessing(SIZE, 2, fit, clip, normalization)
    assert Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing


@pytest.mark.parametrize(("fit", "clip", "normalization"), OF_ANY_TYPE)
@pytest.mark.parametrize("shape", [*SHAPES, (20, 30)])
def test_same_picture_in_another_type_gives_the_same_input(fit, clip, normalization, shape):
    preprocessing = Preprocessing(SIZE, 1, fit, clip, normalization)
    # A faint picture: rounding an average to a whole number would be a tenth of its range.
    faint = picture(shape) // 25
    for dtype in ("uint16", "int32", "float32", "float64"):
        assert np.array_equal(preprocessing(faint.astype(dtype)), preprocessing(faint))


@pytest.mark.parametrize("fit", PLACEMENTS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_normalised_input_does_not_depend_on_the_scale_of_intensities(fit, normalization):
    preprocessing = Preprocessing(SIZE, 1, fit, (1, 99), normalization)
    expected = preprocessing(picture((37, 53)))
    assert preprocessing(picture((37, 53)).astype(np.uint16) * 257) == pytest.approx(expected, abs=1e-4)
    assert preprocessing(picture((37, 53)) / 255 - 0.5) == pytest.approx(expected, abs=1e-4)


@every_option
@pytest.mark.parametrize("value", [0.1, -7.7, 12345.678])
def test_constant_image_becomes_a_constant(fit, clip, normalization, value):
    preprocessing = Preprocessing(SIZE, 1, fit, clip, normalization)
    image = preprocessing(np.full((30, 45, 1), value, np.float32))
    assert image == pytest.approx(value if normalization is None else 0, rel=1e-5, abs=0)


@every_option
def test_picture_is_not_changed(fit, clip, normalization):
    image = picture(SIZE).astype(np.float32)
    before = image.copy()
    Preprocessing(SIZE, 1, fit, clip, normalization)(image)
    assert np.array_equal(image, before)


def test_steps_run_in_their_order():
    image = np.zeros((8, 8, 1), np.float32)
    image[:, 4:] = 10
    image[0, 0] = 1e6
    prepared = Preprocessing((8, 16), 1, "pad", (0, 90), "rescale")(image)
    # The border is set last: it is black, not the image's own darkest value, and does not enter the percentiles.
    assert (prepared[:, :4] == 0).all()
    assert (prepared[:, 12:] == 0).all()
    assert prepared[1, [4, 8], 0].tolist() == [0, 1]
    assert prepared.max() == 1


@pytest.mark.parametrize(("given", "channels"), [(1, 1), (1, 3), (3, 1), (3, 3), (5, 5)])
def test_channels_become_the_models(given, channels):
    assert Preprocessing(SIZE, channels)(picture((20, 20), given)).shape == (*SIZE, channels)


def test_channels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="has 4 channels, the model expects 3"):
        Preprocessing(SIZE, 3)(picture((20, 20), 4))


def test_stretch_fills_the_input_and_pad_keeps_the_shape():
    image = np.full((40, 20, 1), 9, np.uint8)
    stretched = Preprocessing((16, 16), fit="stretch", normalization=None)(image)
    padded = Preprocessing((16, 16), fit="pad", normalization=None)(image)
    assert (stretched == 9).all()
    assert padded[:, 4:12].min() == 9
    assert padded.sum() == 9 * 16 * 8


@pytest.mark.parametrize("fit", PLACEMENTS)
@every_shape
def test_target_lies_where_the_image_does(fit, shape):
    preprocessing = Preprocessing(SIZE, fit=fit)
    target = preprocessing.target(lambda size: np.ones(size, np.uint8), shape)
    image = preprocessing(np.tile(np.array([[[1]], [[255]]], np.uint8), (shape[0] // 2 + 1, shape[1], 1))[: shape[0]])
    assert target.shape == SIZE
    assert target.dtype == np.uint8
    assert not image[target == 0].any()


@pytest.mark.parametrize("fit", WHOLE)
@pytest.mark.parametrize("shape", [(16, 24), (37, 53), (61, 45), (9, 13), (200, 101)])
def test_inverted_target_is_the_mask_of_the_file_to_a_pixel(fit, shape):
    preprocessing = Preprocessing((33, 47), fit=fit)
    target = preprocessing.target(lambda size: ellipse(*size), shape)
    answer = preprocessing.invert(target[..., None].astype(np.float32), shape)
    assert answer.shape == (*shape, 1)
    assert answer.dtype == np.float32
    # One pixel of the coarser of both grids.
    pixel = int(np.ceil(max(1, *(side / inner for side, inner in zip(shape, preprocessing.size, strict=True)))))
    if fit == "pad":
        pixel = int(np.ceil(max(1, shape[0] / 33, shape[1] / 47)))
    assert borders_agree(answer[..., 0] >= 0.5, ellipse(*shape) > 0, pixel)


def borders_agree(one, other, pixels):
    import cv2

    kernel = np.ones((2 * pixels + 1,) * 2, np.uint8)
    grown = [cv2.dilate(mask.astype(np.uint8), kernel) > 0 for mask in (one, other)]
    return not (one & ~grown[1]).any() and not (other & ~grown[0]).any()


@pytest.mark.parametrize("fit", WHOLE)
@every_shape
def test_inverted_answer_keeps_its_outputs(fit, shape):
    answer = np.tile(np.array([0.1, 0.7, 0.2], np.float32), (*SIZE, 1))
    inverted = Preprocessing(SIZE, fit=fit).invert(answer, shape)
    assert inverted.shape == (*shape, 3)
    assert inverted == pytest.approx(np.broadcast_to(answer[0, 0], inverted.shape))


def test_border_does_not_leak_into_the_inverted_answer():
    preprocessing = Preprocessing((16, 16), fit="pad")
    answer = preprocessing.target(lambda size: np.ones(size, np.float32), (40, 21))[..., None]
    assert (preprocessing.invert(answer, (40, 21)) == 1).all()


@pytest.mark.parametrize("size", [16, "16", (16,), (16, 16, 1, 1), (0, 16), (16.0, 16.0), None])
def test_size_must_be_two_or_three_sides(size):
    with pytest.raises(ValueError, match=r"`size` must be \(height, width\).*Received: size="):
        Preprocessing(size)


@pytest.mark.parametrize("channels", [0, "3", 1.5])
def test_channels_must_be_a_count(channels):
    with pytest.raises(ValueError, match="Received: .*channels="):
        Preprocessing(SIZE, channels)


@pytest.mark.parametrize("clip", [(99, 1), (5, 5), (-1, 99), (0, 101)])
def test_clip_must_be_rising_percentiles(clip):
    with pytest.raises(ValueError, match="`clip` must be two rising percentiles"):
        Preprocessing(SIZE, clip=clip)


@pytest.mark.parametrize(
    ("field", "value", "near"), [("fit", "strech", "stretch"), ("normalization", "standardise", "standardize")]
)
def test_unknown_option_names_the_near_one(field, value, near):
    with pytest.raises(ValueError, match=f"Unknown {field} '{value}'. Did you mean '{near}'"):
        Preprocessing(SIZE, **{field: value})


def test_unknown_field_names_the_near_one():
    with pytest.raises(ValueError, match="Did you mean 'normalization'"):
        Preprocessing.from_json({"size": [16, 16], "normalisation": "rescale"})


def test_pad_places_a_picture_decoded_at_reduced_scale_where_its_mask_lies():
    preprocessing = Preprocessing((32, 32), fit="pad")
    full = np.ones((101, 67, 1), np.float32)
    full[0, 0] = 0
    reduced = full[::2, ::2]
    placed = preprocessing(reduced, full.shape[:2])[..., 0] > 0
    mask = preprocessing.target(lambda size: np.ones(size, np.uint8), full.shape[:2])
    rows, columns = np.where(placed)
    assert (rows.max(), columns.min(), columns.max()) == tuple(
        f(np.where(mask)[axis]) for f, axis in ((np.max, 0), (np.min, 1), (np.max, 1))
    )


def test_type_range_looks_at_the_type_of_the_file():
    preprocessing = Preprocessing((2, 2), normalization="type_range")
    image = np.array([[0, 51], [102, 204]])[..., None]
    assert preprocessing(image.astype(np.uint8))[..., 0] == pytest.approx(np.array([[0, 0.2], [0.4, 0.8]]))
    assert preprocessing((image * 257).astype(np.uint16))[..., 0] == pytest.approx(np.array([[0, 0.2], [0.4, 0.8]]))
    assert preprocessing(image.astype(np.float32))[..., 0] == pytest.approx(np.array([[0, 0.25], [0.5, 1]]))


def test_mean_and_deviation_come_after_the_normalization_and_before_the_border():
    image = np.full((4, 2, 3), 255, np.uint8)
    prepared = Preprocessing((4, 4), 3, "pad", None, "type_range", (0.5, 0.5, 1), (0.5, 0.25, 1))(image)
    assert prepared[0].tolist() == [[0, 0, 0], [1, 2, 0], [1, 2, 0], [0, 0, 0]]


def test_mean_and_deviation_survive_json():
    preprocessing = Preprocessing(SIZE, 3, mean=(0.1, 0.2, 0.3), std=(1.0,))
    assert Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing


def test_json_without_mean_is_that_of_older_entries():
    assert list(Preprocessing(SIZE).to_json()) == ["size", "channels", "fit", "clip", "normalization"]


@pytest.mark.parametrize(
    "statistics",
    [
        {"mean": (0.5,)},
        {"std": (1,)},
        {"mean": (0, 0), "std": (1, 1)},
        {"mean": 0, "std": 1},
        {"mean": (0,), "std": (0,)},
    ],
)
def test_mean_and_deviation_must_fit_each_other_and_the_channels(statistics):
    with pytest.raises(ValueError, match="`mean` and `std` must be given together.*channels=3"):
        Preprocessing(SIZE, 3, **statistics)


VOLUME = (8, 16, 24)


@pytest.mark.parametrize("fit", WHOLE)
@pytest.mark.parametrize("shape", [VOLUME, (5, 37, 53), (20, 9, 60)])
def test_volume_gets_its_size_and_back(fit, shape):
    preprocessing = Preprocessing(VOLUME, 2, fit)
    inputs = preprocessing(picture(shape))
    assert inputs.shape == preprocessing.input_shape == (*VOLUME, 2)
    answer = preprocessing.target(lambda size: np.ones(size, np.float32), shape)[..., None]
    assert (preprocessing.invert(answer, shape) == np.ones((*shape, 1))).all()
    assert not inputs[answer[..., 0] == 0].any()


def test_inverted_volume_lies_in_its_own_grid():
    ramp = np.broadcast_to(np.linspace(0, 1, 16)[:, None, None, None], (16, 32, 48, 1))
    preprocessing = Preprocessing(VOLUME, normalization=None)
    assert preprocessing.invert(preprocessing(ramp), ramp.shape[:3]) == pytest.approx(ramp, abs=0.04)


def test_preprocessing_of_volumes_survives_json():
    preprocessing = Preprocessing(VOLUME)
    assert Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing


@pytest.mark.parametrize(("size", "shape"), [(VOLUME, (20, 30, 1)), (SIZE, (8, 20, 30, 1))])
def test_image_and_volume_are_not_taken_for_each_other(size, shape):
    with pytest.raises(ValueError, match=r"Expected an image of shape \(.*channels\)\. Received: shape"):
        Preprocessing(size)(np.zeros(shape))


def test_crop_keeps_the_scale_and_cuts_around_the_centre():
    image = np.arange(36, dtype=np.float32).reshape(6, 6, 1)
    inputs = Preprocessing((2, 4), fit="crop", normalization=None)(image)
    assert np.array_equal(inputs, image[2:4, 1:5])


def test_crop_adds_borders_where_the_image_is_smaller():
    inputs = Preprocessing((4, 4), fit="crop", normalization=None)(np.ones((2, 2, 1), np.float32))
    assert inputs.sum() == inputs[1:3, 1:3].sum() == 4


def test_cropped_answer_returns_to_its_place_and_is_zero_outside():
    answer = Preprocessing((2, 2), fit="crop").invert(np.ones((2, 2, 1), np.float32), (4, 6))
    assert answer.sum() == answer[1:3, 2:4].sum() == 4


def test_spacing_resamples_before_the_crop():
    preprocessing = Preprocessing((4, 4, 4), fit="crop", normalization=None, spacing=(2, 1, 1))
    volume = np.ones((4, 8, 2, 1), np.float32)
    inputs = preprocessing(volume, spacing=(1, 0.5, 1))
    # 4 mm, 4 mm and 2 mm are 2, 4 and 2 voxels.
    assert np.argwhere(inputs[..., 0]).min(axis=0).tolist() == [1, 0, 1]
    assert np.argwhere(inputs[..., 0]).max(axis=0).tolist() == [2, 3, 2]
    assert preprocessing.invert(inputs, volume.shape[:3], (1, 0.5, 1)).shape == volume.shape


def test_a_scan_without_spacing_cannot_be_resampled():
    with pytest.raises(ValueError, match="does not say its spacing"):
        Preprocessing((4, 4), fit="crop", spacing=(1, 1))(np.ones((4, 4, 1)))


@pytest.mark.parametrize("values", [{"spacing": (1, 1)}, {"spacing": (1, 1, 1), "fit": "crop"}])
def test_spacing_needs_a_crop_and_a_number_for_each_side(values):
    with pytest.raises(ValueError, match="`spacing` must be one number"):
        Preprocessing((4, 4), **values)


def test_window_in_hounsfield_units_becomes_zero_to_one():
    units = np.array([-1000, -160, 40, 240], np.int16).reshape(2, 2, 1)
    inputs = Preprocessing((2, 2), window=(40, 400), normalization=None)(units)
    assert inputs.ravel().tolist() == [0, 0, 0.5, 1]


def test_window_refuses_a_second_rescaling():
    with pytest.raises(ValueError, match="`window` maps to"):
        Preprocessing((2, 2), window=(40, 400))


def test_half_and_half_gives_minus_one_to_one():
    image = np.array([0, 255], np.uint8).reshape(1, 2, 1)
    inputs = Preprocessing((1, 2), normalization="type_range", mean=(0.5,), std=(0.5,))(image)
    assert inputs.ravel().tolist() == [-1, 1]


def test_statistics_of_the_data_set_must_be_measured_first():
    with pytest.raises(ValueError, match="fit_preprocessing"):
        Preprocessing((2, 2), normalization="dataset")(np.ones((2, 2, 1)))


def volume_scan(depth=7, size=4, scale=10):
    """A volume whose slices hold their own number."""
    array = np.zeros((depth, size, size, 1), np.float32) + scale * np.arange(depth)[:, None, None, None]
    return Scan(array.astype(np.float32), array.shape[:3], source="volume.nii.gz")


def stacked(channels=3, **stack):
    return Preprocessing((4, 4), channels, normalization=None, stack=Stack(**stack))


def test_channels_of_a_stack_are_adjacent_slices():
    (inputs,) = stacked().inputs(volume_scan())
    assert inputs.shape == (4, 4, 3)
    assert inputs[0, 0].tolist() == [20, 30, 40]


def test_a_margin_adds_slices_at_both_ends():
    (inputs,) = stacked().inputs(volume_scan(), margin=2)
    assert inputs[0, 0].tolist() == [0, 10, 20, 30, 40, 50, 60]


def test_a_margin_leaves_the_statistics_of_channels_to_later():
    preprocessing = replace(stacked(), mean=(1.0, 2.0, 3.0), std=(1.0, 1.0, 1.0))
    (inputs,) = preprocessing.inputs(volume_scan())
    assert inputs[0, 0].tolist() == [19, 28, 37]
    (inputs,) = preprocessing.inputs(volume_scan(), margin=1)
    assert inputs[0, 0].tolist() == [10, 20, 30, 40, 50]


def test_a_stack_is_normalised_by_the_whole_volume():
    (inputs,) = replace(stacked(), normalization="rescale").inputs(volume_scan())
    assert inputs[0, 0] == pytest.approx([2 / 6, 3 / 6, 4 / 6])


def test_averaged_stacks_are_several_inputs():
    inputs = list(stacked(average=3).inputs(volume_scan()))
    assert [pixels[0, 0, 1] for pixels in inputs] == [20, 30, 40]


def test_a_named_slice_is_the_centre():
    (inputs,) = stacked().inputs(volume_scan(), slice=1)
    assert inputs[0, 0].tolist() == [0, 10, 20]


def test_a_segmentation_of_stacks_takes_every_slice():
    inputs = list(stacked().inputs(volume_scan(), every_slice=True))
    assert [pixels[0, 0, 1] for pixels in inputs] == [0, 10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_volume_with_fewer_slices_than_the_stack_is_named(depth):
    with pytest.raises(ValueError, match=rf"volume\.nii\.gz: {depth} slices are fewer than the 3"):
        list(stacked().inputs(volume_scan(depth)))


def test_a_picture_is_no_stack():
    with pytest.raises(ValueError, match=r"picture\.png is a single image; the model takes stacks of 3"):
        list(stacked().inputs(Scan(np.zeros((4, 4, 1)), (4, 4), source="picture.png")))


def test_a_volume_for_a_model_of_single_images_needs_a_slice():
    preprocessing = Preprocessing((4, 4), normalization=None)
    with pytest.raises(ValueError, match=r"volume\.nii\.gz is a volume of 7 slices; the model answers for one image"):
        list(preprocessing.inputs(volume_scan()))
    (inputs,) = preprocessing.inputs(volume_scan(), slice=2)
    assert (inputs == 20).all()


@pytest.mark.parametrize("values", [{"size": (4, 4, 4)}, {"channels": 2}])
def test_a_stack_needs_a_flat_size_and_odd_channels(values):
    with pytest.raises(ValueError, match="`stack` needs"):
        Preprocessing(**{"size": (4, 4), "channels": 3, "stack": Stack(), **values})


@pytest.mark.parametrize(
    "preprocessing",
    [
        stacked(center=0.25, average=3),
        Preprocessing((4, 4), window=(40, 400), normalization="dataset", mean=(1.0,), std=(2.0,)),
        Preprocessing((4, 4, 4), fit="crop", spacing=(2.0, 1.0, 1.0), normalization="robust"),
    ],
)
def test_newer_fields_survive_json(preprocessing):
    assert Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing
