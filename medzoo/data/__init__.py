"""Data sets as rows of image, target, patient and split."""

# Imported at once because these modules are light, and because the function `read` must win over the module `read`.
from medzoo.data.audit import Audit, audit
from medzoo.data.feed.packed import from_packed
from medzoo.data.feed.packing import prepare
from medzoo.data.samples import Samples
from medzoo.data.sources.arrays import from_arrays, from_npz
from medzoo.data.sources.coco import from_coco
from medzoo.data.sources.folders import from_folders
from medzoo.data.sources.read import read
from medzoo.data.sources.shards import from_tfds
from medzoo.data.sources.tables import from_table
from medzoo.data.sources.volumes import from_volumes
from medzoo.data.split_files import read_split, save_split
from medzoo.data.splits import check_no_leak
from medzoo.data.statistics import fit_preprocessing
from medzoo.data.subsets import folds, fraction, group

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
