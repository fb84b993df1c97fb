"""What a report tells: facts that are computed here, as plain JSON values. All words and pages are made of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.entry import ONNX, WEIGHTS, Entry
from medzoo.inference import ClassPrediction, MaskPrediction, Prediction
from medzoo.inference.model import Model
from medzoo.inference.scans import predict_scans
from medzoo.io import Scan
from medzoo.recipe import Recipe
from medzoo.zoo.load import open_entry

FORMAT = 1

# How DICOM names what cards call by words; what is not here is not compared.
_MODALITIES = {"mri": ("MR",), "mr": ("MR",), "ct": ("CT",), "ultrasound": ("US",), "x-ray": ("CR", "DX", "MG")}
# A scan with fewer pixels than this share of the model's input is mostly made up by interpolation.
_SMALL = 0.5
# A stretch of the height against the width by more than this changes what shapes look like.
_STRETCH = 1.5
# Share of pixels with one value from which on there is hardly a picture.
_EMPTY = 0.995
# How far the channels of a grey picture may differ, of 255.
_GREY = 8
_AXES = {"horizontal": -2, "vertical": -3}


def find(
    prediction: Prediction, model: str | os.PathLike | None = None, uncertainty: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the findings of a prediction.

    Args:
        prediction: What a model says of a scan.
        model: The zoo entry that said it: a name or what else `medzoo.load` takes. None for a model without a card.
        uncertainty: What `spread` returns.

    Returns:
        Values as in `findings.schema.json` beside this file: `scan`, what the task answers (`structures`, or
        `probabilities`, or `value`), `model` with its test scores, `uncertainty`, and `warnings`: in what the scan
        differs from those that the model was trained on. No name, path, date or id of the scan is among them.

    Raises:
        ValueError: There is no model of this name.
    """
    scan = prediction.scan
    entry = None if model is None else open_entry(model, engine=None)
    return {
        "format": FORMAT,
        "task": prediction.task.name,
        "scan": {
            "kind": scan.kind,
            "shape": list(scan.shape),
            "spacing_mm": None if scan.spacing is None else [round(size, 4) for size in scan.spacing],
        },
        **prediction.findings(),
        "model": None if entry is None else _about(entry),
        "uncertainty": None if uncertainty is None else dict(uncertainty),
        "warnings": [] if entry is None else unlike(scan, entry.recipe),
    }


def _about(entry: Entry) -> dict[str, Any]:
    """Return what a reader must know of a model: which one it is, what it learned from, and how often it errs."""
    card, files, recipe = entry.recipe.card, entry.manifest["files"], entry.recipe
    data = card.get("data") or {}
    about = {
        "name": recipe.name,
        "medzoo": entry.manifest["medzoo"],
        "sha256": files[ONNX if ONNX in files else WEIGHTS]["sha256"],
        "modality": card.get("modality"),
        "data": data.get("name"),
        "data_license": data.get("license"),
        "labels": list(recipe.task.labels),
        "test": None,
    }
    if not entry.evaluation:
        return about
    # Of a segmentation the first label is no finding.
    background = recipe.task.labels[0] if recipe.task.is_dense else None
    scores = {
        name: score["value"]
        for name, score in entry.evaluation["scores"].items()
        if score["value"] is not None and name.partition("/")[0] in _TOLD and not name.endswith(f"/{background}")
    }
    healthy = entry.evaluation.get("healthy")
    tested = {key: entry.evaluation["data"].get(key) for key in ("name", "split")}
    counts = {"cases": entry.evaluation["n_cases"], "patients": entry.evaluation["n_patients"]}
    alarms = None if healthy is None else {"cases": healthy["cases"], "alarms": healthy["alarms"]}
    return {**about, "test": {**tested, **counts, "scores": scores, "healthy": alarms}}


# Scores that tell how often a model errs.
_TOLD = (
    *("recall", "precision", "auc", "accuracy", "mae"),
    *("dice_per_case", "foreground_dice_per_case", "main_label_auc_macro"),
)


def unlike(scan: Scan, recipe: Recipe) -> list[dict[str, Any]]:
    """Return in what a scan differs from what a model was trained on, each with a `code` and its values."""
    found: list[dict[str, Any]] = []
    expected, stated = recipe.card.get("modality"), _modality(scan)
    known = _MODALITIES.get(str(expected).lower())
    if stated and known and stated not in known:
        found.append({"code": "modality", "scan": stated, "model": expected})
    *_, height, width = recipe.preprocessing.size
    sides = scan.shape[-2:]
    if min(sides[0] / height, sides[1] / width) < _SMALL:
        found.append({"code": "small", "scan": [int(side) for side in sides], "model": [height, width]})
    ratio = (sides[0] / height) / (sides[1] / width)
    if recipe.preprocessing.fit == "stretch" and max(ratio, 1 / ratio) > _STRETCH:
        found.append({"code": "shape", "scan": [int(side) for side in sides], "model": [height, width]})
    pixels = scan.array.reshape(-1, scan.channels)
    sample = pixels[:: max(1, len(pixels) // 200_000)]
    if sample.shape[-1] >= 3 and recipe.preprocessing.channels == 1:
        colours = sample[:, :3].astype(np.float64)
        if np.ptp(colours, axis=1).mean() > _GREY:
            found.append({"code": "colour"})
    _, counts = np.unique(sample[:, 0], return_counts=True)
    if counts.max() >= _EMPTY * len(sample):
        found.append({"code": "empty", "share": round(float(counts.max() / len(sample)), 4)})
    return found


def _modality(scan: Scan) -> str | None:
    """Return the modality that the DICOM file of a scan states, of a series that of its first file."""
    if scan.kind != "dicom" or not os.path.exists(scan.source):
        return None
    from medzoo.io.dicom.headers import open_dicom

    path = Path(scan.source)
    for file in [path] if path.is_file() else sorted(below for below in path.rglob("*") if below.is_file()):
        try:
            return str(open_dicom(file, stop_before_pixels=True).get("Modality") or "") or None
        except (ValueError, OSError):
            continue
    return None


def spread(model: Model, prediction: Prediction) -> dict[str, Any] | None:
    """Return how much the answer changes when the scan is mirrored as it was in training; None if it never was.

    Returns:
        `axes`, and by the task `agreement`, the Dice between the masks of the scan and of its mirror image (the lowest;
        1 where both are empty), or `change`, the largest change of the probability of the label or of the value.
    """
    recipe = getattr(model, "recipe", None)
    allowed = {*recipe.augmentation.flip, *(recipe.preprocessing.mirrors or ())} if recipe is not None else set()
    axes = [axis for axis in _AXES if axis in allowed]
    if not axes:
        return None
    scan = prediction.full_scan
    plain = _Plain(model)

    def answer(axis: str | None) -> Prediction:
        array = scan.array if axis is None else np.flip(scan.array, _AXES[axis])
        return next(iter(predict_scans(plain, [replace(scan, array=np.ascontiguousarray(array))])))

    first = answer(None)
    if isinstance(first, MaskPrediction):
        agreement = min(_overlap(first.displayed_mask, _mirrored_mask(answer(axis), axis)) for axis in axes)
        return {"axes": axes, "agreement": round(float(agreement), 3)}
    change = max(np.abs(_values(answer(axis)) - _values(first)).max() for axis in axes)
    return {"axes": axes, "change": round(float(change), 4)}


def _mirrored_mask(answer: Any, axis: str) -> np.ndarray:
    # Masks have no axis of channels.
    return np.flip(answer.displayed_mask, _AXES[axis] + 1)


def _values(answer: Any) -> np.ndarray:
    return np.asarray(answer.probabilities if isinstance(answer, ClassPrediction) else [answer.value])


class _Plain:
    """A model that looks at a scan once, not also at its mirror images."""

    def __init__(self, model: Model):
        self.task, self.preprocessing = model.task, replace(model.preprocessing, mirrors=None)
        self.predict_on_batch = model.predict_on_batch


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Dice of all foreground, labels apart; 1 of two empty masks."""
    both = np.count_nonzero((first == second) & (first > 0))
    total = np.count_nonzero(first) + np.count_nonzero(second)
    return 2 * both / total if total else 1.0
