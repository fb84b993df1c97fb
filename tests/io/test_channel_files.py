"""Images whose channels lie in several files."""

import nibabel
import numpy as np
import pytest

from medzoo import Preprocessing, read_scan
from medzoo.io import ChannelImage, as_image, restore
from medzoo.io.channels import case_and_channel, cases_in, join_channels, stated_channels, with_channels
from medzoo.io.write import write_image

SEQUENCES = ("flair", "t1", "t1ce")


def save(path, value=0, shape=(4, 5, 6), affine=None, dtype="int16"):
    """Write a NIfTI volume of one value, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else affine
    nibabel.Nifti1Image(np.full(shape, value, dtype), affine).to_filename(path)
    return str(path)


@pytest.mark.parametrize(
    ("path", "case", "channel"),
    [
        ("brain_0001.nii.gz", "brain", 1),
        ("a/brain_t1ce.nii.gz", "a/brain", 2),
        ("a/brain_T1.nii", "a/brain", 1),
        ("BraTS-GLI-00001-000-flair.nii.gz", "BraTS-GLI-00001-000", 0),
        ("case.t1.nii.gz", "case", 1),
        ("case/t1.nii.gz", "case", 1),
        ("patient 3 t1.png", "patient 3", 1),
    ],
)
def test_the_name_of_a_file_says_case_and_channel(path, case, channel):
    assert case_and_channel(path, SEQUENCES) == (case, channel)


@pytest.mark.parametrize("path", ["brain.nii.gz", "brain_0003.nii.gz", "t1.nii.gz", "start1.nii.gz", "brain_001.nii"])
def test_other_names_are_no_channel(path):
    assert case_and_channel(path, SEQUENCES) is None


def test_channels_lie_side_by_side_in_their_order(tmp_path):
    parts = tuple(save(tmp_path / f"case_{name}.nii.gz", value) for value, name in enumerate(SEQUENCES))
    scan = ChannelImage(parts, SEQUENCES).read()
    assert scan.array.shape == (6, 5, 4, 3) and scan.array[0, 0, 0].tolist() == [0, 1, 2]
    assert scan.source == str(tmp_path / "case") and scan.spacing == (3.0, 2.0, 1.0)


def test_paths_with_commas_are_one_image(tmp_path):
    paths = [save(tmp_path / f"{name}.nii.gz", value) for value, name in enumerate(("a", "b"))]
    assert read_scan(",".join(paths)).array[0, 0, 0].tolist() == [0, 1]


def test_a_missing_file_between_commas_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.nii.gz"):
        read_scan(f"{save(tmp_path / 'a.nii.gz')},{tmp_path / 'nowhere.nii.gz'}")


def test_a_file_with_a_comma_in_its_name_is_one_file(tmp_path):
    assert read_scan(save(tmp_path / "a,b.nii.gz", 3)).array.max() == 3


def test_types_are_joined_without_loss(tmp_path):
    paths = save(tmp_path / "a.nii.gz", -5), save(tmp_path / "b.nii.gz", 65000, dtype="uint16")
    assert ChannelImage(paths).read().array[0, 0, 0].tolist() == [-5, 65000]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"shape": (4, 5, 7)}, "has the size"),
        ({"affine": np.diag([1.0, 2.0, 3.5, 1.0])}, "mm beside"),
        ({"affine": np.array([[1.0, 0, 0, 9], [0, 2, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])}, "9.00 mm beside"),
    ],
)
def test_channels_of_other_grids_are_refused_by_name(tmp_path, changed, text):
    paths = save(tmp_path / "a.nii.gz"), save(tmp_path / "b.nii.gz", **changed)
    with pytest.raises(ValueError, match=f"b.nii.gz .*{text}"):
        ChannelImage(paths).read()


def test_a_channel_stored_in_other_axes_lies_in_the_same_place(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 99, (4, 5, 6), "int16")
    straight = nibabel.Nifti1Image(voxels, np.diag([1.0, 2.0, 3.0, 1.0]))
    turned = straight.as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    straight.to_filename(tmp_path / "a.nii.gz")
    turned.to_filename(tmp_path / "b.nii.gz")
    scan = ChannelImage((str(tmp_path / "a.nii.gz"), str(tmp_path / "b.nii.gz"))).read()
    assert (scan.array[..., 0] == scan.array[..., 1]).all()
    assert (restore(scan.array[..., 1], scan) == voxels).all()


def test_exchanged_channels_have_other_contents(tmp_path):
    paths = save(tmp_path / "a.nii.gz", 1), save(tmp_path / "b.nii.gz", 2)
    assert ChannelImage(paths).contents() != ChannelImage(paths[::-1]).contents()


def test_four_dimensions_are_channels_only_where_they_are_named(tmp_path):
    path = tmp_path / "all.nii.gz"
    voxels = np.arange(4 * 5 * 6 * 3, dtype="int16").reshape(4, 5, 6, 3)
    nibabel.Nifti1Image(voxels, np.eye(4)).to_filename(path)
    with pytest.raises(ValueError, match="points in time, or channels"):
        read_scan(path)
    scan = ChannelImage((str(path),), SEQUENCES).read()
    assert (restore(scan.array, scan) == voxels).all()
    with pytest.raises(ValueError, match=r"expected 2 channels"):
        ChannelImage((str(path),), SEQUENCES[:2]).read()


@pytest.mark.parametrize("name", ["case_0001.nii.gz", "", "all.nii.gz"])
def test_one_file_the_folder_or_four_dimensions_stand_for_all_channels(tmp_path, name):
    for number in range(3):
        save(tmp_path / "case" / f"case_{number:04d}.nii.gz", number)
    parts = [nibabel.load(tmp_path / "case" / f"case_{number:04d}.nii.gz") for number in range(3)]
    nibabel.concat_images(parts).to_filename(tmp_path / "all.nii.gz")
    source = tmp_path / ("" if name == "all.nii.gz" else "case") / name
    scan = as_image(with_channels(str(source), SEQUENCES)).read()
    assert np.allclose(scan.array[0, 0, 0], [0, 1, 2], atol=1e-3)


def test_a_lacking_channel_is_named_with_its_case(tmp_path):
    save(tmp_path / "x_flair.nii.gz")
    path = save(tmp_path / "x_t1.nii.gz")
    with pytest.raises(FileNotFoundError, match=r"x lacks 1 of its 3 channels: t1ce \(.*x_0002\)"):
        with_channels(path, SEQUENCES)


def test_two_files_of_one_channel_are_refused(tmp_path):
    paths = [save(tmp_path / name) for name in ("x_flair.nii", "x_flair.nii.gz")]
    with pytest.raises(ValueError, match="both the channel flair"):
        join_channels(paths, SEQUENCES)


def test_other_scans_beside_cases_are_passed_over_by_name(tmp_path):
    for name in (*SEQUENCES, "seg"):
        save(tmp_path / f"x-{name}.nii.gz")
    with pytest.warns(UserWarning, match=r"x-seg\.nii\.gz; passed over"):
        cases = cases_in(tmp_path, SEQUENCES)
    assert [case.source for case in cases] == [str(tmp_path / "x")]


def test_pictures_are_channels_as_well(tmp_path):
    for value, name in enumerate(("dapi", "gfp")):
        write_image(tmp_path / f"cell_{name}.png", np.full((8, 9, 3), value, np.uint8))
    scan = as_image(with_channels(tmp_path / "cell_gfp.png", ("dapi", "gfp"))).read()
    assert scan.array.shape == (8, 9, 2) and scan.array[0, 0].tolist() == [0, 1]


def test_a_coloured_picture_is_no_channel(tmp_path):
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.png", np.arange(8 * 9 * 3, dtype=np.uint8).reshape(8, 9, 3))
    with pytest.raises(ValueError, match="a.png has 3 channels; expected one"):
        ChannelImage((str(tmp_path / "a.png"), str(tmp_path / "b.png"))).read()


def test_names_of_channels_come_from_dataset_json(tmp_path):
    (tmp_path / "dataset.json").write_text('{"channel_names": {"1": "T1", "0": "FLAIR"}}')
    assert stated_channels(str(tmp_path), None) == ("FLAIR", "T1")
    (tmp_path / "dataset.json").write_text('{"modality": {"0": "zscore", "1": "zscore"}}')
    assert stated_channels(str(tmp_path), None) == ("0_zscore", "1_zscore")
    (tmp_path / "dataset.json").write_text('{"channel_names": {"1": "T1", "2": "FLAIR"}}')
    with pytest.raises(ValueError, match="numbered 0, 1, 2"):
        stated_channels(str(tmp_path), None)


def test_a_model_takes_its_channels_by_name_and_in_its_order(tmp_path):
    parts = tuple(save(tmp_path / f"c_{name}.nii.gz", value) for value, name in enumerate(SEQUENCES))
    image = ChannelImage(parts, SEQUENCES)
    steps = Preprocessing((6, 5, 4), channels=2, normalization=None, channel_names=("t1ce", "flair"))
    (pixels,) = image.windows(steps).inputs()
    assert pixels[0, 0, 0].tolist() == [2, 0]
    with pytest.raises(ValueError, match="has no channel pd, which the model takes; it has flair, t1, t1ce"):
        image.windows(Preprocessing((6, 5, 4), channels=1, channel_names=("pd",)))


def test_channels_are_never_mixed_to_grey(tmp_path):
    parts = tuple(save(tmp_path / f"c_{name}.nii.gz", value) for value, name in enumerate(SEQUENCES))
    with pytest.raises(ValueError, match="has 3 channels; the model takes 1"):
        ChannelImage(parts, SEQUENCES).windows(Preprocessing((6, 5, 4)))
    with pytest.raises(ValueError, match="The image has 1 channels; the model takes 2: a, b"):
        list(as_image(parts[0]).windows(Preprocessing((6, 5, 4), channels=2, channel_names=("a", "b"))).inputs())


def test_each_channel_is_normalised_by_itself():
    volume = np.random.default_rng(0).normal(size=(4, 4, 4, 2)) * (1, 1000) + (0, 5000)
    steps = Preprocessing((4, 4, 4), channels=2, normalization="standardize", channel_names=("ct", "pet"))
    (pixels,) = as_image(volume).windows(steps).inputs()
    assert np.allclose(pixels.mean((0, 1, 2)), 0, atol=1e-3) and np.allclose(pixels.std((0, 1, 2)), 1, atol=1e-3)
    mixed = Preprocessing((4, 4, 4), channels=2, normalization=["rescale", None], channel_names=["ct", "pet"])
    (pixels,) = as_image(volume).windows(mixed).inputs()
    assert (pixels[..., 0].min(), pixels[..., 0].max()) == (0, 1) and np.allclose(pixels[..., 1], volume[..., 1])
    assert Preprocessing.from_json(mixed.to_json()) == mixed


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel_names": ("a",)},
        {"channel_names": ("a", "A")},
        {"channel_names": ("a", "")},
        {"channel_names": "ab"},
        {"normalization": ("rescale", None)},
        {"channel_names": ("a", "b"), "normalization": ("rescale",)},
        {"channel_names": ("a", "b"), "normalization": ("rescale", "dataset")},
    ],
)
def test_names_that_do_not_fit_the_channels_are_refused(wrong):
    with pytest.raises(ValueError, match="normalization|channel_names"):
        Preprocessing((4, 4), channels=2, **wrong)
