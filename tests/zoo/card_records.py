"""What cards are made of, without a model: words, and records of evaluations."""

from medzoo.evaluation.record import Evaluation
from medzoo.task import Classification, Regression, Segmentation

WORDS = {
    "summary": "Finds drawn lesions.",
    "modality": "MRI",
    "license": "apache-2.0",
    "tags": ["drawing"],
    "intended_use": "Tests.",
    "limits": "No patient was drawn.",
    "data": {"name": "Synthetic scans", "license": "CC BY 4.0", "source": "medzoo"},
}
LABELS = {
    "segmentation": Segmentation(("background", "lesion")),
    "classification": Classification(("benign", "malignant")),
    "regression": Regression("lvef", "%", mean=50, std=10),
}
SCORES = {
    "segmentation": ("dice", "dice_per_case", "precision/lesion"),
    "classification": ("balanced_accuracy", "auc_macro", "ece"),
    "regression": ("r2", "mae"),
}
DETAILS = {
    "segmentation": {
        "confusion": [[50, 1], [2, 11]],
        "threshold": 0.5,
        "empty_cases": {"rule": "Left out: all of them.", "cases": 1, "predicted_empty": 0, "specificity": None},
        "robustness": {
            "split": "valid",
            "score": "dice",
            "changes": [
                {"change": "none", "value": 0.8125, "low": 0.75, "high": 0.875},
                {"change": "mirrored", "value": 0.25, "low": None, "high": None},
            ],
        },
        "healthy": {
            "data": "Volunteers",
            "cases": 8,
            "alarms": 2,
            "rate": {"value": 0.25, "low": 0.1, "high": 0.5},
            "median_share": 0.0125,
        },
    },
    "classification": {
        "curves": {"roc": {"benign": [[0, 1], [0, 1]]}},
        "calibration": {"temperature": 1.5, "of": "no: it is 'yes'", "bins": [{"confidence": 1e-07, "cases": 3}]},
        "operating_points": [{"rule": "recall >= 0.9", "threshold": 0.31, "recall": 1.0}],
    },
    "regression": {"unit": "%"},
}


def make_evaluation(task="segmentation", split="test", **changes):
    """Return a record with made-up values, of which one score has no interval and one no value."""
    scores = {name: {"value": 0.8125, "low": 0.75, "high": 0.875} for name in SCORES[task]}
    scores |= {"accuracy": {"value": 0.5, "low": None, "high": None}, "iou": dict.fromkeys(("value", "low", "high"))}
    values = {
        "task": task,
        "labels": LABELS[task].labels,
        "data": {"name": "Synthetic scans", "split": split},
        "n_cases": 4,
        "n_patients": None,
        "scores": scores,
        "interval": {"level": 0.95, "method": "bootstrap", "samples": 1000, "seed": 0},
        "cases": [{"source": "a.png", "patient": None, "dice": 0.5}],
        "versions": {"medzoo": "0.1.0", "python": "3.10"},
        "hardware": {"cpu": "AMD EPYC", "cores": 2},
        "date": "2026-01-31",
        "seconds": 1.0,
        **DETAILS[task],
    }
    return Evaluation(**{**values, **changes})
