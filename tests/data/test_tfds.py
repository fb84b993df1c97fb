"""Small sets through the builders of tensorflow-datasets, and back."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from medzoo.data import check_no_leak, read
from medzoo.data.sources.shards import from_tfds
from medzoo.io import read_scan
from tests.data.tfds_sets import SETS

pytest.importorskip("tensorflow_datasets")
pytest.importorskip("array_record")

NAMES = ["brain_mri", "brain_tumor_coco", "breast_ultrasound", "hippocampus"]
NAMES += [f"cardiac_mri/{config}" for config in ("reduced_ef", "lvef", "structures")]
every_set = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The folder of the shards of all sets, and the Samples that they were made of; the command runs as for a user."""
    from medzoo.data.tfds.__main__ import main

    raw, shards = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("shards")
    sources = {name: samples for folder, make in SETS.items() for name, samples in make(raw / folder).items()}
    main([*SETS, "--manual_dir", str(raw), "--add_name_to_manual_dir", "--data_dir", str(shards)])
    return shards, sources


@every_set
def test_rows_come_back_as_they_were(prepared, name):
    shards, sources = prepared
    read_back, source = from_tfds(name, shards), sources[name]
    for column in ("splits", "labels", "names", "slices", "kind", "has_patients"):
        assert getattr(read_back, column) == getattr(source, column)


@every_set
def test_images_are_those_of_the_files(prepared, name):
    shards, sources = prepared
    for row, file in zip(from_tfds(name, shards).images, sources[name].images, strict=True):
        scan, expected = read_scan(row), read_scan(file)
        np.testing.assert_array_equal(scan.array, expected.array)
        np.testing.assert_array_equal(scan.affine, expected.affine)
        assert (scan.array.dtype, scan.shape, scan.spacing) == (expected.array.dtype, expected.shape, expected.spacing)
        assert scan.source == row.source


@every_set
def test_targets_are_those_of_the_source(prepared, name):
    shards, sources = prepared
    read_back, source = from_tfds(name, shards), sources[name]
    if source.kind != "segmentation":
        assert read_back.targets == source.targets
        return
    for target, expected in zip(read_back.targets, source.targets, strict=True):
        np.testing.assert_array_equal(target.mask(None), expected.mask(None))
        assert target.shape == expected.shape
        assert target.labels == tuple(np.unique(expected.mask(None)))
        assert target.mask((4,) * len(target.shape)).shape == (4,) * len(target.shape)


def test_patients_come_back(prepared):
    samples = from_tfds("cardiac_mri/lvef", prepared[0])
    assert sorted(set(samples.patients)) == ["patient000", "patient001"]
    check_no_leak(*samples.split(valid=0.5))


def test_an_image_without_patient_counts_as_its_own(prepared):
    samples = from_tfds("hippocampus", prepared[0])
    assert samples.patients == samples.sources


def test_shards_need_neither_the_files_nor_their_place(prepared, tmp_path):
    folder = shutil.copytree(prepared[0] / "hippocampus", tmp_path / "moved")
    assert read_scan(from_tfds(folder).images[0]).array.shape == (6, 7, 8, 1)


def test_a_set_with_several_configurations_names_them(prepared):
    with pytest.raises(ValueError, match="3 configurations.*'cardiac_mri/lvef'"):
        from_tfds("cardiac_mri", prepared[0])


def test_the_last_version_is_read_unless_one_is_named(prepared, tmp_path):
    for version in ("1.0.0", "1.2.0", "1.10.0"):
        shutil.copytree(prepared[0] / "hippocampus" / "1.0.0", tmp_path / "hippocampus" / version)
    assert "/1.10.0/" in from_tfds("hippocampus", tmp_path).sources[0]
    assert "/1.2.0/" in from_tfds("hippocampus:1.2.0", tmp_path).sources[0]


def test_a_set_that_was_not_prepared_says_how(tmp_path):
    with pytest.raises(FileNotFoundError, match="'brain_mri'.*python -m medzoo.data.tfds"):
        from_tfds("brain_mri", tmp_path)


def test_data_dir_is_that_of_tfds(prepared, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared[0]))
    assert len(from_tfds("hippocampus")) == 2


def test_a_damaged_image_is_named_by_its_source(prepared):
    image = from_tfds("breast_ultrasound", prepared[0]).images[0]
    broken = type(image)(image.source, [{"image": b"\x89PNG\r\n\x1a\n"}], 0)
    with pytest.raises(ValueError, match="breast_ultrasound.*benign \\(1\\).png is truncated"):
        read_scan(broken)


def test_damaged_shards_are_named(prepared, tmp_path):
    folder = shutil.copytree(prepared[0] / "hippocampus", tmp_path / "hippocampus")
    samples = from_tfds(folder)
    next(folder.rglob("*array_record*")).write_bytes(b"cut")
    with pytest.raises(ValueError, match="hippocampus_0.nii cannot be read.*prepare them again"):
        read_scan(samples.images[0])
    with pytest.raises(ValueError, match="hippocampus_1.nii cannot be read"):
        samples.targets[1].mask(None)


def test_read_takes_the_name_of_a_prepared_set(prepared):
    assert len(read(f"tfds:cardiac_mri/lvef:data_dir={prepared[0]}")) == 4
