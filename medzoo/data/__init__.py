"""Data sets as rows of image, target, patient and split."""

# Imported at once because these modules are light, and because the function `read` must win over the module `read`.
from medzoo.data.array_files import from_npz
from medzoo.data.arrays import from_arrays
from medzoo.data.audit import Audit, audit
from medzoo.data.coco import from_coco
from medzoo.data.folders import from_folders
from medzoo.data.packed import from_packed
from medzoo.data.packing import prepare
from medzoo.data.read import read
from medzoo.data.samples import Samples
from medzoo.data.shards import from_tfds
from medzoo.data.split_files import read_split, save_split
from medzoo.data.splits import check_no_leak
from medzoo.data.statistics import fit_preprocessing
from medzoo.data.subsets import folds, fraction, group
from medzoo.data.tables import from_table
from medzoo.data.volumes import from_volumes

__all__ = [
    "Audit",
    "Samples",
    "audit",
    "check_no_leak",
    "fit_preprocessing",
    "folds",
    "fraction",
    "from_arrays",
    "from_coco",
    "from_folders",
    "from_npz",
    "from_packed",
    "from_table",
    "from_tfds",
    "from_volumes",
    "group",
    "prepare",
    "read",
    "read_split",
    "save_split",
]
