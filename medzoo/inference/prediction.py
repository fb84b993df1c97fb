"""What the answers to all tasks have."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any

from medzoo.io import Scan, read_scan
from medzoo.io.answers import NameTakenError, Write, file_name, numbered, write_together
from medzoo.io.dicom.segmentation import Maker
from medzoo.io.formats import stem_of
from medzoo.task import Task
from medzoo.transforms.spatial import resize


def answer_name(source: str) -> str:
    """Return the name of a source without folder and suffix, for the files of its answers."""
    # The working folder "." has a name as well.
    return file_name(stem_of(os.path.basename(os.path.abspath(source))))


class Prediction(ABC):
    """What a model says of one scan.

    Args:
        scan: The scan.
        task: The model's task.
    """

    def __init__(self, scan: Scan, task: Task):
        self.scan = scan
        self.task = task
        # What `predict_scans` knows of the model.
        self.maker = Maker()

    @property
    def source(self) -> str:
        """Path of the scan, or `"array"`."""
        return self.scan.source

    @property
    def name(self) -> str:
        """Name of the source without folder and suffix, for the files of the answer."""
        return answer_name(self.source)

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

    def findings(self) -> dict[str, Any]:
        """Return the answer as a report tells it: `to_json` without where the scan lies."""
        return {key: value for key, value in self.to_json().items() if key not in ("source", "task")}

    def to_row(self) -> dict[str, Any]:
        """Return the answer as a row of `summary.csv`: what `to_json` says, without lists."""
        return {key: value for key, value in self.to_json().items() if not isinstance(value, dict | list)}

    def save_all(self, folder: str | os.PathLike, name: str | None = None) -> dict[str, Path]:
        """Write all files of the answer into `folder`, together or not at all, and return their paths.

        Only the earlier answer for the same scan is replaced, as long as nobody changed it.

        Args:
            folder: Where to write.
            name: Start of the file names; None takes that of the source, with a number behind it (`scan_2`) where
                files of others have it.

        Raises:
            FileExistsError: With `name`: a file in the way is not medzoo's, was changed, or is for another scan.
        """
        for chosen in [name] if name else numbered(self.name):
            try:
                return write_together(folder, chosen, self._files(), self._record, self.to_json)
            except NameTakenError:
                if name:
                    raise
        raise AssertionError("numbers do not end")  # pragma: no cover

    # How the name of the JSON ends.
    _record = ".json"

    def _files(self) -> dict[str, tuple[str, Write]]:
        """Return the files besides the JSON by their kind: how each name ends, and what writes it."""
        return {}
