"""Small DICOM files and series, all of one grey value a slice."""

import numpy as np

SIZE = (8, 8)


def pixels(value):
    return np.full(SIZE, value, np.uint8)


def dicom(folder, name="a.dcm", height=0.0):
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset(str(folder / name), {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    file.SeriesInstanceUID, file.Modality, file.PatientID = "1.2.3", "CT", "1"
    file.ImagePositionPatient, file.ImageOrientationPatient = [0, 0, height], [1, 0, 0, 0, 1, 0]
    file.PixelSpacing, file.Rows, file.Columns = [1, 1], *SIZE
    file.SamplesPerPixel, file.PhotometricInterpretation, file.PixelRepresentation = 1, "MONOCHROME2", 0
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 16, 15
    file.PixelData = (pixels(90).astype(np.uint16) + int(height)).tobytes()
    file.save_as(folder / name, enforce_file_format=True)
    return folder / name


def series(folder):
    for number in range(3):
        dicom(folder / "series", f"{number}.dcm", float(number))
    return folder / "series"
