"""COCO files for the tests of the readers."""

from __future__ import annotations

import json


def box(x0, y0, x1, y1):
    """Return a rectangle as a polygon."""
    return [x0, y0, x1, y0, x1, y1, x0, y1]


SQUARE = box(2, 2, 6, 6)


def image(key=1, file="a.png", height=8, width=8):
    return {"id": key, "file_name": file, "height": height, "width": width}


def annotation(segmentation, key=10, image_id=1, category_id=1, **more):
    return {"id": key, "image_id": image_id, "category_id": category_id, "segmentation": segmentation, **more}


def write_coco(folder, annotations, images=None, categories=("tumor",), name="coco.json"):
    """Write a COCO file and empty files in place of its pictures, and return its path."""
    folder.mkdir(exist_ok=True)
    images = [image()] if images is None else images
    for entry in images:
        (folder / str(entry.get("file_name", "none"))).touch()
    names = [{"id": key, "name": label} for key, label in enumerate(categories, 1)]
    path = folder / name
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": names}))
    return path
