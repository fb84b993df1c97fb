"""Encoders: an image in, its features out as a dict named by stride, `{"stride_1": ..., "stride_32": ...}`."""

from medzoo.models.encoders.residual import residual_encoder

ENCODERS = {"residual": residual_encoder}
