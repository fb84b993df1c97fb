"""Networks of segmentation_models, described by the old library in a process of its own, as Keras 3 models."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from medzoo.errors import install

_PACKAGES = ("segmentation_models", "tf_keras")
_SCRIPT = Path(__file__).with_name("describe.py")
# The old library runs on Keras 2 only, which cannot be imported beside Keras 3. It needs no GPU.
_ENVIRONMENT = {
    "SM_FRAMEWORK": "tf.keras",
    "TF_USE_LEGACY_KERAS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
}


def legacy_layers(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the layers of `segmentation_models.Unet(**arguments)`, in its order.

    Args:
        arguments: Arguments of that function, JSON values.

    Returns:
        For each layer its `name`, `kind` (the name of its class), `config`, `inputs` (names of layers) and `weights`
        (pairs of name and shape).

    Raises:
        ImportError: `medzoo[legacy]` is not installed.
        ValueError: The old library does not build this network.
    """
    _require_legacy()
    # -P: nothing is imported from the folder of the script.
    done = subprocess.run(
        [sys.executable, "-P", _SCRIPT],
        input=json.dumps(arguments),
        env={**os.environ, **_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = textwrap.shorten(done.stderr.strip().rpartition("\n")[2], 200)
        raise ValueError(f"segmentation_models does not build Unet(**{arguments}). It says: {reason}")
    return json.loads(done.stdout.splitlines()[-1])


def _require_legacy() -> None:
    for package in _PACKAGES:
        # Looked up and not imported: under Keras 3 the import of segmentation_models fails.
        if find_spec(package) is None:
            raise ImportError(f"This needs the package '{package}', which is not installed. {install('legacy')}")


_CONVOLUTION = ("kernel_size", "strides", "padding", "use_bias", "activation")

# From the kind of a Keras 2 layer to the Keras 3 layer and the arguments that both have, without those for training.
_LAYERS = {
    "Activation": ("Activation", ("activation",)),
    "Add": ("Add", ()),
    "BatchNormalization": ("BatchNormalization", ("momentum", "epsilon", "center", "scale")),
    "Concatenate": ("Concatenate", ()),
    "Conv2D": ("Conv2D", ("filters", "groups", *_CONVOLUTION)),
    "Conv2DTranspose": ("Conv2DTranspose", ("filters", *_CONVOLUTION)),
    "DepthwiseConv2D": ("DepthwiseConv2D", _CONVOLUTION),
    "FixedDropout": ("Dropout", ("rate", "noise_shape")),
    "GlobalAveragePooling2D": ("GlobalAveragePooling2D", ()),
    "MaxPooling2D": ("MaxPooling2D", ("pool_size", "strides", "padding")),
    "Multiply": ("Multiply", ()),
    "Reshape": ("Reshape", ("target_shape",)),
    "UpSampling2D": ("UpSampling2D", ("size", "interpolation")),
    "ZeroPadding2D": ("ZeroPadding2D", ("padding",)),
}


def assemble(
    layers: Sequence[Mapping[str, Any]], weights: Mapping[str, Sequence[np.ndarray]], activation: str, name: str
) -> keras.Model:
    """Build the model of described layers and give it its weights.

    Args:
        layers: Layers as `legacy_layers` returns them: an input, ..., a convolution and its activation.
        weights: Tensors of each layer that has some.
        activation: Activation of the output.
        name: Name of the model.

    Raises:
        ValueError: A layer has no counterpart.
    """
    source, *body, head, _ = _join_groups(layers)
    names = _stage_names(body)
    head = {**head, "config": {**head["config"], "activation": activation}}
    inputs = keras.Input(source["config"]["batch_input_shape"][1:], name="image")
    tensors = {source["name"]: inputs}
    for row in body:
        tensors[row["name"]] = _call(row, tensors, weights, name=names[row["name"]])
    outputs = _call(head, tensors, weights, name="probabilities", dtype="float32")
    return keras.Model(inputs, outputs, name=name)


def _call(row: Mapping, tensors: Mapping, weights: Mapping, **arguments: Any) -> keras.KerasTensor:
    if row["kind"] not in _LAYERS:
        raise ValueError(f"Expected a layer among: {', '.join(_LAYERS)}. Received: {row['kind']} '{row['name']}'.")
    kind, kept = _LAYERS[row["kind"]]
    layer = getattr(keras.layers, kind)(**{name: row["config"][name] for name in kept}, **arguments)
    inputs = [tensors[name] for name in row["inputs"]]
    outputs = layer(inputs if len(inputs) > 1 else inputs[0])
    parts = [weights.get(member, ()) for member in row.get("members", [row["name"]])]
    # The groups of a convolution are joined along the output channels, the last axis of kernel and bias.
    layer.set_weights([np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)])
    return outputs


def _join_groups(layers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Turn every grouped convolution, which is slices, as many convolutions and their concatenation, into one layer."""
    rows = {row["name"]: row for row in layers}
    absorbed: set[str] = set()
    for row in layers:
        members = [rows[name] for name in row["inputs"]]
        slices = [rows[name] for member in members for name in member["inputs"]]
        if row["kind"] == "Concatenate" and {each["kind"] for each in slices} == {"Lambda"}:
            rows[row["name"]] = _grouped(row["name"], members, slices[0]["inputs"])
            absorbed.update(each["name"] for each in (*members, *slices))
    return [row for name, row in rows.items() if name not in absorbed]


def _grouped(name: str, members: Sequence[Mapping[str, Any]], inputs: Sequence[str]) -> dict[str, Any]:
    config = members[0]["config"]
    config = {**config, "filters": config["filters"] * len(members), "groups": len(members)}
    return {
        "name": name,
        "kind": "Conv2D",
        "config": config,
        "inputs": inputs,
        "members": [each["name"] for each in members],
    }


def _stage_names(layers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of the layers, each after the stage it is part of: what a skip connection needs ends one."""
    rows = {row["name"]: row for row in layers}
    skips = [row["inputs"][1] for row in layers if re.fullmatch(r"decoder_stage\d+_concat", row["name"])]
    stages: dict[str, int] = {}
    for index, skip in reversed([*enumerate(skips)]):
        for name in _ancestors(skip, rows):
            # The first skip has stride 16, where stage 3 ends; what has stride 2 or less is the stem.
            stages.setdefault(name, max(3 - index, 0))
    return {name: _stage_name(name, stages.get(name, 4)) for name in rows}


def _ancestors(name: str, rows: Mapping[str, Mapping]) -> Iterator[str]:
    pending, seen = [name], set()
    while pending:
        name = pending.pop()
        if name in rows and name not in seen:
            seen.add(name)
            pending += rows[name]["inputs"]
            yield name


def _stage_name(name: str, stage: int) -> str:
    if decoder := re.fullmatch(r"decoder_stage(\d+)_?(.+)", name):
        # The first of the decoder's stages goes from stride 32 to 16.
        return f"decoder_{2 ** (4 - int(decoder[1]))}_{decoder[2]}"
    if name.startswith("center_"):
        return f"decoder_32_{name}"
    name = re.sub("^concatenate", "grouped_conv", name)
    return f"stage_{stage}_{name}" if stage else f"stem_{name.removeprefix('stem_')}"
