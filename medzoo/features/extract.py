"""Features of a data set by any zoo model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.data.feed.reader import read_ahead
from medzoo.entry.untrusted import damage_named
from medzoo.files import atomic_file
from medzoo.graph.features import feature_network
from medzoo.io import as_image
from medzoo.models.fast import accelerate
from medzoo.preprocessing.answers import average
from medzoo.progress import track

if TYPE_CHECKING:
    import keras

    from medzoo.data import Samples
    from medzoo.data.samples import Sample
    from medzoo.preprocessing import Preprocessing
    from medzoo.zoo_model import ZooModel

_COLUMNS = ("sources", "patients", "splits")
_READERS = 4


@dataclass(frozen=True, eq=False)
class Features:
    """One vector for each case.

    Args:
        values: Features `(cases, features)`, float32.
        sources: Path of each image, or what stands for it.
        patients: Patient of each case.
        splits: `"train"`, `"valid"`, `"test"` or `""`.

    Example:
        >>> features = extract(model, samples)
        >>> features.save("features.npz")
    """

    values: np.ndarray
    sources: tuple[str, ...]
    patients: tuple[str, ...]
    splits: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.values)

    def __add__(self, other: Features) -> Features:
        """Return the cases of both."""
        columns = (getattr(self, name) + getattr(other, name) for name in _COLUMNS)
        return Features(np.concatenate([self.values, other.values]), *columns)

    def save(self, path: str | os.PathLike, **more: Any) -> None:
        """Write an `.npz` of `values`, `sources`, `patients` and `splits`, and of `more` arrays."""
        arrays: dict[str, Any] = {name: np.array(getattr(self, name), str) for name in _COLUMNS}
        with atomic_file(path) as temporary:
            np.savez_compressed(temporary, **{"values": self.values, **arrays, **more})

    @classmethod
    def load(cls, path: str | os.PathLike) -> Features:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            IntegrityError: It is damaged, or another file.
        """
        with damage_named(path, "file of features", "Delete it and extract them again."), np.load(path) as file:
            return cls(file["values"], *(tuple(file[name].tolist()) for name in _COLUMNS))


def extract(model: ZooModel, samples: Samples, layer: str | int | None = None, batch_size: int = 8) -> Features:
    """Describe every image by the features of a network.

    Images are read as in `medzoo.predict`, when their turn comes. A model of stacks of slices whose answers are
    averaged over several of them gives the mean of their features.

    Args:
        model: A zoo model of any task, or a functional Keras model with a `preprocessing`.
        samples: What to describe; targets are not looked at.
        layer: Name of a layer, or stride of the encoder's features, as in `feature_network`; None for the input of the
            last dense layer.
        batch_size: Images, stacks or volumes in a batch.

    Returns:
        The features, `values` of shape `(len(samples), features)`.

    Raises:
        ValueError: There is no sample or no such layer, or an image cannot be read or does not fit the model; the
            message names it.
        TypeError: The model is no Keras model.

    Example:
        >>> extract(medzoo.load("brain-tumor-unet"), samples, layer="stride_16").values.shape
        (240, 128)
    """
    check_model(model, samples)
    network = accelerate(feature_network(model, layer))
    return extract_with(network, model.preprocessing, samples, batch_size)


def extract_with(
    network: keras.Model, preprocessing: Preprocessing, samples: Samples, batch_size: int = 8, words: str = "Features"
) -> Features:
    """Describe every image by the output of a network, such as one of `feature_network`; `words` are its progress."""
    values = list(track(_values(network, preprocessing, samples, batch_size), words, len(samples)))
    return Features(np.stack(values), samples.sources, samples.patients, samples.splits)


def check_model(model: Any, samples: Samples) -> None:
    """Refuse anything but a single Keras network, and an empty data set."""
    import keras

    if not isinstance(model, keras.Model):
        raise TypeError(
            f"Features are taken of a Keras model. Received: {type(model).__name__}. Give a network, such as "
            "medzoo.load returns for the entry of one."
        )
    recipe = getattr(model, "recipe", None)
    if recipe is not None and recipe.builder["name"] == "ensemble":
        raise ValueError(f"The model '{recipe.name}' is an ensemble of several networks. Give one of them: RUN/fold-1")
    if not len(samples):
        raise ValueError("`samples` must hold at least one image; got none. Check the split that was chosen.")


def _values(
    network: keras.Model, preprocessing: Preprocessing, samples: Samples, batch_size: int
) -> Iterator[np.ndarray]:
    waiting: list[np.ndarray] = []
    inputs = _inputs(preprocessing, samples)
    while batch := list(islice(inputs, batch_size)):
        outputs = np.asarray(network.predict_on_batch(np.stack([pixels for _, pixels in batch])))
        for (count, _), output in zip(batch, outputs, strict=True):
            waiting.append(output)
            if len(waiting) == count:
                yield average(waiting, np.float32)
                waiting = []


def _inputs(preprocessing: Preprocessing, samples: Samples) -> Iterator[tuple[int, np.ndarray]]:
    """Yield every input with the number of inputs that its image makes; a few images are read at a time."""

    def read(row: Sample) -> list[np.ndarray]:
        return list(as_image(row.image).windows(preprocessing, row.slice).inputs())

    rows = map(samples.__getitem__, range(len(samples)))
    for inputs in read_ahead(read, rows, _READERS):
        yield from ((len(inputs), pixels) for pixels in inputs)
