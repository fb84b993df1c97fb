"""Script that `legacy.py` runs: arguments of segmentation_models.Unet as JSON in, its layers as JSON out."""

from __future__ import annotations

import json
import sys
from typing import Any


def describe(model: Any) -> list[dict[str, Any]]:
    """Return the layers of a Keras 2 model in which every layer is called once."""
    return [_row(layer) for layer in model.layers]


def _row(layer: Any) -> dict[str, Any]:
    before = layer.inbound_nodes[0].inbound_layers
    return {
        "name": layer.name,
        "kind": type(layer).__name__,
        "config": layer.get_config(),
        "inputs": [each.name for each in (before if isinstance(before, list) else [before])],
        "weights": [(each.name.rpartition("/")[2].partition(":")[0], each.shape.as_list()) for each in layer.weights],
    }


if __name__ == "__main__":
    import segmentation_models

    print(json.dumps(describe(segmentation_models.Unet(encoder_weights=None, **json.load(sys.stdin))), default=str))
