import nibabel
import numpy as np
import pytest

from medzoo.io import read_scan, restore, write_mask

LABELS = ("background", "tumor")


def rotation(degrees):
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()


def affine(matrix, origin=(10, -20, 30)):
    result = np.eye(4)
    result[:3, :3], result[:3, 3] = matrix, origin
    return result


AFFINES = {
    "identity": affine(np.eye(3)),
    "LPS": affine(np.diag([-1, -2, 3])),
    "flipped": affine(np.diag([1, -2, -3])),
    "permuted": affine(np.array([[0, 0, 3], [-1, 0, 0], [0, 2, 0]])),
    "oblique": affine(rotation([12, -25, 18]) @ np.diag([1, 2, 3])),
    "oblique permuted": affine(rotation([12, -25, 18]) @ np.array([[0, 2, 0], [0, 0, -3], [1, 0, 0]])),
}
each_affine = pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)


def save(path, array, affine=AFFINES["LPS"], **header):
    image = nibabel.Nifti1Image(array, affine)
    if header:
        image.header.set_slope_inter(**header)
    nibabel.save(image, path)
    return path


@each_affine
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_marked_voxel_keeps_its_place_in_the_world(tmp_path, affine, suffix):
    array = np.zeros((4, 5, 6), np.uint8)
    array[1, 3, 4] = 1
    scan = read_scan(save(tmp_path / "scan.nii.gz", array, affine))
    write_mask(tmp_path / f"mask{suffix}", scan.array[..., 0], scan, LABELS)
    mask = nibabel.load(tmp_path / f"mask{suffix}")
    assert np.allclose(mask.affine, affine, atol=1e-5)
    assert np.argwhere(np.asarray(mask.dataobj)).tolist() == [[1, 3, 4]]


@each_affine
def test_axes_run_to_head_back_and_left(tmp_path, affine):
    array = np.zeros((4, 5, 6), np.uint8)
    path = save(tmp_path / "scan.nii.gz", array, affine)
    place = nibabel.affines.apply_affine(affine, np.moveaxis(np.indices(array.shape), 0, -1))
    for axis, (world, sign) in enumerate([(2, 1), (1, -1), (0, -1)]):
        values = save(tmp_path / "place.nii", (sign * place[..., world]).astype(np.float32), affine)
        along = np.diff(read_scan(values).array[..., 0], axis=axis)
        assert (along > 0).all()
    assert read_scan(path).is_volume


@each_affine
def test_spacing_follows_the_axes(tmp_path, affine):
    scan = read_scan(save(tmp_path / "a.nii", np.zeros((4, 5, 6), np.uint8), affine))
    size_of = dict(zip((4, 5, 6), nibabel.affines.voxel_sizes(affine), strict=True))
    assert np.allclose(scan.spacing, [size_of[side] for side in scan.shape])


def test_restore_takes_further_axes_along(tmp_path):
    scan = read_scan(save(tmp_path / "a.nii", np.zeros((4, 5, 6), np.uint8), AFFINES["permuted"]))
    assert restore(np.zeros((*scan.shape, 3)), scan).shape == (4, 5, 6, 3)


def test_restore_refuses_another_shape(tmp_path):
    scan = read_scan(save(tmp_path / "a.nii", np.zeros((4, 5, 6), np.uint8)))
    with pytest.raises(ValueError, match=r"shape \(6, 5, 4\).*got \(4, 5, 6\)"):
        restore(np.zeros((4, 5, 6)), scan)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1)])
@each_affine
def test_single_slice_is_a_volume_of_depth_one(tmp_path, shape, affine):
    array = np.zeros(shape, np.uint8)
    array[1, 3] = 1
    scan = read_scan(save(tmp_path / "a.nii.gz", array, affine))
    assert scan.shape[0] == 1
    write_mask(tmp_path / "mask.nii.gz", scan.array[..., 0], scan, LABELS)
    mask = nibabel.load(tmp_path / "mask.nii.gz")
    assert mask.shape == shape
    assert np.argwhere(mask.dataobj).tolist() == [[1, 3, 0][: len(shape)]]


def test_slope_and_intercept_are_applied_as_float32(tmp_path):
    path = save(tmp_path / "a.nii", np.full((2, 2, 2), 7, np.int16), slope=2.0, inter=-4.0)
    array = read_scan(path).array
    assert array.dtype == np.float32
    assert array[0, 0, 0, 0] == float(np.asarray(nibabel.load(path).dataobj)[0, 0, 0])


@pytest.mark.parametrize(
    ("stored", "read"),
    [("u1", "u1"), ("<u2", "u2"), ("<i2", "i2"), (">i2", "i2"), ("<i4", "f4"), ("<f4", "f4"), ("<f8", "f4")],
)
def test_values_are_at_most_float32(tmp_path, stored, read):
    header = nibabel.Nifti1Header(endianness=">" if stored[0] == ">" else "<")
    header.set_data_dtype(stored)
    nibabel.save(nibabel.Nifti1Image(np.full((2, 2, 2), 7, stored), np.eye(4), header), tmp_path / "a.nii")
    array = read_scan(tmp_path / "a.nii").array
    assert array.dtype == np.dtype(read)
    assert (array == 7).all()


def test_last_axis_of_one_is_squeezed(tmp_path):
    assert read_scan(save(tmp_path / "a.nii", np.zeros((4, 5, 6, 1), np.uint8))).shape == (6, 5, 4)


def test_4d_volume_names_the_fix(tmp_path):
    with pytest.raises(ValueError, match=r"\(4, 5, 6, 2\).*four_to_three"):
        read_scan(save(tmp_path / "a.nii", np.zeros((4, 5, 6, 2), np.uint8)))


def test_rgb_voxels_are_an_error(tmp_path):
    rgb = np.zeros((2, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(ValueError, match="expected real numbers"):
        read_scan(save(tmp_path / "a.nii", rgb))


def test_nan_voxels_name_file_and_count(tmp_path):
    array = np.zeros((2, 2, 2), np.float32)
    array[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"a\.nii has 2 pixels"):
        read_scan(save(tmp_path / "a.nii", array))


def test_affine_that_cannot_be_inverted_is_an_error(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4))
    image.header["srow_z"] = 0
    (tmp_path / "a.nii").write_bytes(image.header.binaryblock + b"\0" * 4 + bytes(8))
    with pytest.raises(ValueError, match=r"a\.nii must have an affine"):
        read_scan(tmp_path / "a.nii")
