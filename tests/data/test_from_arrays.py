from __future__ import annotations

import errno
import shutil

import numpy as np
import pytest

from medzoo.data import from_arrays, from_folders, from_npz, read
from medzoo.data.samples import check_task
from medzoo.io import read_scan
from medzoo.task import Classification
from tests.data.source_files import touch

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def test_rows_of_an_array_are_images_with_names():
    data = from_arrays(IMAGES, [0, 1, 1])
    assert data.sources == ("array 0000", "array 0001", "array 0002")
    scan = read_scan(data[1].image)
    assert scan.source == "array 0001"
    np.testing.assert_array_equal(scan.array[..., 0], IMAGES[1])


def test_images_may_have_different_sizes():
    data = from_arrays([np.zeros((4, 5)), np.zeros((6, 7, 3)), np.zeros((8, 9, 10))], [0, 1, 1])
    assert [read_scan(image).array.shape for image in data.images] == [(4, 5, 1), (6, 7, 3), (8, 9, 10, 1)]


def test_a_memory_map_is_not_copied(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert np.shares_memory(from_arrays(images, [0, 1, 1])[2].image.array, images)


def test_names_are_classes():
    data = from_arrays(IMAGES, np.array(["cyst", "normal", "cyst"]))
    assert (data.labels, data.targets) == (("cyst", "normal"), (0, 1, 0))


def test_names_follow_the_order_of_labels():
    assert from_arrays(IMAGES, ["a", "b", "a"], labels=("b", "a")).targets == (1, 0, 1)


def test_whole_numbers_are_class_indices():
    data = from_arrays(IMAGES, np.array([2, 0, 1]))
    assert (data.kind, data.labels, data.targets) == ("classification", ("0", "1", "2"), (2, 0, 1))


def test_whole_numbers_are_indices_into_labels():
    assert from_arrays(IMAGES, [True, False, True], labels=("no", "yes")).targets == (1, 0, 1)


def test_floats_are_values():
    data = from_arrays(IMAGES, np.array([0.5, 1, 2], np.float32))
    assert (data.kind, data.targets) == ("regression", (0.5, 1.0, 2.0))


def test_whole_floats_are_classes_if_labels_say_so():
    assert from_arrays(IMAGES, [0.0, 1.0, 1.0], labels=("no", "yes")).targets == (0, 1, 1)


def test_other_floats_are_no_classes():
    with pytest.raises(ValueError, match=r"class indices have no label: 0\.5"):
        from_arrays(IMAGES, [0.0, 0.5, 1.0], labels=("no", "yes"))


def test_the_value_has_a_name():
    assert from_arrays(IMAGES, [0.0, 0.5, 1.0], labels="age").labels == ("age",)


@pytest.mark.parametrize("add_channel", [False, True])
def test_arrays_are_masks(add_channel):
    masks = (IMAGES % 2)[..., None] if add_channel else IMAGES % 2
    data = from_arrays(IMAGES, masks, labels=("background", "tumor"))
    assert data[0].target.shape == (4, 5)
    np.testing.assert_array_equal(data[2].target.mask(), IMAGES[2] % 2)


def test_patients_and_splits_are_taken():
    data = from_arrays(IMAGES, [0, 1, 1], patients=[7, 7, 8], splits=["train", "train", "test"])
    assert (data.patients, data.splits) == (("7", "7", "8"), ("train", "train", "test"))


@pytest.mark.parametrize("column", [{"targets": [0, 1]}, {"patients": ["a"]}, {"splits": ["train"]}], ids=str)
def test_columns_of_different_length_are_an_error(column):
    with pytest.raises(ValueError, match="one length"):
        from_arrays(**{"images": IMAGES, "targets": [0, 1, 1], **column})


def test_no_images_are_an_error():
    with pytest.raises(ValueError, match="above 0"):
        from_arrays([], [])


def test_nan_in_an_image_is_an_error_at_reading():
    data = from_arrays([np.full((4, 5), np.nan), np.zeros((4, 5))], [0, 1])
    with pytest.raises(ValueError, match="array 0000.*NaN"):
        read_scan(data[0].image)


def test_nan_targets_are_named():
    with pytest.raises(ValueError, match=r"1 values .* not finite: array 0001 \(nan\)"):
        from_arrays(IMAGES, [0.5, np.nan, 1])


def test_a_constant_target_is_an_error():
    with pytest.raises(ValueError, match="All 3 values"):
        from_arrays(IMAGES, [0.5, 0.5, 0.5])


def test_a_single_class_is_an_error():
    with pytest.raises(ValueError, match="1 class"):
        from_arrays(IMAGES, ["a", "a", "a"])


def test_a_class_index_without_images_is_an_error():
    with pytest.raises(ValueError, match="1 classes .* have no image: 1"):
        from_arrays(IMAGES, [0, 2, 2])


def test_an_index_beyond_the_labels_is_an_error():
    with pytest.raises(ValueError, match="class indices have no label: 2"):
        from_arrays(IMAGES, [0, 2, 1], labels=("no", "yes"))


def test_one_hot_targets_show_the_fix():
    with pytest.raises(ValueError, match="argmax"):
        from_arrays(IMAGES, np.eye(3), labels=("a", "b", "c"))


def test_masks_without_labels_are_an_error():
    with pytest.raises(ValueError, match="Masks need `labels`"):
        from_arrays(IMAGES, IMAGES % 2)


def test_masks_of_another_size_are_an_error():
    with pytest.raises(ValueError, match=r"3 masks .* array 0000 \(4, 5\), mask \(4, 4\)"):
        from_arrays(IMAGES, IMAGES[:, :, 1:] % 2, labels="tumor")


SCANS = np.random.default_rng(0).uniform(0, 1, (4, 8, 8)).astype(np.float32)


@pytest.fixture
def archive(tmp_path):
    """Write an archive of these arrays and return its path."""

    def write(**arrays):
        np.savez(tmp_path / "scans.npz", **arrays)
        return tmp_path / "scans.npz"

    return write


def test_classes_patients_and_splits_are_read_by_the_one_door(archive):
    path = archive(
        images=SCANS, targets=["b", "a", "b", "a"], patients=[1, 1, 2, 3], splits=["train", "train", "train", "valid"]
    )
    samples = read(path)
    assert (samples.kind, samples.labels, samples.targets) == ("classification", ("a", "b"), (1, 0, 1, 0))
    assert samples.patients == ("1", "1", "2", "3")
    assert len(samples.part("valid")) == 1
    assert np.array_equal(read_scan(samples.images[2]).array[..., 0], SCANS[2])


def test_masks_have_the_labels_of_the_archive_or_those_given(archive):
    path = archive(images=SCANS, targets=(SCANS > 0.5).astype(np.uint8), labels=("background", "lesion"))
    assert read(path).labels == ("background", "lesion")
    assert read(f"{path}:labels=background,tumor").labels == ("background", "tumor")


def test_a_missing_and_an_unknown_array_are_named(archive):
    with pytest.raises(ValueError, match=r"Missing: \['targets'\]; unknown: \['target'\]"):
        from_npz(archive(images=SCANS, target=[0, 1, 0, 1]))


def test_wrong_arrays_name_the_file(archive):
    with pytest.raises(ValueError, match=r"scans\.npz: All columns must have one length"):
        from_npz(archive(images=SCANS, targets=["a", "b"]))


def test_pickled_arrays_are_not_opened(archive):
    with pytest.raises(ValueError, match="is no NumPy archive of plain arrays"):
        from_npz(archive(images=np.array([{"a": 1}], dtype=object), targets=["a"]))


def test_a_broken_archive_is_named(tmp_path):
    (tmp_path / "scans.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"scans\.npz is no NumPy archive"):
        read(tmp_path / "scans.npz")


MEDMNIST = {
    f"{part}_{kind}": value
    for part, count in (("train", 4), ("val", 2), ("test", 2))
    for kind, value in (
        ("images", np.arange(count * 64, dtype=np.uint8).reshape(count, 8, 8)),
        ("labels", np.arange(count, dtype=np.uint8)[:, None] % 2),
    )
}


def test_a_file_of_medmnist_is_read_with_its_splits(archive):
    samples = read(archive(**MEDMNIST))
    assert (samples.kind, samples.labels, samples.targets) == ("classification", ("0", "1"), (0, 1) * 4)
    assert samples.splits == ("train",) * 4 + ("valid",) * 2 + ("test",) * 2
    assert not samples.has_patients
    scan = read_scan(samples.part("valid").images[1])
    assert np.array_equal(scan.array[..., 0], MEDMNIST["val_images"][1])
    assert scan.source.endswith("scans.npz/val_0001")


def test_medmnist_may_have_names_and_no_splits(archive):
    samples = read(f"{archive(**MEDMNIST)}:labels=normal,hyperplasia,split=")
    assert (samples.labels, set(samples.splits)) == (("normal", "hyperplasia"), {""})


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (28, 28, 28), (1, 224, 224)], ids=str)
def test_medmnist_has_pictures_in_colour_and_volumes(archive, shape):
    images = np.zeros((2, *shape), np.uint8)
    samples = from_npz(archive(train_images=images, train_labels=np.array([[0], [1]])))
    expected = shape if len(shape) == 3 and shape[-1] == 3 else (*shape, 1)
    assert read_scan(samples.images[0]).array.shape == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train_labels": np.eye(4, 14, dtype=np.uint8)}, r"14 columns.*ChestMNIST"),
        ({"train_labels": np.full((4, 1), 0.5)}, r"train_labels must hold whole numbers"),
        ({"train_labels": np.zeros((3, 1), np.uint8)}, r"train_images has 4 rows, train_labels 3"),
        ({"val_labels": None}, r"Missing: \['val_labels'\]"),
        ({"extra": np.zeros(3)}, r"unknown: \['extra'\]"),
    ],
    ids=["several labels", "no whole numbers", "lengths", "missing", "unknown"],
)
def test_odd_files_of_medmnist_are_named(archive, change, words):
    arrays = {name: array for name, array in {**MEDMNIST, **change}.items() if array is not None}
    with pytest.raises(ValueError, match=rf"scans\.npz: .*{words}"):
        read(archive(**arrays))


@pytest.mark.parametrize("place", [0.3, 0.9])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damage_in_the_pixels_is_named(tmp_path, save, place):
    path = tmp_path / "scans.npz"
    save(path, train_images=np.random.default_rng(0).integers(0, 256, (2, 64, 64), np.uint8), train_labels=[[0], [1]])
    content = bytearray(path.read_bytes())
    content[int(len(content) * place * 0.9)] ^= 8
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"scans\.npz is no NumPy archive"):
        read(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_images_of_an_archive_are_mapped_and_outlive_it(tmp_path, save):
    path = tmp_path / "scans.npz"
    save(path, images=IMAGES, targets=[0, 1, 1])
    image = read(path).images[2]
    path.write_bytes(b"another file")
    assert isinstance(image.array, np.memmap)
    np.testing.assert_array_equal(read_scan(image).array[..., 0], IMAGES[2])


def test_a_full_disk_is_named(archive, monkeypatch):
    def full(*files):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = archive(**MEDMNIST)
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match=r"scans\.npz.*TMPDIR"):
        read(path)


@pytest.mark.parametrize("targets", [[0, 1, 1], [1, 0, 1]])
def test_numbers_of_arrays_stand_for_the_names_of_a_task(targets):
    task = Classification(("normal", "hyperplasia"))
    samples = check_task(from_arrays(IMAGES, targets), task)
    assert (samples.labels, samples.targets) == (task.labels, tuple(targets))


def test_numbers_in_files_do_not(tmp_path):
    touch(tmp_path, "0/1.png", "1/1.png")
    with pytest.raises(ValueError, match="normal"):
        check_task(from_folders(tmp_path), Classification(("normal", "hyperplasia")))
