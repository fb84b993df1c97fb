import numpy as np
import pytest

from medzoo.io import read_scan


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ((8, 7), (8, 7, 1)),
        ((8, 7, 3), (8, 7, 3)),
        ((8, 7, 4), (8, 7, 4)),
        ((8, 7, 6), (8, 7, 6, 1)),
        ((8, 7, 6, 2), (8, 7, 6, 2)),
    ],
)
def test_axes_are_told_apart_by_the_last_one(given, read):
    scan = read_scan(np.zeros(given, np.uint8))
    assert scan.array.shape == read
    assert scan.shape == read[:-1]
    assert scan.source == scan.kind == "array"


@pytest.mark.parametrize("shape", [(8,), (8, 7, 6, 5), (8, 7, 6, 2, 1)])
def test_other_shapes_are_an_error(shape):
    with pytest.raises(ValueError, match="An array must be"):
        read_scan(np.zeros(shape))


@pytest.mark.parametrize(
    ("given", "read"),
    [(bool, "u1"), ("u1", "u1"), ("u2", "u2"), ("i2", "i2"), ("i8", "f4"), ("f2", "f4"), ("f8", "f4")],
)
def test_types_become_at_most_float32(given, read):
    assert read_scan(np.ones((2, 2), given)).array.dtype == np.dtype(read)


@pytest.mark.parametrize("dtype", [object, complex, "U1"])
def test_other_types_are_an_error(dtype):
    with pytest.raises(ValueError, match="expected real numbers"):
        read_scan(np.zeros((2, 2), dtype))


def test_empty_array_is_an_error():
    with pytest.raises(ValueError, match="no pixels"):
        read_scan(np.zeros((0, 4)))


def test_nan_is_an_error():
    with pytest.raises(ValueError, match="array has 1 pixels"):
        read_scan(np.array([[np.nan, 1]]))


def test_neither_path_nor_array_is_a_type_error():
    with pytest.raises(TypeError, match="got list"):
        read_scan([1, 2])
