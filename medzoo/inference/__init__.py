"""Scans in, answers out; neither Keras nor TensorFlow is imported here."""

from medzoo.inference.classification import ClassPrediction
from medzoo.inference.model import Model, OnnxModel
from medzoo.inference.prediction import Prediction
from medzoo.inference.regression import ValuePrediction
from medzoo.inference.scans import predict_scans
from medzoo.inference.segmentation import MaskPrediction

__all__ = ["ClassPrediction", "MaskPrediction", "Model", "OnnxModel", "Prediction", "ValuePrediction", "predict_scans"]
