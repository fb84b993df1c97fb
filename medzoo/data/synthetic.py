"""Pictures that look a little like head scans and come from no patient, for demonstrations, tests and benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from medzoo.io.files import write_json

CATEGORY = "synthetic lesion"


def make_scan(seed: int = 0, size: int = 256) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Draw a synthetic head slice with one bright lesion.

    Args:
        seed: The same seed draws the same picture.
        size: Height and width in pixels.

    Returns:
        Grey image `(size, size)` uint8 and the box (left, top, width, height) around the lesion.
    """
    generator = np.random.default_rng(seed)
    center = np.array([size / 2, size / 2]) + generator.uniform(-0.03, 0.03, 2) * size
    axes = np.array([0.36, 0.43]) * size * generator.uniform(0.9, 1.05)
    image = np.zeros((size, size), np.float32)
    _ellipse(image, center, axes, 0.75)
    _ellipse(image, center, axes * 0.93, 0.10)
    _ellipse(image, center, axes * 0.88, 0.38)
    for side in (-1, 1):
        _ellipse(image, center + np.array([side * 0.06, -0.02]) * size, np.array([0.03, 0.10]) * size, 0.15)
    angle, distance = generator.uniform(0, 2 * np.pi), generator.uniform(0.25, 0.6)
    lesion = center + distance * axes * np.array([np.cos(angle), np.sin(angle)])
    radii = generator.uniform(0.05, 0.11, 2) * size
    _ellipse(image, lesion, radii, 0.95)
    image = cv2.GaussianBlur(image, (0, 0), size / 128)
    image += cv2.GaussianBlur(generator.normal(0, 0.12, image.shape).astype(np.float32), (0, 0), size / 256)
    left, top = np.floor(lesion - radii).astype(int).tolist()
    width, height = np.ceil(2 * radii).astype(int).tolist()
    return (np.clip(image, 0, 1) * 255).astype(np.uint8), (left, top, width, height)


def make_coco(folder: str | os.PathLike, count: int, seed: int = 0, size: int = 256, suffix: str = ".png") -> Path:
    """Write `count` synthetic scans and their COCO file, with a box for each lesion, as in the brain-tumour data.

    Returns:
        Path of the COCO file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for index in range(count):
        image, (left, top, width, height) = make_scan(seed + index, size)
        name = f"synthetic_{seed + index:04d}{suffix}"
        cv2.imwrite(os.fspath(folder / name), image)
        right, bottom = left + width, top + height
        images.append({"id": index, "file_name": name, "height": size, "width": size})
        annotations.append(
            {
                "id": index,
                "image_id": index,
                "category_id": 1,
                "bbox": [left, top, width, height],
                "area": width * height,
                "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
                "iscrowd": 0,
            }
        )
    path = folder / "_annotations.coco.json"
    write_json(path, {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": CATEGORY}]})
    return path


def _ellipse(image: np.ndarray, center: np.ndarray, axes: np.ndarray, value: float) -> None:
    box = (center.tolist(), (2 * axes).tolist(), 0.0)
    cv2.ellipse(image, box, value, cv2.FILLED, cv2.LINE_AA)
