"""A file of `medzoo prepare`: the same rows as the files that it was made of."""

import argparse
import os
import pickle
from dataclasses import replace

import h5py
import numpy as np
import pytest

import medzoo
from medzoo.cli import data as command
from medzoo.data import fit_preprocessing, folds, from_arrays, from_packed, prepare, read, read_split, save_split
from medzoo.data.feed import packed_file
from medzoo.data.feed.packed import packed_preprocessing
from medzoo.data.feed.reader import read_rows, row_counts
from medzoo.data.samples import Samples
from medzoo.data.synthetic import make_folders
from medzoo.io import Scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.task import Classification, Regression, Segmentation

FLAT = Preprocessing((8, 8))
CLASSES = Classification(("healthy", "lesion"))
MASKS = Segmentation(("background", "a", "b"))
STACKS = Preprocessing((8, 8), 3, stack=Stack(average=3))
COUNT = int(os.environ.get("MEDZOO_MUTANTS", 60))
DRAW = np.random.default_rng(0)


def pictures(count=6, **columns):
    targets = [CLASSES.labels[row % 2] for row in range(count)]
    return from_arrays(DRAW.integers(0, 255, (count, 12, 10), np.uint8), targets, CLASSES.labels, **columns)


def volumes(count=2):
    """Volumes of 6 slices with masks."""
    arrays = DRAW.integers(0, 1000, (count, 6, 10, 10), np.int16)
    return from_arrays(arrays, (arrays % 3).astype(np.uint8), MASKS.labels)


def stacks(count=3):
    return from_arrays(DRAW.integers(0, 1000, (count, 9, 10, 10), np.int16), [0.5, 1.25, 4.0][:count], "lvef")


@pytest.fixture
def pack(tmp_path):
    """A function that packs samples and reads them."""

    def pack(samples, preprocessing, task, margin=0, name="data.h5"):
        prepare(samples, preprocessing, task, tmp_path / name, margin)
        return from_packed(tmp_path / name)

    return pack


def rows(samples, preprocessing, task, margin=0):
    """Return the inputs and the targets of all rows."""
    found = [row for index in range(len(samples)) for row in read_rows(samples, index, preprocessing, task, margin)]
    return [np.stack(column) for column in zip(*found, strict=True)]


def assert_same_rows(packed, samples, preprocessing, task, margin=0):
    (inputs, targets), (expected, truth) = (rows(part, preprocessing, task, margin) for part in (packed, samples))
    assert row_counts(packed, preprocessing, task) == row_counts(samples, preprocessing, task)
    assert (inputs.shape, inputs.dtype) == (expected.shape, np.float32)
    assert np.abs(inputs - expected).max() <= 1e-4 * np.ptp(expected)
    assert targets.dtype == truth.dtype
    assert (targets == truth).all()


def test_classes_are_those_of_the_files(pack):
    samples = pictures()
    assert_same_rows(pack(samples, FLAT, CLASSES), samples, FLAT, CLASSES)


def test_pictures_of_the_size_of_the_input_are_kept_exactly(pack, tmp_path):
    samples, exact = pictures(), Preprocessing((12, 10), normalization="type_range")
    assert prepare(samples, exact, CLASSES, tmp_path / "exact.h5").exact == 6
    inputs, _ = rows(from_packed(tmp_path / "exact.h5"), exact, CLASSES)
    assert inputs == pytest.approx(rows(samples, exact, CLASSES)[0], abs=1e-6)


def test_values_stay_in_their_unit_until_they_are_read(pack):
    samples, task = stacks(), Regression("lvef")
    packed = pack(samples, STACKS, task)
    assert packed.targets == (0.5, 1.25, 4.0)
    fitted = task.fit(packed.targets)
    assert_same_rows(packed, samples, replace(STACKS, stack=Stack()), fitted)


def test_every_slice_of_a_volume_is_an_input_of_its_own(pack):
    samples = volumes()
    packed = pack(samples, FLAT, MASKS)
    assert len(packed) == 2
    assert packed[0].target.shape == (6, 8, 8)
    assert_same_rows(packed, samples, FLAT, MASKS)


def test_volumes_are_inputs_as_a_whole(pack):
    samples, solid = volumes(), Preprocessing((4, 8, 8))
    packed = pack(samples, solid, MASKS)
    assert packed[0].target.shape == (4, 8, 8)
    assert_same_rows(packed, samples, solid, MASKS)


def test_labels_are_merged_for_a_model_of_two(pack):
    samples, binary = volumes(), Segmentation(("background", "any"))
    packed = pack(samples, FLAT, binary)
    assert packed.labels == samples.labels
    assert_same_rows(packed, samples, FLAT, binary)


def test_a_label_that_is_lost_at_the_small_size_still_counts_for_splits(pack):
    mask = np.zeros((2, 16, 16), np.uint8)
    mask[0, 0, 0] = 2
    samples = from_arrays(DRAW.random((2, 16, 16)), mask, MASKS.labels)
    packed = pack(samples, FLAT, MASKS)
    assert [target.labels for target in packed.targets] == [(0, 2), (0,)]
    assert not packed[0].target.mask().any()


@pytest.mark.parametrize("margin", [0, 1, 2])
def test_a_stack_has_the_margin_that_is_asked_for(pack, margin):
    samples, task, one = stacks(), Regression("lvef"), replace(STACKS, stack=Stack())
    packed = pack(samples, STACKS, task, margin=2)
    assert_same_rows(packed, samples, one, task, margin)


@pytest.mark.parametrize("margin", [0, 1])
def test_means_of_channels_wait_for_the_jitter(pack, margin):
    task = Regression("lvef")
    statistics = Preprocessing((8, 8), 3, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0), stack=Stack())
    samples = stacks()
    assert_same_rows(pack(samples, statistics, task, margin=1), samples, statistics, task, margin)


def test_more_jitter_than_was_packed_is_refused(pack):
    packed = pack(stacks(), STACKS, Regression("lvef"), margin=1)
    with pytest.raises(ValueError, match=r"slice_jitter of up to 1, the recipe's is 2\. Run medzoo prepare again"):
        rows(packed, STACKS, Regression("lvef"), margin=2)


def test_columns_are_those_of_the_data_set(pack):
    samples = pictures(patients=list("aabbcc"), splits=["train"] * 4 + ["test"] * 2)
    samples = replace(samples, slices=(1, None, 2, 3, 4, 5))
    packed = pack(samples, FLAT, CLASSES)
    for column in ("sources", "patients", "splits", "slices", "targets", "labels"):
        assert getattr(packed, column) == getattr(samples, column)


def test_splits_and_folds_are_those_of_the_files(pack, tmp_path):
    make_folders(tmp_path / "data", 6, size=12)
    samples = read(tmp_path / "data")
    packed = pack(samples, FLAT, CLASSES)
    divided = [(data.split(seed=3), *folds(data, 3)) for data in (packed, samples)]
    own, other = ([part.names for parts in divisions for part in parts] for divisions in divided)
    assert own == other
    save_split(tmp_path / "split.csv", samples.split())
    assert read_split(tmp_path / "split.csv", packed).splits == read_split(tmp_path / "split.csv", samples).splits


def test_names_hold_no_folder_of_the_machine(pack, tmp_path):
    make_folders(tmp_path / "john" / "data", 2, size=12)
    packed = pack(read(tmp_path / "john" / "data"), FLAT, CLASSES)
    assert packed.sources[0] == "healthy/synthetic_0000.png"
    assert not packed.has_patients
    assert b"john" not in (tmp_path / "data.h5").read_bytes()


def test_names_from_all_over_the_machine_keep_what_tells_them_apart(pack):
    samples = pictures(2)
    sources = "/home/john/x/scan.png", "/data/jim/x/scan.png"
    images = tuple(replace(image, source=source) for image, source in zip(samples.images, sources, strict=True))
    packed = pack(replace(samples, images=images, patients=sources), FLAT, CLASSES)
    assert packed.sources == packed.patients == ("john/x/scan.png", "jim/x/scan.png")


def test_the_mean_of_the_data_set_comes_with_the_file(pack):
    samples, recipe = pictures(), Preprocessing((8, 8), normalization="dataset")
    fitted = fit_preprocessing(recipe, samples)
    packed = pack(samples, fitted, CLASSES)
    assert packed_preprocessing(packed) == fit_preprocessing(recipe, packed[:2]) == fitted
    assert packed_preprocessing(samples) is None
    assert_same_rows(packed, samples, fitted, CLASSES)


def test_another_preprocessing_is_refused_by_the_name_of_its_field(pack):
    packed = pack(pictures(), FLAT, CLASSES)
    with pytest.raises(ValueError, match=r"data\.h5 was packed with size=\(8, 8\), the model wants size=\(4, 4\)"):
        rows(packed, Preprocessing((4, 4)), CLASSES)


def test_packed_rows_and_files_mix(pack):
    samples = pictures(patients=list("abcdef"))
    mixed = pack(samples, FLAT, CLASSES)[:3] + samples[3:]
    assert_same_rows(mixed, samples, FLAT, CLASSES)


def test_packed_samples_go_to_another_process(pack):
    packed = pack(pictures(), FLAT, CLASSES)
    assert_same_rows(pickle.loads(pickle.dumps(packed)), packed, FLAT, CLASSES)


def test_a_packed_image_is_no_scan(pack):
    packed = pack(pictures(), FLAT, CLASSES)
    with pytest.raises(ValueError, match="Give the original files"):
        medzoo.io.read_scan(packed[0].image)


def test_what_leaves_no_memory_for_threads_is_packed_one_by_one(pack, monkeypatch):
    samples = volumes()
    monkeypatch.setattr("medzoo.data.feed.packing._BUFFER", 0)
    monkeypatch.setattr("medzoo.data.feed.packing.read_ahead", None)
    assert_same_rows(pack(samples, FLAT, MASKS), samples, FLAT, MASKS)


def test_a_file_that_cannot_be_packed_leaves_the_old_one(pack, tmp_path):
    packed = pack(pictures(), FLAT, CLASSES)
    make_folders(tmp_path / "data", 2, size=12)
    (tmp_path / "data" / "lesion" / "synthetic_0003.png").write_bytes(b"broken")
    with pytest.raises(ValueError, match="synthetic_0003"):
        prepare(read(tmp_path / "data"), FLAT, CLASSES, tmp_path / "data.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "data.h5"]
    assert from_packed(tmp_path / "data.h5").images == packed.images


def test_a_file_that_was_replaced_is_not_taken_for_the_old_one(pack):
    first = pack(pictures(), FLAT, CLASSES)
    second = pack(pictures(), FLAT, CLASSES)
    with pytest.raises(ValueError, match="Read the data set again"):
        rows(first, FLAT, CLASSES)
    assert len(rows(second, FLAT, CLASSES)[0]) == 6


def test_a_damaged_file_is_named(pack, tmp_path):
    packed = pack(pictures(), FLAT, CLASSES)
    with h5py.File(tmp_path / "data.h5") as file:
        place = file["inputs"].id.get_chunk_info(2).byte_offset
    with open(tmp_path / "data.h5", "r+b") as file:
        file.seek(place + 8)
        file.write(b"\xff\x00\xff\x00")
    with pytest.raises(ValueError, match=r"data\.h5 cannot be read: .* Run medzoo prepare again"):
        rows(packed, FLAT, CLASSES)


@pytest.mark.parametrize("place", ["scales", "index"])
def test_damaged_scales_and_index_are_refused(pack, tmp_path, place):
    pack(pictures(), FLAT, CLASSES)
    with h5py.File(tmp_path / "data.h5") as file:
        start = file[place].id.get_offset() if place == "scales" else None
    data = bytearray((tmp_path / "data.h5").read_bytes())
    # The text of the index lies in a heap, which says no offset.
    data[(data.index(b'"counts"') + 3) if start is None else start + 6] ^= 1
    (tmp_path / "data.h5").write_bytes(data)
    with pytest.raises(ValueError, match=r"data\.h5 cannot be read: its scales or its index are damaged"):
        from_packed(tmp_path / "data.h5")


def test_a_flipped_bit_in_a_packed_file_is_refused_or_changes_nothing(pack, tmp_path):
    samples = pack(pictures(), FLAT, CLASSES)
    truth, whole = rows(samples, FLAT, CLASSES), (tmp_path / "data.h5").read_bytes()
    rng, path = np.random.default_rng(0), tmp_path / "b.h5"
    refused = 0
    for _ in range(COUNT):
        data = bytearray(whole)
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        try:
            found = rows(from_packed(path), FLAT, CLASSES)
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            assert all(map(np.array_equal, found, truth))
        # An opened file would be taken for the next one.
        packed_file._opened.cache_clear()
    assert refused


def test_half_a_file_is_refused(pack, tmp_path):
    pack(pictures(), FLAT, CLASSES)
    content = (tmp_path / "data.h5").read_bytes()
    (tmp_path / "half.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"half\.h5 cannot be read"):
        read(tmp_path / "half.h5")


def test_other_hdf5_is_refused(tmp_path):
    with h5py.File(tmp_path / "model.weights.h5", "w") as file:
        file["kernel"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"model\.weights\.h5' is no file of medzoo prepare"):
        read(tmp_path / "model.weights.h5")


def test_a_newer_format_is_refused(pack, tmp_path):
    pack(pictures(), FLAT, CLASSES)
    with h5py.File(tmp_path / "data.h5", "r+") as file:
        file.attrs["medzoo_packed"] = 2
    with pytest.raises(ValueError, match=r"has the format 2; this medzoo reads 1\. Update medzoo"):
        from_packed(tmp_path / "data.h5")


def test_no_file_says_how_to_write_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"medzoo prepare DATA -o .*none\.h5"):
        from_packed(tmp_path / "none.h5")


@pytest.mark.parametrize(
    ("samples", "preprocessing", "task", "name", "margin", "message"),
    [
        (pictures(), FLAT, CLASSES, "data.npz", 0, r"suffix \.h5\. Received: .*data\.npz"),
        (Samples((), (), (), (), CLASSES.labels), FLAT, CLASSES, "a.h5", 0, "no samples"),
        (pictures(), FLAT, Classification(("a", "b")), "a.h5", 0, "labels"),
        (pictures(), FLAT, Segmentation(CLASSES.labels), "a.h5", 0, "targets of classification, the task is segment"),
        (pictures(), FLAT, CLASSES, "a.h5", 1, "`slice_jitter` shifts a stack"),
        (pictures(), Preprocessing((8, 8), normalization="dataset"), CLASSES, "a.h5", 0, "mean and the deviation"),
    ],
    ids=["suffix", "empty", "labels", "kind", "jitter", "unfitted"],
)
def test_what_cannot_be_packed_is_refused(samples, preprocessing, task, name, margin, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        prepare(samples, preprocessing, task, tmp_path / name, margin)
    assert not any(tmp_path.iterdir())


def test_borders_that_a_late_mean_would_shift_are_refused(tmp_path):
    padded = Preprocessing((8, 8), 3, fit="pad", mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0), stack=Stack())
    with pytest.raises(ValueError, match="fit='stretch' only"):
        prepare(stacks(), padded, Regression("lvef"), tmp_path / "a.h5", margin=1)


def test_the_command_packs_what_a_recipe_trains_on(coco_folder, tiny_recipe, tmp_path, capsys):
    recipe = replace(tiny_recipe, preprocessing=Preprocessing((16, 16), normalization="dataset"))
    recipe.save(tmp_path / "recipe.json")
    parser = argparse.ArgumentParser()
    command.add_commands(parser.add_subparsers())
    arguments = ["prepare", coco_folder, "-o", tmp_path / "data.h5", "--recipe", tmp_path / "recipe.json"]
    options = parser.parse_args(list(map(str, arguments)))
    options.command(options)
    shown = capsys.readouterr().out
    assert shown.startswith("16 images, 16 inputs as uint16")
    samples, packed = read(coco_folder), read(tmp_path / "data.h5")
    fitted = fit_preprocessing(recipe.preprocessing, samples.part("train"))
    assert packed_preprocessing(packed) == fitted
    assert_same_rows(packed, samples, fitted, recipe.task)


class Slope:
    """A model whose answer is the mean of its input, or each pixel of it."""

    def __init__(self, task, preprocessing):
        self.task, self.preprocessing = task, preprocessing

    def predict_on_batch(self, batch):
        batch = np.asarray(batch)
        return batch[..., :1] if self.task.is_dense else batch.mean(axis=tuple(range(1, batch.ndim)))[:, None]


@pytest.mark.parametrize(
    ("samples", "preprocessing", "task"),
    [
        (pictures(), FLAT, CLASSES),
        (stacks(), replace(STACKS, stack=Stack()), Regression("lvef")),
        (volumes(), Preprocessing((10, 10)), Segmentation(("background", "any"))),
        (volumes(), Preprocessing((6, 10, 10)), Segmentation(("background", "any"))),
    ],
    ids=["classes", "values", "slices", "volumes"],
)
def test_evaluation_of_what_is_packed_at_full_size_is_that_of_the_files(pack, samples, preprocessing, task):
    model = Slope(task, preprocessing)
    found, expected = (medzoo.evaluate(model, part) for part in (pack(samples, preprocessing, task), samples))
    assert {name: score["value"] for name, score in found.scores.items()} == pytest.approx(
        {name: score["value"] for name, score in expected.scores.items()}, abs=1e-3
    )
    assert [case["source"] for case in found.cases] == [case["source"] for case in expected.cases]


@pytest.mark.parametrize("fit", ["pad", "crop"])
def test_masks_are_compared_in_the_grid_of_the_input(pack, fit):
    preprocessing = Preprocessing((8, 8), fit=fit, spacing=(2.0, 2.0) if fit == "crop" else None)
    samples = volumes()
    images = tuple(Scan(np.asarray(image.array)[..., None], (6, 10, 10), (3.0, 2.0, 2.0)) for image in samples.images)
    packed = pack(replace(samples, images=images, patients=("a", "b")), preprocessing, MASKS)
    assert medzoo.evaluate(Slope(Segmentation(("background", "any")), preprocessing), packed).n_cases == 2


def test_audit_wants_the_files(pack):
    with pytest.raises(ValueError, match="Give the original files"):
        medzoo.data.audit(pack(pictures(), FLAT, CLASSES))
