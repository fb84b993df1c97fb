"""Files to `Scan` and answers back to files."""

from medzoo.io.arrays import ArrayImage
from medzoo.io.dicom.series import DicomSeries
from medzoo.io.find import find_scans
from medzoo.io.grid import restore
from medzoo.io.image import Image, Scan
from medzoo.io.read import ChannelImage, as_image, read_scan
from medzoo.io.write import write_image, write_mask

__all__ = [
    "ArrayImage",
    "ChannelImage",
    "DicomSeries",
    "Image",
    "Scan",
    "as_image",
    "find_scans",
    "read_scan",
    "restore",
    "write_image",
    "write_mask",
]
