"""Files to `Scan` and answers back to files."""

from medzoo.io.orientation import restore
from medzoo.io.read import find_scans, read_scan
from medzoo.io.scan import DicomSeries, Scan
from medzoo.io.write import write_image, write_mask

__all__ = ["DicomSeries", "Scan", "find_scans", "read_scan", "restore", "write_image", "write_mask"]
