"""Time from the start of a new interpreter to the written mask: python benchmarks/cold_start.py [FILE] [--model NAME].

Compares `medzoo predict` through onnxruntime and through Keras with plain Keras: load the same folder, predict the same
file, write the mask. Each is the median of 5 runs, taken in turn, after one that fills the disk cache.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from medzoo.data.synthetic import make_coco
from medzoo.zoo.find import find_entry

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5
MEDZOO = (sys.executable, "-m", "medzoo")

# What one writes without medzoo for a binary model of grey pictures.
PLAIN_KERAS = """
import sys
import cv2, keras
model = keras.saving.load_model(sys.argv[1], compile=False)
image = cv2.imread(sys.argv[2], cv2.IMREAD_GRAYSCALE).astype("float32")
height, width = model.input_shape[1:3]
x = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
x = (x - x.min()) / (x.max() - x.min())
y = model.predict(x[None, ..., None], verbose=0)[0, ..., 0]
mask = cv2.resize(y, image.shape[::-1]) >= 0.5
cv2.imwrite(sys.argv[3], mask.astype("uint8") * 255)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", help="picture to predict; by default a synthetic one of 512 px")
    parser.add_argument("--model", default="brain-tumor-unet", help="name or folder of a zoo entry")
    options = parser.parse_args()
    entry = find_entry(options.model)
    with tempfile.TemporaryDirectory() as scratch:
        file = options.file or _synthetic_scan(Path(scratch))
        predict = (*MEDZOO, "predict", options.model, file, "-o", scratch)
        plain = (sys.executable, "-c", PLAIN_KERAS, entry, file, f"{scratch}/mask.png")
        commands = {
            "import medzoo": (sys.executable, "-c", "import medzoo"),
            "medzoo list": (*MEDZOO, "list"),
            "medzoo predict (onnx)": (*predict, "--engine", "onnx"),
            "medzoo predict --engine keras": (*predict, "--engine", "keras"),
            "plain Keras: load_model, predict": plain,
        }
        seconds = _medians(commands)
    _print_table(seconds, os.environ.get("KERAS_BACKEND", "tensorflow"))


def _synthetic_scan(folder: Path) -> Path:
    make_coco(folder / "scans", 1, size=512)
    return folder / "scans" / "synthetic_0000.png"


def _medians(commands: dict[str, tuple]) -> dict[str, float]:
    """Take turns, so that what else the machine does meets all commands alike."""
    rounds = [{name: _seconds(command) for name, command in commands.items()} for _ in range(RUNS + 1)]
    return {name: statistics.median(times[name] for times in rounds[1:]) for name in commands}


def _seconds(command: tuple) -> float:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(
            f"{' '.join(map(str, command[:4]))} ended with code {done.returncode}:\n{done.stderr.decode()[-2000:]}"
        )
    return seconds


def _print_table(seconds: dict[str, float], backend: str) -> None:
    *_, reference = seconds
    width = max(map(len, seconds))
    print(f"New interpreter each, median of {RUNS} runs; Keras on {backend}; {os.cpu_count()} cores")
    print(f"{'':{width}}  seconds  times faster than plain Keras")
    for name, value in seconds.items():
        ratio = f"{seconds[reference] / value:8.1f}" if "predict" in name else ""
        print(f"{name:{width}}  {value:7.2f}  {ratio}".rstrip())


if __name__ == "__main__":
    main()
