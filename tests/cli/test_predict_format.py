"""`medzoo predict --format seg`: a study folder as a hospital has it."""

import numpy as np
import pytest

from medzoo.cli import main
from medzoo.io import read_scan
from tests.io.test_dicom_segmentation import write_series

highdicom = pytest.importorskip("highdicom")


def run(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


@pytest.mark.parametrize("name", ["seg", "seg-binary"])
def test_a_study_with_other_objects_gets_the_segmentation_of_its_series(tmp_path, capsys, name):
    from tests.dicom_files import dicom

    scan = write_series(tmp_path / "study/ct")
    for number, uid in enumerate(("481.2", "88.33", "66.4", "481.3")):
        import pydicom

        path = dicom(tmp_path / "study/other", f"{number}.dcm")
        file = pydicom.dcmread(path)
        file.SOPClassUID = f"1.2.840.10008.5.1.4.1.1.{uid}"
        file.SeriesInstanceUID = f"1.2.{number}"
        file.save_as(path)
    out = tmp_path / "out"
    assert run("predict", "brain-tumor-box-unet", tmp_path / "study", "-o", out, "--format", name) == 0
    told = capsys.readouterr()
    assert all(kind in told.err for kind in ("(RTDOSE)", "(SR)", "(SEG)", "(RTSTRUCT)"))
    assert run("predict", "brain-tumor-box-unet", tmp_path / "study", "-o", tmp_path / "nifti") == 0
    (path,) = out.glob("*_mask.dcm")
    seg = highdicom.seg.segread(path)
    plain = read_scan(next((tmp_path / "nifti").glob("*_mask.nii.gz"))).array[..., 0]
    assert seg.get_segment_description(1).algorithm_identification.name == "brain-tumor-box-unet"
    assert len(seg.get_segment_description(1).algorithm_identification.parameters["sha256"]) == 64
    assert int(seg.pixel_array.sum()) == int(plain.sum()) and plain.shape == scan.shape
    assert run("predict", "brain-tumor-box-unet", tmp_path / "study", "-o", out, "--format", name) == 0
    assert len(list(out.glob("*_mask.dcm"))) == 1


def test_other_scans_and_models_without_masks_are_told(tmp_path, capsys):
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((32, 32), np.uint8))
    assert run("predict", "brain-tumor-box-unet", tmp_path / "a.png", "-o", tmp_path / "o", "--format", "seg") != 0
    assert "is not from DICOM files" in capsys.readouterr().err
    assert run("predict", "breast-ultrasound-cnn", tmp_path / "a.png", "-o", tmp_path / "o", "--format", "seg") != 0
    assert "is for masks" in capsys.readouterr().err
