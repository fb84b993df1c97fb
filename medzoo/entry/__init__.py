"""A zoo entry on disk: one folder, every byte of which its `medzoo.json` vouches for."""

from medzoo.entry.checked_json import read_checked_json
from medzoo.entry.files import (
    BOOSTER,
    CARD,
    CONFIG,
    ESTIMATOR,
    EVALUATION,
    FIGURES,
    GOLDEN,
    MANIFEST,
    METADATA,
    ONNX,
    RECIPE,
    WEIGHTS,
    is_entry_file,
    needed_files,
    size_limit,
)
from medzoo.entry.manifest import FORMAT, check_manifest, read_manifest, sha256, write_manifest
from medzoo.entry.read import Entry, read_entry

__all__ = [
    "BOOSTER",
    "CARD",
    "CONFIG",
    "ESTIMATOR",
    "EVALUATION",
    "FIGURES",
    "FORMAT",
    "GOLDEN",
    "MANIFEST",
    "METADATA",
    "ONNX",
    "RECIPE",
    "WEIGHTS",
    "Entry",
    "check_manifest",
    "is_entry_file",
    "needed_files",
    "read_checked_json",
    "read_entry",
    "read_manifest",
    "sha256",
    "size_limit",
    "write_manifest",
]
