"""The header of an answer says of its place what that of its scan says, whichever part a program follows."""

import nibabel
import numpy as np
import pytest

from medzoo.io import as_image, read_scan, write_mask
from medzoo.io.write import write_heatmap

PLACE = ("pixdim", "xyzt_units", "qform_code", "sform_code", "srow_x", "srow_y", "srow_z")
PLACE += ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")
TURN = nibabel.eulerangles.euler2mat(0.3, 0.1, -0.2)


def affine(matrix, origin=(1, -2, 3)):
    return np.block([[np.asarray(matrix), np.array(origin)[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]])


STRAIGHT = affine(TURN @ np.diag([0.5, 0.5, 5]))
SHEARED = affine(TURN @ np.diag([0.5, 0.5, 5]) @ [[1, 0.02, 0.1], [0, 1, 0], [0, 0, 1]])
FORMS = {
    "no forms": ((None, 0), (None, 0)),
    "qform only": ((STRAIGHT, 1), (None, 0)),
    "sform only": ((None, 0), (STRAIGHT, 4)),
    "both, sform sheared": ((STRAIGHT, 1), (SHEARED, 2)),
    "both, elsewhere": ((STRAIGHT, 1), (affine(np.diag([-2.0, 2, 3])), 3)),
    "left-handed": ((affine(np.diag([-1.0, 2, 3])), 2), (affine(np.diag([-1.0, 2, 3])), 1)),
}


def save(path, forms=FORMS["sform only"], unit="unknown", shape=(4, 5, 6), kind=nibabel.Nifti1Image, endian="<"):
    header = kind.header_class(endianness=endian)
    header.set_data_dtype(np.int16)
    image = kind(np.zeros(shape, np.int16), None, header)
    image.header["pixdim"][1:4] = 1, 1.2, 4
    (qform, q_code), (sform, s_code) = forms
    image.header.set_qform(qform, q_code)
    image.header.set_sform(sform, s_code)
    image.header.set_xyzt_units(unit, "sec")
    image.header["descrip"], image.header["cal_max"] = b"its own", 900
    path.write_bytes(image.to_bytes())
    return path


def answered(path, write=write_mask, **kwargs):
    scan = read_scan(path)
    mask = np.zeros(scan.shape, np.uint8)
    mask[0, 1, 2] = 1
    arguments = (("background", "tumor"),) if write is write_mask else ()
    write(path.with_name("answer.nii"), mask, scan, *arguments)
    return nibabel.load(path.with_name("answer.nii"))


@pytest.mark.parametrize("forms", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("unit", ["unknown", "meter", "mm", "micron"])
@pytest.mark.parametrize("write", [write_mask, write_heatmap])
def test_answer_has_all_of_the_place_of_its_scan(tmp_path, forms, unit, write):
    path = save(tmp_path / "a.nii", forms, unit)
    scan, answer = nibabel.load(path), answered(path, write)
    for field in PLACE:
        assert np.array_equal(answer.header[field], scan.header[field]), field
    assert np.array_equal(answer.affine, scan.affine)
    assert answer.get_data_dtype() == (np.uint8 if write is write_mask else np.float32)


def test_answer_has_nothing_else_of_the_header(tmp_path):
    header = answered(save(tmp_path / "a.nii")).header
    assert header["descrip"].item() == b""
    assert header["cal_max"] == 0


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 6, 1)])
def test_answer_has_the_shape_of_the_file(tmp_path, shape):
    assert answered(save(tmp_path / "a.nii", shape=shape)).shape == shape


@pytest.mark.parametrize(("kind", "endian"), [(nibabel.Nifti2Image, "<"), (nibabel.Nifti1Image, ">")])
def test_answer_is_of_the_kind_of_the_file(tmp_path, kind, endian):
    path = save(tmp_path / "a.nii", FORMS["both, sform sheared"], kind=kind, endian=endian)
    answer = answered(path)
    assert type(answer) is kind
    assert np.array_equal(answer.affine, nibabel.load(path).affine)


@pytest.mark.parametrize(("unit", "factor"), [("unknown", 1), ("meter", 1e3), ("mm", 1), ("micron", 1e-3)])
def test_spacing_is_in_mm_whatever_the_unit(tmp_path, unit, factor):
    size = np.diag([1, 1.5, 4]) / factor
    path = save(tmp_path / "a.nii", ((None, 0), (affine(size, (0, 0, 8 / factor)), 1)), unit)
    scan = read_scan(path)
    assert scan.spacing == pytest.approx((4, 1.5, 1))
    assert scan.pixel_size == pytest.approx(6)
    assert scan.affine[:3, 3] == pytest.approx((0, 0, 8))
    assert np.allclose(as_image(path).grid().affine, scan.affine)


def test_voxel_of_a_sheared_affine_has_its_own_volume(tmp_path):
    scan = read_scan(save(tmp_path / "a.nii", ((None, 0), (SHEARED, 1))))
    assert scan.pixel_size == pytest.approx(0.5 * 0.5 * 5)
