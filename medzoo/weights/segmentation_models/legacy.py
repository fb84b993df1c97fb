"""The layers of a network of segmentation_models, from the old library in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_PACKAGES = ("segmentation_models", "tf_keras")
_SCRIPT = Path(__file__).with_name("describe.py")
# The old library runs on Keras 2 alone, which cannot be imported beside Keras 3. It has no work for a GPU.
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
    # -P: the folder of the script is no place to import from.
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
        # Found, not imported: under Keras 3 the import of segmentation_models fails.
        if find_spec(package) is None:
            raise ImportError(
                f"This needs the package '{package}', which is not installed. "
                'Install it: pip install "medzoo[legacy]"'
            )
