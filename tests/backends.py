"""Which tests need not run on every backend.

`tests/conftest.py` gives these tests the markers `no_backend` and `one_backend`. A plain `pytest` runs all of them;
`.ci/run` runs all on TensorFlow, and on JAX and torch what is in neither list. A test that is in none is on the safe
side.

`pytest -m no_backend` proves its list: it reads only these files, and whatever imports Keras or a backend fails.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parent
BACKENDS = ("keras", "tensorflow", "jax", "torch")

# Files whose tests import neither Keras nor a backend, by folder, without `test_` and `.py`.
NO_BACKEND = {
    "": "errors files progress text",
    "cli": "cli_split cli_words",
    "data": "audit audit_report audit_sources coco coco_faults folders from_arrays label_order masks names order read"
    " samples split_files splits statistics subsets synthetic table_spellings tables volumes",
    "estimators": "tuning",
    "evaluation": "calibrate calibration classification_cases compare delong distances evaluate figures fold_figures"
    " gradcam intervals ranking regression_cases scores search_figures structures thresholds",
    "features": "feature_store",
    "hub": "connection server",
    "inference": "answer_files answers prediction scans",
    "io": "dicom find format_table nifti raster readers write",
    "preprocessing": "preprocessing stack windows",
    "recipe": "recipe",
    "task": "task",
    "transforms": "intensity spatial",
    "zoo/card": "card_check card_escaping card_read",
    "zoo/listing": "licenses",
}

# Files whose tests use Keras, but whose outcome cannot differ between backends: they read how a network is built, what
# an entry's files say, or what a server got. Single tests of other files have the marker themselves.
ONE_BACKEND = {
    "": "architecture",
    "cli": "cli_features cli_recipe",
    # By tf.data, which feeds every backend; `test_augment_backends.py` compares its changes with those of the backend.
    "data": "augment augment_volumes balance bounded_memory mixup packed pipeline slice_jitter tfds tfds_builder",
    "entry": "attacks safety",
    "evaluation": "compare_command estimator_comparison gradcam_layer",
    "features": "kmeans",
    "hub": "answers olah",
    "hub/checkpoints": "pull push",
    "hub/publishing": "publish publish_again publish_command publish_refused",
    "io": "image",
    "models/encoders": "build_encoder every_encoder stages",
    "recipe": "parts",
    "weights": "fetch segmentation_models_files",
    "zoo": "find_entry words",
    "zoo/card": "card card_tasks",
    "zoo/download": "dropped_connections fetch_entry many_processes",
    "zoo/listing": "listing registry",
}

MARKERS = {"no_backend": NO_BACKEND, "one_backend": ONE_BACKEND}


@cache
def files_of(marker: str) -> set[Path]:
    """Return the files of a table."""
    table = MARKERS[marker].items()
    return {TESTS / folder / f"test_{name}.py" for folder, names in table for name in names.split()}


def without_backend(path: Path) -> bool:
    """Return whether a file is in NO_BACKEND, or a folder has one that is."""
    return any(path == listed or path in listed.parents for listed in files_of("no_backend"))


def marker_of(path: Path) -> str | None:
    """Return the marker of the tests of a file."""
    return next((marker for marker in MARKERS if path in files_of(marker)), None)
