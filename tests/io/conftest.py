"""Small files of every kind, made on the spot."""

import numpy as np
import pytest


@pytest.fixture
def ramp():
    """A smooth picture `(24, 16)` in which every corner differs."""
    return np.add.outer(np.arange(24) * 6, np.arange(16) * 4).astype(np.uint8)


@pytest.fixture
def write_dicom(tmp_path):
    """Return a function that writes a DICOM file of `pixels` with the given attributes, and returns its path."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    def write(name, pixels, transfer_syntax=ExplicitVRLittleEndian, **attributes):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        dataset.SeriesInstanceUID, dataset.Modality = "1.2.3", "CT"
        is_colour = attributes.get("PhotometricInterpretation") == "RGB"
        dataset.SamplesPerPixel = 3 if is_colour else 1
        if is_colour:
            dataset.PlanarConfiguration = 0
        spatial = pixels.shape[:-1] if is_colour else pixels.shape
        if len(spatial) == 3:
            dataset.NumberOfFrames = spatial[0]
        dataset.Rows, dataset.Columns = spatial[-2:]
        dataset.PhotometricInterpretation = "MONOCHROME2"
        bits = pixels.dtype.itemsize * 8
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        dataset.PixelData = pixels.tobytes()
        if transfer_syntax != ExplicitVRLittleEndian:
            dataset.compress(transfer_syntax)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def write_series(write_dicom):
    """Return a function that writes slices of value `z` at height `z` mm, and returns their folder."""

    def write(folder="series", heights=(2, 0, 3, 1), orientation=(1, 0, 0, 0, 1, 0), **attributes):
        normal = np.cross(orientation[:3], orientation[3:])
        for index, height in enumerate(heights):
            path = write_dicom(
                f"{folder}/slice{index}",
                np.full((4, 5), height, np.int16),
                ImageOrientationPatient=list(orientation),
                ImagePositionPatient=(normal * height).tolist(),
                PixelSpacing=[0.5, 0.25],
                **attributes,
            )
        return path.parent

    return write
