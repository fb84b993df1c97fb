"""Pictures that look a little like head scans and come from no patient, for demonstrations, tests and benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from medzoo.files import write_json, write_rows

CATEGORY = "synthetic lesion"


def make_scan(seed: int = 0, size: int = 256, lesion: bool = True) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Draw a synthetic head slice with one bright lesion.

    Args:
        seed: The same seed draws the same picture.
        size: Height and width in pixels.
        lesion: Whether to draw the lesion; the box says where it would lie.

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
    place = center + distance * axes * np.array([np.cos(angle), np.sin(angle)])
    radii = generator.uniform(0.05, 0.11, 2) * size
    if lesion:
        _ellipse(image, place, radii, 0.95)
    noise = generator.normal(0, 0.12, image.shape).astype(np.float32)
    blurred = cv2.GaussianBlur(image, (0, 0), size / 128) + cv2.GaussianBlur(noise, (0, 0), size / 256)
    left, top = np.floor(place - radii).astype(int).tolist()
    width, height = np.ceil(2 * radii).astype(int).tolist()
    return (np.clip(blurred, 0, 1) * 255).astype(np.uint8), (left, top, width, height)


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


def make_folders(folder: str | os.PathLike, count: int, seed: int = 0, size: int = 64) -> Path:
    """Write `count` synthetic scans of either class into the folders `healthy` and `lesion`.

    Returns:
        The folder.
    """
    folder = Path(folder)
    for number, label in enumerate(("healthy", "lesion")):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for index in range(seed + number * count, seed + (number + 1) * count):
            image, _ = make_scan(index, size, lesion=label == "lesion")
            cv2.imwrite(os.fspath(folder / label / f"synthetic_{index:04d}.png"), image)
    return folder


def make_volume(seed: int = 0, depth: int = 8, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Draw a synthetic head as a volume with one bright lesion.

    Args:
        seed: The same seed draws the same volume.
        depth: Number of slices, 2 mm apart.
        size: Height and width in pixels of 1 mm.

    Returns:
        Volume and mask of the lesion, both `(depth, size, size)` uint8.
    """
    generator = np.random.default_rng(seed)
    # Millimetres from the centre, for every voxel.
    grid = np.stack(tuple(np.mgrid[:depth, :size, :size]), axis=-1) - (np.array([depth, size, size]) - 1) / 2
    grid *= [2, 1, 1]
    radius = generator.uniform(0.10, 0.22) * size
    place = generator.uniform(-0.12, 0.12, 3) * size * [0.5, 1, 1]
    mask = np.linalg.norm(grid - place, axis=-1) < radius
    head = np.linalg.norm(grid / [depth, 0.42 * size, 0.42 * size], axis=-1) < 1
    image = 90 * head + 120 * mask + generator.normal(20, 8, mask.shape)
    return np.clip(image, 0, 255).astype(np.uint8), mask.astype(np.uint8)


def make_volumes(folder: str | os.PathLike, count: int, seed: int = 0, depth: int = 8, size: int = 32) -> Path:
    """Write `count` synthetic volumes as NIfTI with masks, and a table of what was drawn, two scans a patient.

    Returns:
        Path of `cases.csv` with the columns image, patient, size ("large" or "small", half of them each) and volume_ml,
        beside the folders `images` and `labels`.
    """
    import nibabel

    folder = Path(folder)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    drawn = [make_volume(seed + index, depth, size) for index in range(count)]
    volumes = [2 * np.count_nonzero(mask) / 1000 for _, mask in drawn]
    rows = []
    for index, ((image, mask), volume) in enumerate(zip(drawn, volumes, strict=True)):
        name = f"case_{seed + index:03d}.nii.gz"
        for part, array in (("images", image), ("labels", mask)):
            # Display order runs to the left and to the back, NIfTI's axes are columns, rows, slices.
            stored = nibabel.Nifti1Image(array.transpose(2, 1, 0), np.diag([-1.0, -1.0, 2.0, 1.0]))
            nibabel.save(stored, folder / part / name)
        word = "large" if volume > np.median(volumes) else "small"
        case = {"image": f"images/{name}", "patient": f"patient{index // 2}", "size": word}
        rows.append({**case, "volume_ml": f"{volume:.3f}"})
    path = folder / "cases.csv"
    write_rows(path, rows)
    return path


def _ellipse(image: np.ndarray, center: np.ndarray, axes: np.ndarray, value: float) -> None:
    box = (center.tolist(), (2 * axes).tolist(), 0.0)
    cv2.ellipse(image, box, value, cv2.FILLED, cv2.LINE_AA)
