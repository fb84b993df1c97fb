"""Freezing an encoder by its stages, which the names of its layers tell."""

from __future__ import annotations

from collections.abc import Collection

import keras

from medzoo.errors import unknown_name
from medzoo.graph.walk import flatten, stage_of


def stages(model: keras.Model) -> list[str]:
    """List the stages of a model's encoder from the input on, `["stem", "stage_1", "stage_2"]`.

    Args:
        model: A network of this library, or any model that has one, or its encoder, as a layer.

    Example:
        >>> from medzoo.models.classifier import classifier
        >>> stages(classifier((32, 32, 1)))
        ['stem', 'stage_1', 'stage_2', 'stage_3', 'stage_4']
    """
    names = {stage for layer in flatten(model) if (stage := stage_of(layer)) is not None}
    return sorted(names, key=lambda stage: (stage != "stem", int(stage.rpartition("_")[2]) if "_" in stage else 0))


def freeze(model: keras.Model, until: str | None = None) -> None:
    """Freeze the encoder up to and including a stage; what follows is trainable.

    A frozen layer keeps its weights, and a frozen batch normalisation its statistics: it works as in inference. Keras
    takes over what is trainable when a model is compiled, so a compiled model has to be compiled again, with a new
    optimiser; until then `fit` and `evaluate` refuse it. Another model that shares the layers is to be compiled again
    too, and is not told so.

    Args:
        model: A network of this library, or any model that has one, or its encoder, as a layer.
        until: Name of a stage, as `stages` lists them; None for the whole encoder.

    Raises:
        ValueError: The model has no such stage.

    Example:
        >>> from medzoo.models.classifier import classifier
        >>> model = classifier((32, 32, 1))
        >>> freeze(model, until="stage_3")
        >>> sorted({weight.path.split("_block")[0] for weight in model.trainable_weights})
        ['predictions/bias', 'predictions/kernel', 'stage_4']
    """
    names = _stages_with(model, until)
    set_frozen(model, names[: names.index(until) + 1] if until else names)


def unfreeze(model: keras.Model, since: str | None = None) -> None:
    """Make the encoder trainable from a stage on, with all that follows; stages before it stay as they are.

    A compiled model has to be compiled again, as after `freeze`.

    Args:
        model: A network of this library, or any model that has one, or its encoder, as a layer.
        since: Name of a stage, as `stages` lists them; None for all of the model.

    Raises:
        ValueError: The model has no such stage.

    Example:
        >>> from medzoo.models.classifier import classifier
        >>> model = classifier((32, 32, 1))
        >>> freeze(model)
        >>> unfreeze(model, since="stage_4")
        >>> model.get_layer("stage_3_block_1_1_conv").trainable, model.get_layer("stage_4_block_1_1_conv").trainable
        (False, True)
    """
    names = _stages_with(model, since)
    before = names[: names.index(since)] if since else []
    set_frozen(model, [stage for stage in before if _is_frozen(model, stage)])


def set_frozen(model: keras.Model, frozen: Collection[str]) -> None:
    """Freeze these stages and no other layer; the model is to be compiled again."""
    # One by one: on TensorFlow, giving a model the value that it has already does not reach its layers.
    for layer in flatten(model):
        layer.trainable = stage_of(layer) not in frozen
    # Keras would go on with the function and the optimiser that it made for the weights trainable before.
    model.compiled = False


def _is_frozen(model: keras.Model, stage: str) -> bool:
    return not any(layer.trainable for layer in flatten(model) if stage_of(layer) == stage)


def _stages_with(model: keras.Model, stage: str | None) -> list[str]:
    """Return the stages of a model, among which `stage` has to be."""
    names = stages(model)
    if not names:
        raise ValueError(
            f"The model '{model.name}' has no encoder with stages: expected layers with names that begin with stem_, "
            f"stage_1_, ... Received: {[layer.name for layer in model.layers][:3]}, ..."
        )
    if stage is not None and stage not in names:
        raise unknown_name("stage", stage, names)
    return names
