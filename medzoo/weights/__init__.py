"""Published weights into medzoo's encoders.

Layers are found by name alone, so an encoder may have other sizes, channels, strides or dilations than its source.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.entry import entry_folders, read_entry
from medzoo.entry.safety import read_safely
from medzoo.errors import unknown_name
from medzoo.graph.walk import flatten
from medzoo.preprocessing import Preprocessing
from medzoo.weights import imagenet, medicalnet
from medzoo.weights.torch_checkpoints import READERS, is_of_medicalnet, load_state, read_checkpoint
from medzoo.weights.transfer import fit_statistics, mobilenet_form, transfer, weights_by_name

if TYPE_CHECKING:
    import keras

    from medzoo.recipe import Builder

KERAS_SUFFIX = ".h5"
# Layers of an encoder; those of decoders and heads have other names.
_ENCODER_LAYER = re.compile(r"(stem|stage_\d+|stride_\d+)_")
_log = logging.getLogger("medzoo")
PUBLISHED = {"imagenet": imagenet, "medicalnet": medicalnet}


def load_weights(encoder: keras.Model, name: str, weights: str | os.PathLike) -> None:
    """Assign pretrained weights to an encoder.

    Everything is checked before the first weight is assigned: each tensor is used exactly once, each weight is set
    exactly once, and an encoder whose weights were refused is as it was. NaN and checkpoints that were never trained
    are refused. Classifiers (`fc`, `conv_seg`, `classifier`), counters (`num_batches_tracked`) and what a torch
    checkpoint has beside an `encoder.` or `backbone.` are skipped. Kernels of 1 or 3 input channels are fitted to any
    number by `medzoo.weights.transfer`.

    Args:
        encoder: Encoder that takes `(height, width, channels)` or `(depth, height, width, channels)`.
        name: Its name, `"resnet18"`.
        weights: `"imagenet"` or `"medicalnet"`, which are fetched once; or the path of a torch checkpoint (`.pth`,
            `.pt`, `.safetensors`, with the names of torchvision or MedicalNet), of a file of `keras.applications`
            (`.h5`, `.weights.h5`), or of the folder of a zoo entry; or the name of an entry on this machine.

    Raises:
        ValueError: The weights are unknown, not published for this encoder, or do not fit; the message names the first
            tensor that does not.
        FileNotFoundError: The path does not exist, or the weights can neither be fetched nor are in the cache.
        IntegrityError: A file does not have the sha256 that it must have.
        ImportError: Reading a `.pth` or `.pt` needs torch.

    Example:
        >>> load_weights(encoder, "resnet10", "resnet_10_23dataset.pth")  # doctest: +SKIP
    """
    if weights in PUBLISHED:
        dimensions = len(encoder.input_shape) - 2
        _check_available(name, dimensions, weights)
        PUBLISHED[weights].load(encoder, name)
    elif (path := _path_of(name, encoder, weights)).is_dir():
        _load_entry(encoder, name, path)
    elif path.suffix == KERAS_SUFFIX:
        imagenet.load_file(encoder, name, path)
    else:
        state = read_checkpoint(path)
        load_state(encoder, name, state, origin=str(path))
        if not is_of_medicalnet(state):
            _warn_if_dilated(encoder, name, path)


def available(name: str, dimensions: int) -> tuple[str, ...]:
    """Return the words that `weights` takes for an encoder of 2 or 3 spatial dimensions.

    Example:
        >>> available("resnet18", 2), available("resnet18", 3)
        (('imagenet',), ('medicalnet',))
    """
    return tuple(word for word, source in PUBLISHED.items() if name in source.names(dimensions))


def preprocessing_for(name: str, weights: str | os.PathLike, size: Sequence[int], channels: int = 1) -> Preprocessing:
    """Return the Preprocessing that an encoder's weights were trained with.

    Args:
        name: Name of the encoder.
        weights: As for `load_weights`. A torch checkpoint is taken for one with the preprocessing of the published
            weights of the same number of dimensions; a zoo entry has its own.
        size: `(height, width)` or `(depth, height, width)` in pixels.
        channels: Channels of the network's input.

    Raises:
        ValueError: The weights are unknown or not published for this encoder.

    Example:
        >>> preprocessing_for("resnet10", "medicalnet", (64, 128, 128)).normalization
        'standardize'
    """
    if (folder := _entry_folder(weights)) is not None:
        return _entry_preprocessing(folder, size, channels)
    if weights not in PUBLISHED and len(size) == 2:
        return imagenet.preprocessing(name, size, channels, torch=Path(weights).suffix in READERS)
    if weights not in PUBLISHED:
        weights = "medicalnet"
    else:
        _check_available(name, len(size), weights)
    return PUBLISHED[weights].preprocessing(name, size, channels)


def _check_available(name: str, dimensions: int, word: str) -> None:
    if word in available(name, dimensions):
        return
    have = [f"{d}D {', '.join(names)}" for d in (2, 3) if (names := PUBLISHED[word].names(d))]
    own = [f"{other!r} ({d}D)" for d in (2, 3) for other in available(name, d)]
    raise ValueError(
        f"There are no weights '{word}' for the {dimensions}D encoder '{name}'. They exist for: {'; '.join(have)}. "
        f"For '{name}' there are: {', '.join(own) or 'none'}."
    )


def _path_of(name: str, encoder: keras.Model, weights: str | os.PathLike) -> Path:
    path = _entry_folder(weights) or Path(weights)
    if path.is_dir() or (path.is_file() and path.suffix in (*READERS, KERAS_SUFFIX)):
        return path
    if path.is_file():
        kinds = ", ".join((*READERS, KERAS_SUFFIX))
        raise ValueError(f"Expected a file of these: {kinds}, or the folder of a zoo entry. Received: {path}.")
    if path.suffix or len(path.parts) > 1:
        raise FileNotFoundError(f"There is no file or folder {path} to take the weights from.")
    words = [*available(name, len(encoder.input_shape) - 2), *entry_folders()]
    raise unknown_name("weights", weights, words, "Or give the path of a checkpoint or of a zoo entry.")


def _entry_folder(weights: str | os.PathLike) -> Path | None:
    """Return the folder of a zoo entry by its path or name; None for all else, also a folder called "imagenet"."""
    if weights in PUBLISHED:
        return None
    path = Path(weights)
    return path if path.is_dir() else entry_folders().get(os.fspath(weights))


def _warn_if_dilated(encoder: keras.Model, name: str, path: Path) -> None:
    """Say that a 3D encoder is dilated, which tensors do not tell of the network that they come from."""
    is_dilated = any(max(getattr(layer, "dilation_rate", (1,))) > 1 for layer in encoder.layers)
    if is_dilated and len(encoder.input_shape) == 5:
        _log.warning(
            "%s does not say whether its network is dilated. '%s' is, from stage 3 on, as MedicalNet's networks are; "
            'those of MONAI are not: for these set the encoder to {"name": "%s", "dilated": false}.',
            path,
            name,
            name,
        )


def load_decoder(network: keras.Model, builder: Builder, weights: str | os.PathLike) -> None:
    """Assign what a zoo entry of the same builder has beside its encoder: its decoder, and its head if that fits.

    A head of another number of outputs stays as it is. Of weights that are no entry, or one of another builder, nothing
    is taken.

    Args:
        network: The network of the builder, whose encoder has its weights already.
        builder: The builder with its arguments.
        weights: As for `load_weights`.

    Example:
        >>> load_decoder(network, recipe.builder, "brain-tumor-unet")  # doctest: +SKIP
    """
    import keras

    folder = _entry_folder(weights)
    if folder is None or read_entry(folder, names=()).recipe.builder != builder:
        return
    own, given = (_beside_encoder(model) for model in (network, _network_of(folder)))
    for name, weight in own.items():
        if name in given and given[name].shape == weight.shape:
            weight.assign(keras.ops.convert_to_numpy(given[name]))


def _beside_encoder(network: keras.Model) -> dict[str, keras.Variable]:
    plain = (layer for layer in flatten(network) if not getattr(layer, "layers", None))
    layers = [layer for layer in plain if not _ENCODER_LAYER.match(layer.name)]
    return weights_by_name(layers, "{}/{}".format)


def _network_of(folder: Path) -> keras.Model:
    import keras

    return keras.saving.load_model(read_safely(folder, "keras").folder, compile=False)


def _load_entry(encoder: keras.Model, name: str, folder: Path) -> None:
    """Assign the encoder's weights of a zoo entry, of whatever task."""
    import keras

    layers = [layer for layer in flatten(_network_of(folder)) if _ENCODER_LAYER.match(layer.name)]
    form, own = mobilenet_form(layers), mobilenet_form(encoder.layers)
    if form and own and form != own:
        raise ValueError(
            f"The encoder of {folder} has the padding of {form}. "
            f'Set the encoder to {{"name": "{name}", "form": "{form}"}}.'
        )
    weights = weights_by_name(layers, "{}/{}".format)
    arrays = {key: keras.ops.convert_to_numpy(weight) for key, weight in weights.items()}
    transfer(encoder, "{}/{}".format, arrays, str(folder), f"Is its encoder a '{name}'?", untrained=True)


def _entry_preprocessing(folder: str | os.PathLike, size: Sequence[int], channels: int) -> Preprocessing:
    """Return the Preprocessing of a zoo entry for another size and number of channels."""
    own = read_entry(folder, names=()).recipe.preprocessing
    mean, std = (values and fit_statistics(values, channels) for values in (own.mean, own.std))
    return replace(own, size=tuple(size), channels=channels, mean=mean, std=std)
