"""DICOM files that are no scans: refused by name, and passed over by name in folders."""

import numpy as np
import pydicom
import pytest
from pydicom import uid

from medzoo.io import find_scans, read_scan

KINDS = {
    uid.SegmentationStorage: "SEG",
    uid.RTDoseStorage: "RTDOSE",
    uid.RTStructureSetStorage: "RTSTRUCT",
    uid.RTPlanStorage: "radiotherapy",
    uid.ComprehensiveSRStorage: "SR",
    uid.KeyObjectSelectionDocumentStorage: "KO",
    uid.GrayscaleSoftcopyPresentationStateStorage: "PR",
    uid.TwelveLeadECGWaveformStorage: "waveform",
    uid.EncapsulatedPDFStorage: "document",
    uid.VLWholeSlideMicroscopyImageStorage: "whole-slide",
    uid.SpatialRegistrationStorage: "registration",
    uid.RawDataStorage: "raw data",
    uid.MRSpectroscopyStorage: "spectra",
}


def refused(path, match):
    with pytest.raises(ValueError, match=match) as caught:
        read_scan(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("sop_class", "name"), KINDS.items(), ids=KINDS.values())
def test_object_that_is_no_scan_is_refused_and_passed_over_by_name(write_series, write_dicom, sop_class, name):
    folder = write_series()
    path = write_dicom("series/other.dcm", np.zeros((4, 5), np.int16), SOPClassUID=sop_class)
    with pytest.warns(UserWarning, match=f"other.dcm is passed over: it is .*{name}"):
        assert [str(scan) for scan in find_scans(folder)] == [str(folder)]
    refused(path, name)


@pytest.mark.parametrize("tiles", ["ImageType", "private"])
def test_mosaic_names_its_converter(write_dicom, tiles):
    path = write_dicom("a.dcm", np.zeros((32, 32), np.int16), ImageType=["DERIVED", "PRIMARY", "M", "mosaic"][:3])
    dataset = pydicom.dcmread(path)
    if tiles == "private":
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 16)
    else:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    dataset.save_as(path)
    refused(path, "Siemens mosaic.*dcm2niix")


def test_modality_speaks_where_no_sop_class_does(write_dicom):
    path = write_dicom("a.dcm", np.zeros((4, 5), np.int16), Modality="RTDOSE")
    dataset = pydicom.dcmread(path)
    del dataset.SOPClassUID
    del dataset.file_meta.MediaStorageSOPClassUID
    dataset.save_as(path)
    refused(path, "modality RTDOSE")


def test_report_without_pixels_is_passed_over_by_name(write_series, write_dicom):
    folder = write_series()
    path = write_dicom("series/report", np.zeros((4, 5), np.int16))
    dataset = pydicom.dcmread(path)
    del dataset.Rows, dataset.PixelData
    dataset.save_as(path)
    with pytest.warns(UserWarning, match="report is passed over: it is a file without pixels"):
        assert read_scan(folder).shape == (4, 4, 5)


def test_portal_image_of_radiotherapy_is_a_scan(write_dicom, ramp):
    assert read_scan(write_dicom("a.dcm", ramp, SOPClassUID=uid.RTImageStorage)).shape == ramp.shape


def test_folder_without_a_scan_says_so_beside_what_it_passes_over(write_dicom):
    path = write_dicom("s/a.dcm", np.zeros((4, 5), np.int16), SOPClassUID=uid.SegmentationStorage)
    with pytest.warns(UserWarning, match="SEG"), pytest.raises(FileNotFoundError, match="holds no scans"):
        find_scans(path.parent)
