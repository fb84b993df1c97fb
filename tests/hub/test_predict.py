import cv2
import numpy as np
import pytest

import medzoo
from medzoo.inference import Prediction


def write(path, value):
    cv2.imwrite(str(path), np.full((20, 24), value, np.uint8))
    return path


def test_one_scan_gives_one_prediction_by_entry_or_model(tiny_entry, tmp_path):
    scan = write(tmp_path / "a.png", 100)
    by_name = medzoo.predict(tiny_entry, scan)
    by_model = medzoo.predict(medzoo.load(tiny_entry), scan)
    assert by_name.mask.shape == (20, 24)
    assert np.abs(by_name.probabilities - by_model.probabilities).max() < 1e-3


@pytest.mark.parametrize("engine", ["onnx", "keras"])
def test_engine_can_be_chosen(tiny_entry, engine):
    assert medzoo.predict(tiny_entry, np.zeros((16, 16)), engine=engine).mask.shape == (16, 16)


def test_unknown_engine_lists_those_that_exist(tiny_entry):
    with pytest.raises(ValueError, match=r"Unknown engine 'onxx'. Did you mean 'onnx'"):
        medzoo.predict(tiny_entry, np.zeros((16, 16)), engine="onxx")


def test_list_generator_and_folder_give_iterators_in_order(tiny_entry, tmp_path):
    (tmp_path / "scans").mkdir()
    paths = [write(tmp_path / "scans" / f"{index}.png", index) for index in (2, 10)]
    for source in (paths, (path for path in paths), tmp_path / "scans"):
        results = medzoo.predict(tiny_entry, source, progress=False)
        assert not isinstance(results, Prediction)
        assert [result.source for result in results] == [str(path) for path in paths]


def test_folder_without_scans_is_an_error(tiny_entry, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no scans"):
        medzoo.predict(tiny_entry, tmp_path / "empty")


def test_a_source_of_another_type_is_an_error(tiny_entry):
    with pytest.raises(TypeError, match="must be a path, an array"):
        medzoo.predict(tiny_entry, 7)
