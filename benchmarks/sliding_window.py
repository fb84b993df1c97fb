"""Sliding windows of medzoo against MONAI's SlidingWindowInferer: one network of torch, one volume, one machine.

python benchmarks/sliding_window.py [--shape 128 256 256] [--labels 3 25 104]

Needs torch and monai (`pip install monai --no-deps`). Every line runs in a process of its own, and ends with a mask of
the largest output as uint8. The network is one convolution of kernel size 3, so that what is measured is what stands
around a network. Both blend with a Gaussian of 1/8 of the tile and an overlap of one half.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
TILE, BATCH = (64, 128, 128), 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=(128, 256, 256), help="voxels (default: 128 256 256)")
    parser.add_argument("--labels", type=int, nargs="+", default=(3, 25, 104), help="labels (default: 3 25 104)")
    options = parser.parse_args()
    print(f"{'labels':>8}{'medzoo s':>12}{'monai s':>12}{'ratio':>8}{'medzoo MB':>12}{'monai MB':>12}{'equal':>9}")
    for labels in options.labels:
        (own, own_mb, mask), (peer, peer_mb, other) = (
            alone(run, tuple(options.shape), labels) for run in (medzoo, monai)
        )
        equal = f"{np.mean(mask == other):.2%}"
        print(f"{labels:8}{own:12.1f}{peer:12.1f}{peer / own:8.2f}{own_mb:12.0f}{peer_mb:12.0f}{equal:>9}", flush=True)


def alone(run, shape: tuple[int, ...], labels: int) -> tuple[float, float, np.ndarray]:
    """Return seconds, MB by which the process grew, and the mask, of a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (run, shape, labels))


def measure(run, shape: tuple[int, ...], labels: int) -> tuple[float, float, np.ndarray]:
    import torch

    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv3d(1, labels, 3, padding=1), torch.nn.Softmax(dim=1)).eval()
    volume = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    run(network, volume[: TILE[0], : TILE[1], : TILE[2]], labels)
    scale = 1 if sys.platform == "darwin" else 1024
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    mask = run(network, volume, labels)
    seconds = time.perf_counter() - started
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * scale / 2**20, mask


def medzoo(network, volume: np.ndarray, labels: int) -> np.ndarray:
    import torch

    from medzoo import Preprocessing
    from medzoo.inference import predict_scans
    from medzoo.task import Segmentation

    def predict(inputs: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            # In the layout that the peer gives the network.
            return network(torch.from_numpy(inputs[:, None, ..., 0].copy())).movedim(1, -1).numpy()

    model = SimpleNamespace(
        task=Segmentation(tuple(map(str, range(labels)))),
        preprocessing=Preprocessing(TILE, fit="tile", normalization=None),
        predict_on_batch=predict,
    )
    return next(predict_scans(model, [volume[..., None]], batch_size=BATCH)).displayed_mask


def monai(network, volume: np.ndarray, labels: int) -> np.ndarray:
    import torch
    from monai.inferers import SlidingWindowInferer

    inferer = SlidingWindowInferer(TILE, sw_batch_size=BATCH, overlap=0.5, mode="gaussian", sigma_scale=0.125)
    with torch.inference_mode():
        answer = inferer(torch.from_numpy(volume)[None, None], network)
        return answer[0].argmax(dim=0).to(torch.uint8).numpy()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
