"""What a score does not say: pictures as users have them, turned, mirrored, compressed or noisy, and healthy ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from medzoo.data.samples import check_task
from medzoo.evaluation.evaluate import collect
from medzoo.evaluation.intervals import intervals
from medzoo.evaluation.tables import rounded, score_json
from medzoo.inference import predict_scans
from medzoo.io import Image, Scan, as_image
from medzoo.progress import track
from medzoo.transforms.spatial import nearest, resize

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.inference.model import Model

# Standard deviation of the noise, as a share of the range of the pixels.
NOISE = 0.05
QUALITY = 50


class Change(NamedTuple):
    """One way to change a scan.

    Args:
        pixels: Function from pixels `([depth,] height, width, channels)` to pixels of the same type.
        moves: Whether the same function also takes the mask, since the picture is moved.
        pictures: Whether it is made for pictures only, not for volumes.
    """

    pixels: Callable[[np.ndarray], np.ndarray]
    moves: bool = False
    pictures: bool = False


def robustness(model: Model, samples: Samples, split: str | None = None, batch_size: int = 8) -> dict[str, Any]:
    """Score a model on changed scans: turned, mirrored, compressed, noisy, brighter, darker and of half resolution.

    A quarter turn or a mirror moves the true mask too. Take the validation part: what is learned here may lead to
    another training, and the test part is for the last number only.

    Args:
        model: A model with `.task` and `.preprocessing`.
        samples: Images, targets and patients.
        split: Name of the part, for the record.
        batch_size: Images in one step.

    Returns:
        `split`, the name of the `score`, and `changes`: a row for each with its name as `change`, and `value`, `low`
        and `high` of the score; the first is that of the scans as they are.

    Raises:
        ValueError: As of `medzoo.evaluate`.

    Example:
        >>> rows = robustness(model, valid)["changes"]
        >>> [row["change"] for row in rows[:3]]
        ['none', 'turned by 90 degrees', 'turned by 180 degrees']
    """
    # The labels are given their names here: what numbers stand for is asked of arrays, and changed ones are none.
    samples, score = check_task(samples, model.task), model.task.main_score
    volumes = len(samples) > 0 and as_image(samples.images[0]).read().is_volume
    changes = {name: change for name, change in CHANGES.items() if not (volumes and change.pictures)}
    rows = []
    for name, change in changes.items():
        cases = collect(model, _changed(samples, change), batch_size)

        def statistic(weights: np.ndarray, cases: Any = cases) -> dict[str, np.ndarray]:
            return {score: cases.statistic(weights)[score]}

        rows.append({"change": name, **score_json(*intervals(statistic, samples.patients)[score])})
    return {"split": split, "score": score, "changes": rows}


def false_alarms(model: Model, scans: Sequence[Any], name: str | None = None, batch_size: int = 8) -> dict[str, Any]:
    """Count the scans without any finding in which a model of segmentation marks something all the same.

    Args:
        model: A model of segmentation.
        scans: Healthy scans: what `medzoo.predict` takes, one by one.
        name: Name of the data set, for the record.
        batch_size: Images in one step.

    Returns:
        `data`, the number of `cases`, the `alarms` among them, `rate` with `value`, `low` and `high`, and
        `median_share`: of the scans with an alarm, the median share of the pixels that are marked.

    Raises:
        ValueError: The model outlines nothing, or there are no scans.

    Example:
        >>> false_alarms(model, ["healthy/1.png", "healthy/2.png"], "Healthy volunteers")["rate"]["value"]
        0.5
    """
    if not model.task.is_dense:
        raise ValueError(
            f"False alarms on healthy scans are counted for a segmentation; the task is {model.task.name}. "
            "Evaluate it on data that holds the healthy class."
        )
    if not len(scans):
        raise ValueError("`scans` must hold at least one healthy scan; got none.")
    predictions: Iterable[Any] = track(predict_scans(model, scans, batch_size=batch_size), "Healthy scans", len(scans))
    shares = np.array([np.mean(prediction.displayed_mask > 0) for prediction in predictions])
    alarms = shares > 0
    # Each scan counts as a patient of its own.
    apart = [str(number) for number in range(len(scans))]
    rate = intervals(lambda weights: {"rate": weights @ alarms / weights.sum(-1)}, apart)["rate"]
    return {
        "data": name,
        "cases": len(scans),
        "alarms": int(alarms.sum()),
        "rate": score_json(*rate),
        "median_share": rounded(np.median(shares[alarms])) if alarms.any() else None,
    }


def _changed(samples: Samples, change: Change) -> Samples:
    targets = samples.targets
    if change.moves and samples.task_type.is_dense:
        targets = tuple(_ChangedMask(target, change.pixels) for target in targets)
    images = tuple(_ChangedImage(as_image(image), change) for image in samples.images)
    return replace(samples, images=images, targets=targets)


class _ChangedImage(Image):
    """An image that is changed after it is read."""

    def __init__(self, image: Image, change: Change):
        self.source = image.source
        self._image, self._change = image, change

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Return the changed pixels, in the grid that they are shown in."""
        scan = self._image.read()
        array = np.ascontiguousarray(self._change.pixels(scan.array))
        shape, spacing, padding = array.shape[:-1], scan.spacing, scan.padding
        if self._change.moves and padding is not None:
            padding = self._change.pixels(padding[..., None])[..., 0]
        if spacing and shape != scan.shape:
            spacing = (*spacing[:-2], spacing[-1], spacing[-2])
        # The way back into the file's own order of axes has no meaning for what was moved; the spacing has.
        return Scan(array, shape, spacing, source=scan.source, padding=padding)


@dataclass(frozen=True)
class _ChangedMask:
    """The mask of a picture that was moved."""

    target: Any
    pixels: Callable[[np.ndarray], np.ndarray]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.mask(None).shape

    def mask(self, size: tuple[int, ...] | None) -> np.ndarray:
        """Return the moved label indices."""
        mask = self.pixels(self.target.mask(None)[..., None])[..., 0]
        return np.ascontiguousarray(nearest(mask, size))


def _turned(times: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: np.rot90(pixels, times, axes=(-3, -2))


def _mirrored(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., ::-1, :]


def _times(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: _like(pixels * np.float32(factor), pixels)


def _noisy(pixels: np.ndarray) -> np.ndarray:
    spread = NOISE * (float(pixels.max()) - float(pixels.min()))
    noise = np.random.default_rng(0).normal(0, spread, pixels.shape).astype(np.float32)
    return _like(pixels + noise, pixels)


def _compressed(pixels: np.ndarray) -> np.ndarray:
    low, high = (0, 255) if pixels.dtype == np.uint8 else (float(pixels.min()), float(pixels.max()))
    # A flat picture has no range.
    step = (high - low) / 255 or 1
    eight_bit = np.clip(np.rint((pixels - low) / step), 0, 255).astype(np.uint8)
    channels = [_as_jpeg(eight_bit[..., index]) for index in range(pixels.shape[-1])]
    return _like(np.stack(channels, axis=-1) * step + low, pixels)


def _as_jpeg(channel: np.ndarray) -> np.ndarray:
    _, code = cv2.imencode(".jpg", channel, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE))


def _blurred(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 4:
        return np.stack([_blurred(plane) for plane in pixels])
    size = pixels.shape[:2]
    half = tuple(max(1, side // 2) for side in size)
    return _like(resize(resize(pixels.astype(np.float32), half), size), pixels)


def _like(pixels: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return pixels in the type of the first ones; what lies beyond its range is set to the nearest bound."""
    if first.dtype.kind == "f":
        return pixels.astype(first.dtype)
    bounds = np.iinfo(first.dtype)
    return np.clip(np.rint(pixels), bounds.min, bounds.max).astype(first.dtype)


CHANGES = {
    "none": Change(lambda pixels: pixels),
    "turned by 90 degrees": Change(_turned(1), moves=True),
    "turned by 180 degrees": Change(_turned(2), moves=True),
    "turned by 270 degrees": Change(_turned(3), moves=True),
    "mirrored": Change(_mirrored, moves=True),
    f"JPEG of quality {QUALITY}": Change(_compressed, pictures=True),
    f"noise of {NOISE:.0%} of the range": Change(_noisy),
    "20% brighter": Change(_times(1.2)),
    "20% darker": Change(_times(0.8)),
    "half resolution": Change(_blurred),
}
