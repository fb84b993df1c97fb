"""Scans in, answers out; neither Keras nor TensorFlow is imported here."""

from medzoo.inference.answers import ClassPrediction, ValuePrediction
from medzoo.inference.mask import MaskPrediction
from medzoo.inference.onnx_model import OnnxModel
from medzoo.inference.prediction import Prediction
from medzoo.inference.stream import predict_scans

__all__ = ["ClassPrediction", "MaskPrediction", "OnnxModel", "Prediction", "ValuePrediction", "predict_scans"]
