"""Samples from shards that `tfds build` prepared."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.data.samples import SPLITS, Samples
from medzoo.data.sources.masks import MaskTarget
from medzoo.errors import require
from medzoo.io import Image, Scan, as_image
from medzoo.io.image import damaged
from medzoo.task import TASKS

_VERSION = r"\d+\.\d+\.\d+"


def from_tfds(name: str | os.PathLike, data_dir: str | os.PathLike | None = None) -> Samples:
    """Read a data set that `tfds build` prepared with a builder of `medzoo.data.tfds`.

    An index beside the shards holds names, patients, labels and values; each row is read from the shards by itself,
    when it is asked for. Neither the files that the shards were made of nor the builder are needed.

    Args:
        name: Name of the data set, with the configuration if it has several ("cardiac_mri/lvef"), and with the version
            for another than the last one ("brain_mri:1.0.0"); or the folder of the shards.
        data_dir: Folder of all prepared data sets; `TFDS_DATA_DIR` or `~/tensorflow_datasets` by default.

    Returns:
        The rows in the order of the source, with its splits, patients, labels and slices. Images read the same as from
        their files; masks have the grid of their image, and are scaled to the nearest pixel.

    Raises:
        FileNotFoundError: No such data set was prepared; the message holds the command.
        ValueError: There are several configurations, or the shards come from another builder or in another format.
        ImportError: tensorflow-datasets is not installed.

    Example:
        >>> data = medzoo.data.from_tfds("brain_mri", data_dir="shards")
        >>> train = data.part("train")
    """
    tfds = require("tensorflow_datasets", "tfds")
    folder = _find(str(name), Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser())
    builder = tfds.builder_from_directory(folder)
    index = builder.info.metadata or {}
    if not {"kind", "labels", "rows"} <= index.keys():
        raise ValueError(f"{folder} has no index of medzoo. Prepare it with a builder that is a SamplesBuilder.")
    parts = [_part(builder, split, rows) for split, rows in index["rows"].items()]
    return reduce(add, parts)


def _find(name: str, data_dir: Path) -> Path:
    """Return the folder of the last version of the data set."""
    places = (data_dir / re.sub(rf":({_VERSION})$", r"/\1", name), Path(name))
    root = next((place for place in places if place.is_dir()), Path(name))
    folders = [file.parent for file in root.rglob("dataset_info.json") if re.fullmatch(_VERSION, file.parent.name)]
    if not folders:
        raise FileNotFoundError(
            f"There is no prepared data set '{name}' in '{data_dir}'. Prepare it: "
            f"python -m medzoo.data.tfds NAME --manual_dir FOLDER --data_dir '{data_dir}'"
        )
    configurations = sorted({folder.parent for folder in folders})
    if len(configurations) > 1:
        names = ", ".join(f"'{folder.relative_to(root.parent)}'" for folder in configurations)
        raise ValueError(f"'{name}' has {len(configurations)} configurations. Give one of them: {names}.")
    return max(folders, key=lambda folder: tuple(map(int, folder.name.split("."))))


def _open(builder: Any, split: str, raw: Sequence[str]) -> Sequence[Any]:
    """Return the rows of a split; the features named in `raw` are not decoded."""
    from tensorflow_datasets import decode

    try:
        return builder.as_data_source(split, decoders=dict.fromkeys(raw, decode.SkipDecoding()))
    except NotImplementedError as error:
        raise ValueError(
            f"{builder.data_dir} has the format {builder.info.file_format.value}, which gives no access to single "
            "rows. Prepare it again with --file_format=array_record."
        ) from error


def _part(builder: Any, split: str, index: list[Any]) -> Samples:
    """Return the rows of one split."""
    files, masks = _open(builder, split, ("image", "target")), _open(builder, split, ("image",))
    if len(index) != len(files):
        raise ValueError(
            f"{builder.data_dir} has {len(files)} rows of {split}, its index {len(index)}. Prepare it again."
        )
    names, patients, slices, targets = zip(*index, strict=True)
    sources = [f"{builder.data_dir}/{name}" for name in names]
    if TASKS[builder.info.metadata["kind"]].is_dense:
        targets = tuple(
            ShardMask(sources[row], tuple(target["shape"]), tuple(target["labels"]), masks, row)
            for row, target in enumerate(targets)
        )
    return Samples(
        images=tuple(ShardImage(source, files, row) for row, source in enumerate(sources)),
        targets=targets,
        # As in Samples: an image without a patient is its own patient.
        patients=tuple(patient or source for patient, source in zip(patients, sources, strict=True)),
        splits=(split if split in SPLITS else "",) * len(sources),
        labels=tuple(builder.info.metadata["labels"]),
        slices=slices,
    )


@dataclass(frozen=True)
class ShardImage(Image):
    """An image in shards; `medzoo.read_scan` takes it as it takes a path.

    Args:
        source: Folder of the shards and path of the image in the data set that they were made of.
        rows: The rows of its split.
        row: Its index in them.
    """

    source: str
    rows: Sequence[Any] = field(repr=False, compare=False)
    row: int = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.source

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Read the image exactly as `read_scan` reads its file.

        Raises:
            ValueError: The content cannot be used, as in `read_scan`.
        """
        # The readers, and the libraries that they call, need a file with its suffix.
        with tempfile.NamedTemporaryFile(suffix=os.path.basename(self.source)) as file:
            file.write(_row(self)["image"])
            file.flush()
            try:
                return replace(as_image(file.name).read(at_least), source=self.source)
            except ValueError as error:
                raise ValueError(str(error).replace(file.name, self.source)) from error


@dataclass(frozen=True)
class ShardMask(MaskTarget):
    """A mask in shards.

    Args:
        source: What its image has as `source`.
        shape: Its shape, ([depth,] height, width).
        labels: The label indices in it.
        rows: The rows of its split.
        row: Its index in them.
    """

    source: str
    # With `field`, or the dataclass would take the properties of MaskTarget for defaults.
    shape: tuple[int, ...] = field()
    labels: tuple[int, ...] = field()
    rows: Sequence[Any] = field(repr=False, compare=False)
    row: int = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.source

    def read(self) -> np.ndarray:
        """Return the label indices, uint8 in `shape`."""
        return _row(self)["target"]


def _row(item: ShardImage | ShardMask) -> dict[str, Any]:
    """Return the row that an image or a mask is part of."""
    try:
        return item.rows[item.row]
    except Exception as error:
        # ArrayRecord raises RuntimeError for damaged files, those who read its rows nearly anything.
        raise damaged(item.source, error, "Copy the shards again, or prepare them again.") from error
