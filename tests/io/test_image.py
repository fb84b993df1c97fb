"""Images of every kind: what users pass, and a new kind, which is one class."""

import numpy as np
import pytest

from medzoo.data import Samples
from medzoo.features.cache import row_digest
from medzoo.inference import predict_scans
from medzoo.io import ArrayImage, DicomSeries, Image, Scan, as_image, read_scan
from medzoo.preprocessing import Preprocessing
from medzoo.task import Classification

ARRAY = np.full((4, 4, 1), 0.5, np.float32)


class Constant(Image):
    """A new kind of image."""

    source = "constant"

    def read(self, at_least=None):
        return Scan(ARRAY, (4, 4), source=self.source)


class Model:
    task = Classification(("a", "b"))
    preprocessing = Preprocessing((4, 4), normalization=None)

    def predict_on_batch(self, inputs):
        return inputs.mean(axis=(1, 2))


class Readable:
    """An object of a user, who knows nothing of `Image`."""

    def read(self, at_least=None):
        return Constant().read()

    def __str__(self):
        return "mine"


def test_a_new_kind_of_image_is_read_like_a_file():
    assert read_scan(Constant()).array is ARRAY


def test_a_new_kind_of_image_is_predicted():
    (result,) = predict_scans(Model(), [Constant()])
    assert (result.source, result.outputs.tolist()) == ("constant", [0.5])


def test_a_new_kind_of_image_is_a_row():
    samples = Samples((Constant(),), (0,), ("a",), ("",), ("a", "b"))
    assert samples.sources == ("constant",)
    assert row_digest(samples.images[0]) == row_digest(Scan(ARRAY, (4, 4)))


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("scan.png", "scan.png"),
        (ARRAY, "array"),
        (ArrayImage(ARRAY, "array 0001"), "array 0001"),
        (Scan(ARRAY, (4, 4), source="scan"), "scan"),
        (DicomSeries("series", ("1.dcm", "2.dcm")), "series"),
        (Readable(), "mine"),
    ],
)
def test_whatever_users_pass_is_an_image_with_a_source(value, source):
    image = as_image(value)
    assert isinstance(image, Image)
    assert image.source == source


def test_what_is_no_image_is_an_error():
    with pytest.raises(TypeError, match="A scan must be a path or an array; got int"):
        as_image(3)


def test_the_files_of_an_image_are_known():
    assert as_image("scan.png").paths() == ("scan.png",)
    assert DicomSeries("series", ("1.dcm", "2.dcm")).paths() == ("1.dcm", "2.dcm")
    assert as_image(ARRAY).paths() == ()
