"""Time of single layers, against native torch and stock Keras.

    python benchmarks/layers.py
    KERAS_BACKEND=jax python benchmarks/layers.py [--rounds N]

Every line runs in a process of its own, on all cores, and the lines take turns; the figures are medians. A training
step computes the loss of the pooled output, its gradients, and SGD's update. torch runs in its natural layout.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
from collections.abc import Callable

from turns import model_step, print_machine, random_batch, take_turns

# Keras layer, its arguments, and the shape of a batch.
LAYERS = {
    "32 groups, 128 ch, 56 px": ("Conv2D", {"filters": 128, "groups": 32}, (4, 56, 56, 128)),
    "32 groups, 512 ch, 14 px": ("Conv2D", {"filters": 512, "groups": 32}, (4, 14, 14, 512)),
    "3D, 64 ch, 16x32x32": ("Conv3D", {"filters": 64}, (1, 16, 32, 32, 64)),
    "3D, dilation 2, 256 ch": ("Conv3D", {"filters": 256, "dilation_rate": 2}, (1, 8, 16, 16, 256)),
    "3D, dilation 4, 512 ch": ("Conv3D", {"filters": 512, "dilation_rate": 4}, (1, 8, 16, 16, 512)),
    "3D max pooling, 64 ch": ("MaxPooling3D", {}, (1, 32, 64, 64, 64)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    options = parser.parse_args()
    print_machine(options.rounds)
    print(f"{'':34}{'torch ms':>10}{'stock ms':>10}{'medzoo ms':>11}{'to torch':>10}{'stock to medzoo':>17}")
    for name in LAYERS:
        for kind in ("forward", "training"):
            lines = {
                "torch": (torch_step, name, kind),
                "stock": (keras_step, name, kind, False),
                "medzoo": (keras_step, name, kind, "auto"),
            }
            print_line(f"{name} {kind}", take_turns(lines, options.rounds))


def print_line(title: str, times: dict[str, float]) -> None:
    torch, stock, medzoo = (times[line] for line in ("torch", "stock", "medzoo"))
    print(f"{title:34}{torch:10.1f}{stock:10.1f}{medzoo:11.1f}{medzoo / torch:10.2f}{stock / medzoo:17.1f}", flush=True)


def keras_step(name: str, kind: str, enabled: bool | str) -> Callable[[], object]:
    import keras

    from medzoo.models import accelerate

    layer, arguments, shape = LAYERS[name]
    options = {"pool_size": 3, "strides": 2} if "Pooling" in layer else {"kernel_size": 3, "use_bias": False}
    image = keras.Input(shape[1:])
    # A weight in front of the layer, so that the gradient of its input is computed too.
    x = keras.layers.Dense(1, use_bias=False)(image) * image
    x = accelerate(getattr(keras.layers, layer)(padding="same", **options, **arguments), enabled=enabled)(x)
    model = keras.Model(image, keras.layers.Lambda(lambda y: keras.ops.mean(y, tuple(range(1, len(shape) - 1))))(x))
    return model_step(model, shape, kind)


def torch_step(name: str, kind: str) -> Callable[[], object]:
    import torch
    from torch import nn

    layer, arguments, shape = LAYERS[name]
    channels = shape[-1]
    if "Pooling" in layer:
        module = nn.MaxPool3d(3, stride=2, padding=1)
    else:
        dilation = arguments.get("dilation_rate", 1)
        settings = {"padding": dilation, "dilation": dilation, "groups": arguments.get("groups", 1), "bias": False}
        module = (nn.Conv2d if layer == "Conv2D" else nn.Conv3d)(channels, arguments["filters"], 3, **settings)
    images, targets = map(torch.from_numpy, random_batch(shape, arguments.get("filters", channels)))
    images = images.movedim(-1, 1).contiguous()
    scale = nn.Parameter(torch.ones(1, channels, *(1,) * (len(shape) - 2)))
    optimizer = torch.optim.SGD([scale, *module.parameters()], 1e-3)

    def infer() -> None:
        with torch.inference_mode():
            module(images * (images * scale).sum(1, keepdim=True)).flatten(2).mean(2)

    def train() -> None:
        optimizer.zero_grad()
        outputs = module(images * (images * scale).sum(1, keepdim=True)).flatten(2).mean(2)
        nn.functional.mse_loss(outputs, targets).backward()
        optimizer.step()

    return train if kind == "training" else infer


if __name__ == "__main__":
    main()
