"""Data sets whose images have their channels in several files."""

import json
import logging

import nibabel
import numpy as np
import pytest

import medzoo
from medzoo.data.audit.rows import folder_rows

LABELS = ("background", "tumor")


def save(path, value=0, shape=(4, 5, 6), dtype="uint8"):
    """Write a NIfTI volume of one value, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(np.full(shape, value, dtype), np.eye(4)).to_filename(path)
    return str(path)


def nnunet(folder, cases=("a", "b"), channels=2):
    """Write a data set as nnU-Net has it."""
    for case in cases:
        for channel in range(channels):
            save(folder / "imagesTr" / f"{case}_{channel:04d}.nii.gz", channel)
        save(folder / "labelsTr" / f"{case}.nii.gz", 1)
    names = {str(channel): f"S{channel}" for channel in range(channels)}
    content = {"channel_names": names, "labels": {"background": 0, "tumor": 1}, "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(content))


def values(samples):
    """Return the channels of the first voxel of each image."""
    return [medzoo.read_scan(image).array[0, 0, 0].tolist() for image in samples.images]


def test_nnunet_is_read_as_it_lies(tmp_path):
    nnunet(tmp_path)
    samples = medzoo.data.read(tmp_path)
    assert values(samples) == [[0, 1], [0, 1]] and samples.labels == LABELS
    assert samples.images[0].names == ("S0", "S1")
    assert samples.sources == (str(tmp_path / "imagesTr/a"), str(tmp_path / "imagesTr/b"))
    assert samples[1].target.mask(None).shape == medzoo.read_scan(samples.images[1]).shape


def test_nnunet_without_its_json_is_joined_by_the_names_of_the_masks(tmp_path):
    nnunet(tmp_path)
    (tmp_path / "dataset.json").unlink()
    samples = medzoo.data.read(tmp_path, labels=LABELS)
    assert values(samples) == [[0, 1], [0, 1]] and samples.images[0].names == ("0000", "0001")


def test_one_channel_stays_one_image(tmp_path):
    nnunet(tmp_path, channels=1)
    assert medzoo.data.read(tmp_path).images == tuple(str(tmp_path / f"imagesTr/{case}_0000.nii.gz") for case in "ab")


def test_msd_files_of_four_dimensions_are_channels(tmp_path):
    for case in "ab":
        save(tmp_path / "imagesTr" / f"{case}.nii.gz", 7, (4, 5, 6, 2))
        save(tmp_path / "labelsTr" / f"{case}.nii.gz", 1)
    content = {"modality": {"0": "FLAIR", "1": "T1w"}, "labels": {"0": "background", "1": "tumor"}}
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    samples = medzoo.data.read(tmp_path)
    assert values(samples) == [[7, 7], [7, 7]] and samples.images[0].names == ("FLAIR", "T1w")


@pytest.mark.parametrize("form", ["{case}/{case}-{name}.nii.gz", "{case}/{name}.nii.gz", "{case}_{name}.nii.gz"])
def test_sequences_beside_a_mask_become_channels(tmp_path, form):
    for case in ("BraTS-001", "BraTS-002"):
        for value, name in enumerate(("t1c", "t2w", "seg")):
            save(tmp_path / form.format(case=case, name=name), value % 2)
    samples = medzoo.data.read(tmp_path, labels=LABELS)
    assert values(samples) == [[0, 1], [0, 1]] and samples.images[0].names == ("t1c", "t2w")
    assert samples[0].target.mask(None).max() == 0


def test_some_sequences_can_be_chosen_and_ordered(tmp_path, caplog):
    for case in "ab":
        for value, name in enumerate(("t1", "t1ce", "flair", "seg")):
            save(tmp_path / case / f"{case}_{name}.nii.gz", value % 3)
    with caplog.at_level(logging.WARNING, "medzoo"):
        samples = medzoo.data.read(f"{tmp_path}:channels=flair,t1,labels=background,tumor")
    assert values(samples) == [[2, 0], [2, 0]] and "2 images are no channel" in caplog.text


def test_a_case_without_a_channel_is_named(tmp_path):
    nnunet(tmp_path)
    (tmp_path / "imagesTr/b_0001.nii.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"imagesTr/b lacks 1 of its 2 channels: S1"):
        medzoo.data.read(tmp_path)


def test_channels_in_two_grids_are_named(tmp_path):
    nnunet(tmp_path)
    save(tmp_path / "imagesTr/b_0001.nii.gz", 1, (4, 5, 7))
    with pytest.raises(ValueError, match=r"1 images have channels in several grids.*b_0001"):
        medzoo.data.read(tmp_path)


def test_channels_stored_in_other_axes_are_one_grid(tmp_path):
    nnunet(tmp_path)
    path = tmp_path / "imagesTr/b_0001.nii.gz"
    nibabel.load(path).as_reoriented(np.array([[2, 1], [0, 1], [1, -1]])).to_filename(path)
    assert values(medzoo.data.read(tmp_path)) == [[0, 1], [0, 1]]


def test_columns_of_a_table_become_channels(tmp_path):
    for patient in ("p1", "p2"):
        for value, phase in enumerate(("ED", "ES")):
            save(tmp_path / f"{patient}_{phase}.nii.gz", value)
    (tmp_path / "t.csv").write_text(
        "patient,ed,es,sick\np1,p1_ED.nii.gz,p1_ES.nii.gz,1\np2,p2_ED.nii.gz,p2_ES.nii.gz,0\n"
    )
    samples = medzoo.data.read(f"{tmp_path}/t.csv:channels=es,ed,label=sick")
    assert values(samples) == [[1, 0], [1, 0]] and samples.images[0].names == ("es", "ed")
    assert samples.patients == ("p1", "p2") and samples.sources[0] == str(tmp_path / "p1")
    pattern = "{patient}_ED.nii.gz", "{patient}_ES.nii.gz"
    assert medzoo.data.read(tmp_path / "t.csv", channels=pattern, label="sick").images[0].names == ("ED", "ES")


def test_image_and_channels_together_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("ed,es,sick\na,b,1\nc,d,0\n")
    with pytest.raises(ValueError, match="either `image` or `channels`"):
        medzoo.data.read(tmp_path / "t.csv", channels=("ed", "es"), image="ed", label="sick")


def test_class_folders_take_channels(tmp_path):
    for kind in ("sick", "well"):
        for case in "ab":
            for value, name in enumerate(("t1", "t2")):
                save(tmp_path / kind / f"{case}_{name}.nii.gz", value)
    samples = medzoo.data.read(tmp_path, channels=("t1", "t2"))
    assert values(samples) == [[0, 1]] * 4 and samples.targets == (0, 0, 1, 1)


@pytest.mark.parametrize("form", ["imagesTr", "sequences"])
def test_audit_finds_the_mask_of_a_case_of_channels(tmp_path, form):
    if form == "imagesTr":
        nnunet(tmp_path)
    else:
        for case in "ab":
            for name in ("t1c", "t2w", "seg"):
                save(tmp_path / case / f"{case}-{name}.nii.gz", 1)
    rows, findings = folder_rows(str(tmp_path), None)
    assert len(rows) == 4 and all(row.masks for row in rows) and not findings
