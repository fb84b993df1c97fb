"""Time of a forward pass and of a training step, against native torch and stock Keras.

    python benchmarks/networks.py
    KERAS_BACKEND=jax python benchmarks/networks.py [--stock] [--rounds N]

Every line runs in a process of its own, on all cores, and the lines take turns, so that other load on the machine falls
on all of them; the figures are medians. torch runs the same network in both of its layouts, of which the faster counts.
Stock Keras (`--stock`) takes minutes a step where it is slow, and is timed once.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
from collections.abc import Callable

from turns import Worker, model_step, print_machine, random_batch, take_turns

NETWORKS = {"resnext50": (4, 224, 224, 3), "resnet10": (1, 64, 128, 128, 1)}
PASSES = ("forward", "training")
# Times torch's at most, by network, pass and backend.
GOALS = {
    ("resnext50", "training"): {"tensorflow": 1.2, "jax": 1.5},
    ("resnet10", "forward"): {"tensorflow": 1.1, "jax": 1.5},
    ("resnet10", "training"): {"tensorflow": 1.2, "jax": 2.0},
}
STOCK_GOAL = {("resnext50", "training"): 30}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stock", action="store_true", help="time stock Keras too")
    parser.add_argument("--rounds", type=int, default=7, help="default: 7")
    options = parser.parse_args()
    backend = print_machine(options.rounds)
    print(f"{'':22}{'torch ms':>10}{'medzoo ms':>11}{'to torch':>10}{'stock ms':>11}{'stock to medzoo':>17}")
    for name in NETWORKS:
        for kind in PASSES:
            times = measure(name, kind, options.rounds)
            stock = measure_stock(name, kind) if options.stock else None
            print_line(name, kind, backend, times, stock)


def measure(name: str, kind: str, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of every line."""
    lines = {
        "medzoo": (keras_step, name, kind, "auto"),
        "torch": (torch_step, name, kind, False),
        "torch channels_last": (torch_step, name, kind, True),
    }
    return take_turns(lines, rounds)


def measure_stock(name: str, kind: str) -> float:
    worker = Worker(keras_step, name, kind, False)
    first = worker.step()
    # The first step compiles; where it takes minutes, that is not what it takes them for.
    seconds = worker.step() if first < 60_000 else first
    worker.stop()
    return seconds


def print_line(name: str, kind: str, backend: str, times: dict[str, float], stock: float | None) -> None:
    torch = min(times["torch"], times["torch channels_last"])
    ratio = times["medzoo"] / torch
    line = f"{name + ' ' + kind:22}{torch:10.0f}{times['medzoo']:11.0f}{ratio:10.2f}"
    if stock is not None:
        line += f"{stock:11.0f}{stock / times['medzoo']:17.1f}"
    goal = GOALS.get((name, kind), {}).get(backend)
    if goal:
        line += f"   at most {goal} x torch: {'yes' if ratio <= goal else 'NO'}"
    if stock is not None and (name, kind) in STOCK_GOAL:
        factor = STOCK_GOAL[name, kind]
        line += f"; {factor} x faster than stock: {'yes' if stock >= factor * times['medzoo'] else 'NO'}"
    print(line, flush=True)


def keras_step(name: str, kind: str, enabled: bool | str) -> Callable[[], object]:
    from medzoo.models import accelerate, classifier

    shape = NETWORKS[name]
    model = accelerate(classifier(shape[1:], outputs=0, encoder=name), enabled=enabled)
    return model_step(model, shape, kind)


def torch_step(name: str, kind: str, channels_last: bool) -> Callable[[], object]:
    import torch

    from tests.weights.torch_networks import medicalnet, torchvision

    shape = NETWORKS[name]
    network = medicalnet(10) if name == "resnet10" else torchvision(name)
    images, targets = map(torch.from_numpy, random_batch(shape, 512 if name == "resnet10" else 2048))
    images = images.movedim(-1, 1).contiguous()
    if channels_last:
        layout = torch.channels_last if images.ndim == 4 else torch.channels_last_3d
        network, images = network.to(memory_format=layout), images.contiguous(memory_format=layout)
    optimizer = torch.optim.SGD(network.parameters(), 1e-3)

    def forward() -> torch.Tensor:
        return network(images)[-1].flatten(2).mean(2)

    def infer() -> None:
        with torch.inference_mode():
            forward()

    def train() -> None:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(forward(), targets).backward()
        optimizer.step()

    network.train(kind == "training")
    return train if kind == "training" else infer


if __name__ == "__main__":
    main()
