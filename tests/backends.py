"""Which tests need not run on every backend.

`tests/conftest.py` gives these tests the markers `no_backend`, `one_backend` and `torch_files`. A plain `pytest` runs
all of them; `.ci/run` runs those of the last list on torch, all others on TensorFlow, and on JAX and torch what is in
no list. A test that is in none is on the safe side.

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
    "app": "app_command page sessions uploads view",
    "cli": "cli_split cli_words predict_format",
    "data": "audit audit_report audit_sources audit_twins coco coco_annotations coco_faults folders from_arrays"
    " data_channels dicom_masks label_order masks names order patients read reader samples split_files splits"
    " statistics subsets synthetic table_spellings tables volumes",
    "estimators": "tuning",
    "evaluation": "calibrate calibration classification_cases compare delong distances evaluate figures fold_figures"
    " gradcam intervals ranking regression_cases scores search_figures structures thresholds",
    "features": "feature_store",
    "hub": "connection server",
    "inference": "answer_files answers mirrors prediction scans",
    "io": "channel_files damage dicom dicom_geometry dicom_kinds dicom_padding dicom_readers dicom_segmentation find"
    " format_table intensities limits nifti nifti_answers raster readers write",
    "preprocessing": "preprocessing stack tiles windows",
    "recipe": "recipe",
    "reports": "findings language_model pdf report_words",
    "task": "task",
    "transforms": "intensity spatial",
    "zoo/card": "card_check card_escaping card_read",
    "zoo/listing": "licenses",
}

# Files whose tests use Keras, but whose outcome cannot differ between backends: they read how a network is built, what
# a file of weights or of an entry says, what a command prints, what a run folder holds, or what a server got. What
# computes stays out: losses, layers, gradients, each task's training, resuming, and loading what another backend wrote.
# Single tests of other files have the marker themselves.
ONE_BACKEND = {
    "": "architecture docs examples",
    "cli": "cli cli_features cli_recipe doors ends",
    # By tf.data, which feeds every backend; `test_augment_backends.py` compares its changes with those of the backend.
    "data": "augment augment_volumes balance bounded_memory mixup packed packed_file pipeline slice_jitter tfds"
    " tfds_builder",
    "entry": "attacks safety",
    "estimators": "estimator_entry",
    "evaluation": "compare_command estimator_comparison gradcam_command gradcam_files gradcam_layer",
    "features": "clusters feature_cache kmeans",
    "hub": "hub_answers olah",
    "hub/checkpoints": "pull push push_training",
    "hub/publishing": "publish publish_again publish_command publish_refused",
    "io": "image",
    "models": "builders network_contract",
    "models/encoders": "applications build_encoder every_encoder stages",
    "recipe": "parts",
    "reports": "report_command",
    "training": "cross_validation_scores data history other_data runs search search_command search_plan tracking"
    " training_channels training_tiles",
    "weights": "channels fetch imagenet segmentation_models_files",
    "zoo": "find_entry opened_entries words",
    "zoo/card": "card card_tasks",
    "zoo/download": "dropped_connections fetch_entry many_processes",
    "zoo/listing": "listing registry",
}

# Files about checkpoints of torch, which torch must be there to write; the rest as for ONE_BACKEND.
TORCH_FILES = {
    "weights": "load torch_checkpoints",
    "zoo": "convert",
}

MARKERS = {"no_backend": NO_BACKEND, "one_backend": ONE_BACKEND, "torch_files": TORCH_FILES}


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
