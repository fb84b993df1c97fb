"""What a model answers: the only place that knows one task from another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medzoo.errors import refuse_unknown, unknown_name
from medzoo.task.base import Task
from medzoo.task.classification import Classification
from medzoo.task.features import FeatureExtraction
from medzoo.task.regression import Regression
from medzoo.task.segmentation import Segmentation

__all__ = ["TASKS", "Classification", "FeatureExtraction", "Regression", "Segmentation", "Task", "task_from_json"]

TASKS: dict[str, type[Task]] = {
    task.name: task for task in (Segmentation, Classification, Regression, FeatureExtraction)
}


def task_from_json(value: Mapping[str, Any]) -> Task:
    """Make a task of its JSON form.

    Raises:
        ValueError: The type or a field is unknown; near matches are in the message.
    """
    fields = dict(value)
    kind = fields.pop("type", None)
    if kind not in TASKS:
        raise unknown_name("task", kind, TASKS)
    task = TASKS[kind]
    refuse_unknown(f"field of the task {kind!r}", fields, task.__dataclass_fields__)
    return task(**fields)
