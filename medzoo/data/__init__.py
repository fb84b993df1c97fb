"""Data sets as rows of image, target, patient and split."""

# Imported at once because these modules are light, and because the function `read` must win over the module `read`.
from medzoo.data.coco import from_coco
from medzoo.data.read import read
from medzoo.data.samples import Samples
from medzoo.data.splits import check_no_leak

__all__ = ["Samples", "check_no_leak", "from_coco", "read"]
