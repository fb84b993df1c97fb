"""What the answers to all tasks have."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any

from medzoo.files import write_json
from medzoo.io import Scan, read_scan
from medzoo.io.formats import stem_of
from medzoo.task import Task
from medzoo.transforms.spatial import resize


class Prediction(ABC):
    """What a model says of one scan.

    Args:
        scan: The scan.
        task: The model's task.
    """

    def __init__(self, scan: Scan, task: Task):
        self.scan = scan
        self.task = task

    @property
    def source(self) -> str:
        """Path of the scan, or `"array"`."""
        return self.scan.source

    @property
    def name(self) -> str:
        """Name of the source without folder and suffix, for the files of the answer."""
        # The working folder "." has a name as well.
        return stem_of(os.path.basename(os.path.abspath(self.source)))

    @property
    def full_scan(self) -> Scan:
        """The scan at full size: a JPEG that was decoded at reduced scale is read once more, or enlarged."""
        if self.scan.array.shape[:-1] == self.scan.shape:
            return self.scan
        if os.path.exists(self.source):
            return read_scan(self.source)
        # What lies in shards has no file of its own.
        return replace(self.scan, array=resize(self.scan.array, self.scan.shape))

    @property
    @abstractmethod
    def summary(self) -> str:
        """The answer in a few words."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the answer as values that JSON has."""

    def save_all(self, folder: str | os.PathLike, name: str | None = None) -> dict[str, Path]:
        """Write all files of the answer into `folder` and return their paths.

        Args:
            folder: Where to write; files of this name that stand there are replaced.
            name: Start of the file names; None takes that of the source.
        """
        path = Path(folder) / f"{name or self.name}.json"
        write_json(path, self.to_json())
        return {"json": path}
