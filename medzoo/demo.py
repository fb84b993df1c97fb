"""The main job on synthetic scans: predict, fine-tune, evaluate, write a card. Offline."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from medzoo.inference import Prediction
    from medzoo.zoo_model import ZooModel

MODEL = "brain-tumor-unet"
CARD: dict[str, Any] = {
    "summary": "A demonstration: brain-tumor-unet fine-tuned for two epochs on drawings. Of no use on real scans.",
    "modality": "synthetic",
    "license": "apache-2.0",
    "intended_use": "To see what medzoo writes.",
    "limits": "The scans are drawn by the program and show no patient.",
    "data": {"name": "medzoo synthetic scans", "license": "Apache-2.0", "source": "medzoo.data.synthetic"},
}


def demo(folder: Path, epochs: int = 2, images: int = 48) -> Path:
    """Run predict, fine-tune, evaluate and card on synthetic scans.

    Args:
        folder: Where everything is written.
        epochs: Epochs of the fine-tuning.
        images: Number of synthetic training scans.

    Returns:
        Folder of the fine-tuned zoo entry.
    """
    start = time.perf_counter()
    _say(start, "Drawing synthetic scans (no patient data)")
    from medzoo.data.synthetic import make_coco

    make_coco(folder / "data" / "train", images)
    make_coco(folder / "data" / "test", images // 2, seed=images)

    scan = folder / "data" / "test" / f"synthetic_{images:04d}.png"
    _say(start, f"Predicting {scan.name} with {MODEL} (onnxruntime, no Keras)")
    _say(start, f"  {_predict(MODEL, scan, folder / 'before')}")

    entry = _fine_tune(folder, epochs, start)
    _say(start, "Predicting the same scan with the fine-tuned model")
    _say(start, f"  {_predict(entry, scan, folder / 'after')}\n  {entry / 'README.md'} is its card. Done.")
    return entry


def _predict(model: str | Path, scan: Path, folder: Path) -> Path:
    """Write the answer for a scan and return its overlay."""
    from medzoo.zoo.predict import predict

    # One scan, one answer.
    return cast("Prediction", predict(model, scan)).save_all(folder)["overlay"]


def _fine_tune(folder: Path, epochs: int, start: float) -> Path:
    _say(start, f"Loading {MODEL} as a Keras model and fitting it for {epochs} epochs")
    from medzoo.data import from_coco
    from medzoo.evaluation.evaluate import evaluate
    from medzoo.zoo.load import load
    from medzoo.zoo.save import save

    model = cast("ZooModel", load(MODEL))
    data = from_coco(folder / "data" / "train" / "_annotations.coco.json")
    test = from_coco(folder / "data" / "test" / "_annotations.coco.json")
    train, valid = data.split(valid=0.25, seed=0)
    before = evaluate(model, test)["dice"]
    model.fit(
        model.dataset(train, batch_size=8, augment=True, shuffle=True),
        validation_data=model.dataset(valid),
        epochs=epochs,
    )
    _say(start, "Evaluating on scans that it was not fitted on")
    model.recipe = replace(model.recipe, name="medzoo-demo", card=CARD, expected={}, epochs=epochs)
    model.evaluation = evaluate(model, test, split="test", data_name=CARD["data"]["name"])
    print(model.evaluation)
    _say(start, f"Dice on the synthetic scans: {before:.3f} before, {model.evaluation['dice']:.3f} after fine-tuning")
    return save(model, folder / "model")


def _say(start: float, text: str) -> None:
    print(f"[{time.perf_counter() - start:5.1f} s] {text}", flush=True)
