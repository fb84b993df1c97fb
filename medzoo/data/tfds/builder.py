"""Samples to shards: the base of all builders."""

from __future__ import annotations

import abc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from medzoo.data.samples import Samples
from medzoo.data.sources.masks import as_mask
from medzoo.io import as_image
from medzoo.task import Task

# In tfds every row has a split, and "all" is reserved.
UNSPLIT = "unsplit"

# tfds sorts rows by their key, and distributes them over temporary files by its place in the range of 128 bits.
_KEYS = 2**128


class SamplesBuilder(tfds.core.GeneratorBasedBuilder, abc.ABC, skip_registration=True):  # type: ignore[call-arg]  # no stubs
    """Write what a reader of medzoo returns into shards, from which every row can be read by itself.

    The bytes of the image files are copied, so that `medzoo.data.from_tfds` returns the same pixels, spacing and affine
    as the files. Masks are kept in the grid of their image. An index in `metadata.json` holds what Samples needs of
    every row before it is read.

    A builder is a class with a docstring, the fields below and `samples`. The default file format is ArrayRecord, which
    gives access to single rows.

    Fields:
        TASK: The task that the targets are for, with their labels.
        VOLUMES: Whether the images are volumes; else they are pictures, which other users of tfds get decoded.
        LICENSE, HOMEPAGE, CITATION: Those of the data.
        MANUAL_DOWNLOAD_INSTRUCTIONS: Where to get the data, and how its folder must look.

    Source: https://www.tensorflow.org/datasets/add_dataset
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First version."}
    TASK: Task
    VOLUMES = False
    LICENSE = HOMEPAGE = CITATION = ""

    def __init__(self, *, file_format: str | None = None, **options: Any) -> None:
        super().__init__(file_format=file_format or "array_record", **options)

    @abc.abstractmethod
    def samples(self, folder: Path) -> Samples:
        """Read the data set in `folder`, the one of `--manual_dir`."""

    @property
    def task(self) -> Task:
        """The task of this builder, or of its configuration."""
        return self.TASK

    def _info(self) -> tfds.core.DatasetInfo:
        file = tfds.features.Tensor(shape=(), dtype=np.object_) if self.VOLUMES else tfds.features.Image()
        texts = {name: tfds.features.Text() for name in ("name", "patient")}
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict({"image": file, **texts, "target": self._target_feature()}),
            homepage=self.HOMEPAGE,
            citation=self.CITATION,
            license=self.LICENSE,
            metadata=tfds.core.MetadataDict(kind=self.task.name, labels=self.task.labels, rows={}),
            # The index counts rows in the order of the source.
            disable_shuffling=True,
        )

    def _target_feature(self) -> tfds.features.FeatureConnector:
        if self.task.is_dense:
            shape = (None,) * (3 if self.VOLUMES else 2)
            return tfds.features.Tensor(shape=shape, dtype=np.uint8, encoding=tfds.features.Encoding.ZLIB)
        if self.task.is_categorical:
            return tfds.features.ClassLabel(names=self.task.labels)
        return tfds.features.Scalar(np.float64)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        folder = Path(dl_manager.manual_dir)
        samples = self.samples(folder)
        _check(samples, self)
        splits = np.array(samples.splits)
        return {
            split or UNSPLIT: self._generate_examples(split or UNSPLIT, samples[splits == split], folder)
            for split in dict.fromkeys(samples.splits)
        }

    def _generate_examples(self, split: str, samples: Samples, folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        index = self.info.metadata["rows"][split] = []
        patients = samples.patients if samples.has_patients else ("",) * len(samples)
        columns = zip(samples.images, patients, samples.slices, samples.targets, strict=True)
        for row, (image, patient, slice_, target) in enumerate(columns):
            name = os.path.relpath(image, folder)
            mask = as_mask(target)
            target = target if mask is None else mask.mask(None)
            index.append([name, patient, slice_, _summary(target)])
            example = {"image": Path(image).read_bytes(), "name": name, "patient": patient, "target": target}
            yield row * (_KEYS // len(samples)), example


def _check(samples: Samples, builder: SamplesBuilder) -> None:
    """Refuse samples of another task, and images that are not one file."""
    expected, got = (builder.task.name, builder.task.labels), (samples.kind, samples.labels)
    if expected != got:
        raise ValueError(f"{builder.name} expected samples with kind and labels {expected}; got {got}. Correct TASK.")
    other = next((image for image in samples.images if len(as_image(image).paths()) != 1), None)
    if other is not None:
        raise TypeError(
            f"Shards hold files; got {type(other).__name__} '{other}'. Write it as one file first, for example NIfTI."
        )


def _summary(target: Any) -> Any:
    """Return the entry of the index for a target: the number itself, or shape and labels of a mask."""
    if isinstance(target, np.ndarray):
        return {"shape": target.shape, "labels": np.unique(target).tolist()}
    return target
