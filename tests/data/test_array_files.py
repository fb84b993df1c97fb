"""NumPy archives as data sets."""

import numpy as np
import pytest

from medzoo.data import from_npz, read
from medzoo.io import read_scan

IMAGES = np.random.default_rng(0).uniform(0, 1, (4, 8, 8)).astype(np.float32)


@pytest.fixture
def archive(tmp_path):
    """Write an archive of these arrays and return its path."""

    def write(**arrays):
        np.savez(tmp_path / "scans.npz", **arrays)
        return tmp_path / "scans.npz"

    return write


def test_classes_patients_and_splits_are_read_by_the_one_door(archive):
    path = archive(
        images=IMAGES, targets=["b", "a", "b", "a"], patients=[1, 1, 2, 3], splits=["train", "train", "train", "valid"]
    )
    samples = read(path)
    assert (samples.kind, samples.labels, samples.targets) == ("classification", ("a", "b"), (1, 0, 1, 0))
    assert samples.patients == ("1", "1", "2", "3")
    assert len(samples.part("valid")) == 1
    assert np.array_equal(read_scan(samples.images[2]).array[..., 0], IMAGES[2])


def test_masks_have_the_labels_of_the_archive_or_those_given(archive):
    path = archive(images=IMAGES, targets=(IMAGES > 0.5).astype(np.uint8), labels=("background", "lesion"))
    assert read(path).labels == ("background", "lesion")
    assert read(f"{path}:labels=background,tumor").labels == ("background", "tumor")


def test_a_missing_and_an_unknown_array_are_named(archive):
    with pytest.raises(ValueError, match=r"Missing: \['targets'\]; unknown: \['target'\]"):
        from_npz(archive(images=IMAGES, target=[0, 1, 0, 1]))


def test_wrong_arrays_name_the_file(archive):
    with pytest.raises(ValueError, match=r"scans\.npz: All columns must have one length"):
        from_npz(archive(images=IMAGES, targets=["a", "b"]))


def test_pickled_arrays_are_not_opened(archive):
    with pytest.raises(ValueError, match="is no NumPy archive of plain arrays"):
        from_npz(archive(images=np.array([{"a": 1}], dtype=object), targets=["a"]))


def test_a_broken_archive_is_named(tmp_path):
    (tmp_path / "scans.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"scans\.npz is no NumPy archive"):
        read(tmp_path / "scans.npz")
