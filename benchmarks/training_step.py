"""Time of a training step of the networks of the zoo and of the five systems, against native torch.

    python benchmarks/training_step.py [--backend jax] [--only resnet10 brain-tumor-unet] [--rounds N]

The peer is the same network in torch (torch_peer.py), layer by layer, in both of its layouts, of which the faster
counts. Every line runs in a process of its own, on all cores, and the lines take turns, so that other load on the
machine falls on all of them; the figures are medians.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from turns import ROOT, random_batch, take_turns


class Network(NamedTuple):
    """A builder with its arguments, the shape of a batch, and whether the encoder is frozen."""

    builder: dict[str, Any]
    shape: tuple[int, ...]
    frozen: bool = False


UNET = {"name": "unet", "encoder": {"name": "residual", "filters": [16, 32, 64, 128, 256]}}
HEAD = {"name": "classifier", "outputs": 4, "activation": "softmax"}
VGG19 = {**HEAD, "encoder": "vgg19", "pooling": "flatten", "hidden": [4096, 4096], "dropout": 0.5}
NETWORKS = {
    "resnet10": Network({"name": "classifier", "encoder": "resnet10"}, (4, 16, 128, 128, 1)),
    "resnet18": Network({"name": "regressor", "encoder": "resnet18", "dropout": 0.3}, (16, 224, 224, 3)),
    "unet": Network(UNET, (2, 256, 256, 1)),
    "unet-resnext50": Network({"name": "unet", "encoder": "resnext50"}, (2, 256, 256, 1)),
    "resunet-plus-plus": Network({"name": "resunet_plus_plus"}, (2, 256, 256, 1)),
    "vgg19": Network(VGG19, (8, 224, 224, 3), frozen=True),
    "resnet50": Network({**HEAD, "encoder": "resnet50", "hidden": [1024]}, (8, 224, 224, 3), frozen=True),
    "efficientnetv2l": Network(
        {**HEAD, "encoder": "efficientnetv2l", "hidden": [256], "hidden_activation": "gelu"},
        (8, 224, 224, 3),
        frozen=True,
    ),
    "cnn": Network(
        {"name": "classifier", "encoder": {"name": "plain", "filters": [32, 64, 128, 256]}, "dropout": 0.3},
        (16, 224, 224, 3),
    ),
}


def main() -> None:
    networks = {**NETWORKS, **zoo()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("tensorflow", "jax", "torch"), help="backend of Keras")
    parser.add_argument("--only", nargs="+", choices=networks, default=list(networks), metavar="NETWORK")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    options = parser.parse_args()
    backend = options.backend or os.environ.get("KERAS_BACKEND", "tensorflow")
    print(f"Keras on {backend}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.rounds} rounds")
    print(f"{'network':20}{'batch':>22}{'medzoo ms':>11}{'torch ms':>10}{'ratio':>7}")
    for name in options.only:
        times = measure(networks[name], backend, options.rounds)
        torch = min(times["torch"], times["torch channels_last"])
        shape = " x ".join(map(str, networks[name].shape))
        print(f"{name:20}{shape:>22}{times['medzoo']:11.0f}{torch:10.0f}{times['medzoo'] / torch:7.2f}", flush=True)


def zoo() -> dict[str, Network]:
    """Return the networks of the published entries."""
    recipes = [json.loads(path.read_text()) for path in sorted((ROOT / "zoo_cards").glob("*/recipe.json"))]
    return {recipe["name"]: _of_recipe(recipe) for recipe in recipes}


def _of_recipe(recipe: dict[str, Any]) -> Network:
    preprocessing = recipe["preprocessing"]
    return Network(recipe["builder"], (recipe["batch_size"], *preprocessing["size"], preprocessing["channels"]))


def measure(network: Network, backend: str, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of every line."""
    lines = {
        "medzoo": (keras_step, network, backend),
        "torch": (torch_step, network, False),
        "torch channels_last": (torch_step, network, True),
    }
    return take_turns(lines, rounds)


def build(network: Network) -> Any:
    """Return the Keras model, its encoder frozen where it is to be."""
    from medzoo.graph.freezing import freeze
    from medzoo.models import build as build_model

    arguments = {"outputs": 1, "activation": "sigmoid", **network.builder}
    outputs, activation = arguments.pop("outputs"), arguments.pop("activation")
    model = build_model(arguments, network.shape[1:], outputs, activation)
    if network.frozen:
        freeze(model)
    return model


def keras_step(network: Network, backend: str) -> Callable[[], object]:
    os.environ["KERAS_BACKEND"] = backend
    import keras

    model = build(network)
    jit = False if backend == "tensorflow" else "auto"
    model.compile(keras.optimizers.SGD(1e-3), "mean_squared_error", jit_compile=jit)
    images, _ = random_batch(network.shape, 1)
    targets, _ = random_batch((network.shape[0], *model.output_shape[1:]), 1)
    return lambda: model.train_on_batch(images, targets)


def torch_step(network: Network, channels_last: bool) -> Callable[[], object]:
    os.environ["KERAS_BACKEND"] = "torch"
    import torch
    from torch_peer import Peer

    model = build(network)
    peer = Peer(model).train()
    images, _ = random_batch(network.shape, 1)
    targets, _ = random_batch((network.shape[0], *model.output_shape[1:]), 1)
    images, targets = (torch.from_numpy(array).movedim(-1, 1).contiguous() for array in (images, targets))
    if channels_last:
        layout = torch.channels_last if images.ndim == 4 else torch.channels_last_3d
        peer, images = peer.to(memory_format=layout), images.contiguous(memory_format=layout)
    optimizer = torch.optim.SGD([weight for weight in peer.parameters() if weight.requires_grad], 1e-3)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(peer(images), targets).backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    main()
