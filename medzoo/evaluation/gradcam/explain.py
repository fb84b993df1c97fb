"""Where in a scan a model sees evidence for its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.errors import NotFiniteError, unknown_name
from medzoo.evaluation.gradcam.explanation import Explanation
from medzoo.evaluation.gradcam.maps import METHODS, Target, choose_target, reduce_outputs
from medzoo.graph.calls import graph_of
from medzoo.graph.features import find_layer
from medzoo.graph.gradients import layer_gradient, run_graph
from medzoo.inference.model import check_model
from medzoo.inference.scans import READ_ERRORS, refuse_not_finite, several
from medzoo.io import Scan, as_image
from medzoo.io.channels import with_channels
from medzoo.io.tensors import as_array
from medzoo.preprocessing.checks import TILE
from medzoo.preprocessing.windows import Windows
from medzoo.transforms.spatial import resize

if TYPE_CHECKING:
    from medzoo.estimators.model import EstimatorModel
    from medzoo.zoo_model import ZooModel

# Slices of a volume that are in a 2D network at a time.
_BATCH = 8


def explain(
    model: ZooModel | EstimatorModel,
    source: Any,
    label: str | None = None,
    layer: str | None = None,
    method: str = "gradcam",
    slice: int | None = None,
    on_error: Callable[[Any, Exception], None] | None = None,
) -> Explanation | Iterator[Explanation]:
    """Explain a model's answer for a scan, or for any number of them, by Grad-CAM or Grad-CAM++.

    The gradient is that of the label's logit: with two labels the logit speaks for the second and, negated, for the
    first; of a segmentation it is the sum over the pixels that have the label (Seg-Grad-CAM); of a regression it is
    the output. A 2D segmentation explains each slice of a volume, a model of stacks of slices those in their middle.

    Args:
        model: A loaded model, or any functional Keras model with a `task` and a `preprocessing`.
        source: A picture, DICOM or NIfTI file, a folder with one scan, or an array, as `read_scan` takes it. Or
            several: a list or generator of these, or a folder of files.
        label: Name of the label; None for the predicted one, of a segmentation that with the most pixels besides the
            background.
        layer: Name of the layer whose features are weighted, or the stride of the encoder's features, such as
            `"stride_16"`; None for the last layer of the encoder, of a segmentation for the last one before the output:
            Grad-CAM averages over the image, while deep features have little to do with the pixels of a label. On
            validation images of brain-tumor-box-unet the maximum lay in the annotated box in 91 % of the cases with
            that layer, and in none with the end of the encoder.
        method: `"gradcam"` or `"gradcam++"`.
        slice: Slice of a volume, instead of the model's own rule, for a 2D classification or regression.
        on_error: For several scans: called with a scan that cannot be read and its error, after which the next one
            follows; None raises the error.

    Returns:
        The heatmap in the grid of the source from 0 to 1, the strongest evidence in all that the network saw of it; all
        0 where nothing speaks for the label. For several scans an iterator, which computes as it is consumed.

    Raises:
        ValueError: The label, layer or method is unknown, the scan does not fit the model, or the model gives features.
        FileNotFoundError: There is no such file.
        TypeError: The model is no Keras model.

    Example:
        >>> model = medzoo.load("brain-tumor-unet")
        >>> medzoo.explain(model, "scan.png").overlay("evidence.png")

    Source: Selvaraju et al., 2017 (arXiv 1610.02391); Chattopadhyay et al., 2018 (arXiv 1710.11063); for segmentation
    Vinogradova et al., 2020 (arXiv 2002.11434).
    """
    check_model(model)
    model = _checked(model, label, method)
    source, channels = as_array(source), model.preprocessing.channel_names or ()
    # Arrays of any library are one scan each.
    sources = None if hasattr(source, "__array__") else several(source, on_error, channels)
    explainer = _Explainer(model, label, layer, method, slice)
    if sources is None:
        return explainer(as_image(with_channels(source, channels)).read(model.preprocessing.at_least))
    return _explained(explainer, _readable(model, sources, slice, on_error), on_error)


def _explained(
    explainer: _Explainer, scans: Iterable[Scan], on_error: Callable[[Any, Exception], None] | None
) -> Iterator[Explanation]:
    for scan in scans:
        try:
            explanation = explainer(scan)
        except NotFiniteError as error:
            if on_error is None:
                raise
            on_error(scan.source, error)
            continue
        yield explanation


def _readable(
    model: ZooModel, sources: Iterable[Any], slice: int | None, on_error: Callable[[Any, Exception], None] | None
) -> Iterator[Scan]:
    """Yield the scans that the model can answer for."""
    for source in sources:
        try:
            channels = model.preprocessing.channel_names or ()
            scan = as_image(with_channels(source, channels)).read(model.preprocessing.at_least)
            # A scan that does not fit is passed over; a label or layer that does not exist is not.
            next(model.preprocessing.inputs(scan, slice, model.task.is_dense))
        except READ_ERRORS as error:
            if on_error is None:
                raise
            on_error(source, error)
            continue
        yield scan


class _Explainer:
    """Explains scans, one after the other, by one layer of a model."""

    def __init__(self, model: ZooModel, label: str | None, layer: str | None, method: str, slice: int | None):
        self._model, self._label, self._method, self._slice = model, label, method, slice
        shape = model.preprocessing.input_shape
        self._graph = graph_of(model, shape)
        call = find_layer(self._graph.calls, (1, *shape), layer, model.task.is_dense)
        self._layer, self._gradient = call.layer.name, layer_gradient(self._graph, call)

    def __call__(self, scan: Scan) -> Explanation:
        task = self._model.task
        if self._model.preprocessing.fit == TILE:
            raise ValueError(
                f"{scan.source}: a model with fit='tile' sees parts of a scan, which Grad-CAM cannot join."
            )
        windows = self._model.preprocessing.windows(scan, self._slice, task.is_dense)
        answers = []
        for batch in _batches(windows.inputs()):
            refuse_not_finite(scan.source, outputs := run_graph(self._graph, batch))
            answers.append(reduce_outputs(task, outputs))
        target = choose_target(task, self._label, np.concatenate(answers))
        heatmap = _in_scan(self._maps(windows, target), windows)
        return Explanation(scan, task, heatmap, target.label, target.score, self._layer, self._method)

    def _maps(self, windows: Windows, target: Target) -> list[np.ndarray | None]:
        """Return the evidence in each input, at the positions of the layer; None where nothing is explained."""
        maps: list[np.ndarray | None] = []
        for batch in _batches(windows.inputs()):
            weights = target.weights(len(maps), len(maps) + len(batch))
            # Most slices of a volume show nothing of a label.
            maps.extend(
                METHODS[self._method](*self._gradient(batch, weights)) if weights.any() else [None] * len(batch)
            )
        return maps


def _checked(model: ZooModel | EstimatorModel, label: str | None, method: str) -> ZooModel:
    """Return the model if it has the label, and something to differentiate."""
    import keras

    if not isinstance(model, keras.Model):
        raise TypeError(
            f"Grad-CAM needs the gradients of a Keras model. Received: {type(model).__name__}. Load it by medzoo.load."
        )
    if not model.task.labels:
        raise ValueError(
            f"The model gives features (task {model.task.name}), so it has no answer to explain. "
            "Build a network over its encoder and train it first."
        )
    if label is not None and label not in model.task.labels:
        raise unknown_name("label", label, model.task.labels)
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    return model


def _batches(inputs: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    while batch := list(islice(inputs, _BATCH)):
        yield np.stack(batch)


def _in_scan(maps: list[np.ndarray | None], windows: Windows) -> np.ndarray:
    """Scale the evidence `(*space)` of each input to 1 at the maximum of all and bring it into the grid of the scan."""
    heatmap = np.zeros(windows.scan.shape, np.float32)
    evident = [
        (part, place) for part, place in zip(maps, windows.places, strict=True) if part is not None and part.any()
    ]
    highest = max((part.max() for part, _ in evident), default=1)
    for part, place in evident:
        in_input = resize(part[..., None] / highest, windows.preprocessing.size)
        heatmap[place] = windows.invert(in_input, place)[..., 0]
    return heatmap
