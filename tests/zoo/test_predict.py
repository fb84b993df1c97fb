import cv2
import numpy as np
import pytest

import medzoo
from medzoo.inference import Prediction
from medzoo.io import DicomSeries, read_scan
from medzoo.io.read import FileImage
from medzoo.preprocessing import Preprocessing
from medzoo.task import Regression


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


def test_a_folder_of_one_series_is_one_scan(monkeypatch, tmp_path):
    series = DicomSeries(str(tmp_path), ("1.dcm", "2.dcm"))
    monkeypatch.setattr("medzoo.inference.scans.find_scans", lambda folder, on_error=None: [series])
    monkeypatch.setattr(FileImage, "read", lambda image, at_least=None: read_scan(np.zeros((4, 4))))
    assert isinstance(medzoo.predict(MeanOfSlice(), tmp_path), Prediction)


def test_a_source_of_another_type_is_an_error(tiny_entry):
    with pytest.raises(TypeError, match="must be a path, an array"):
        medzoo.predict(tiny_entry, 7)


class MeanOfSlice:
    """A regression of single slices whose answer is their mean."""

    task = Regression()
    preprocessing = Preprocessing((4, 4), normalization=None)

    def predict_on_batch(self, inputs):
        return inputs.mean(axis=(1, 2))


def test_a_named_slice_of_one_or_of_every_volume_is_taken():
    volume = np.zeros((5, 4, 4, 1), np.float32) + np.arange(5)[:, None, None, None]
    volume = volume.astype(np.float32)
    assert medzoo.predict(MeanOfSlice(), volume, slice=3).value == 3
    results = medzoo.predict(MeanOfSlice(), [volume, volume], slice=1, progress=False)
    assert [result.value for result in results] == [1, 1]
    with pytest.raises(ValueError, match="is a volume of 5 slices; the model answers for one image"):
        medzoo.predict(MeanOfSlice(), volume)


@pytest.fixture(scope="module")
def published(hub, saved_entry):
    repo = hub.new_repo("predicts")
    hub.api.create_repo(repo)
    hub.api.upload_folder(repo_id=repo, folder_path=saved_entry)
    hub.api.create_tag(repo, tag="v1")
    return repo


@pytest.mark.parametrize("engine", ["auto", "onnx", "keras"])
def test_a_repository_predicts_as_its_entry_and_only_one_network_is_fetched(hub, published, saved_entry, home, engine):
    image = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)
    hub.forget()
    result = medzoo.predict(f"{published}@v1", image, engine=engine)
    asked = [request for request in hub.requests() if "revision" in request]
    assert asked == [f"GET /api/models/{published}/revision/v1"]
    networks = {path.name for path in home.rglob("model.*")}
    assert networks == {"model.weights.h5" if engine == "keras" else "model.onnx"}
    assert np.array_equal(result.mask, medzoo.predict(saved_entry, image, engine=engine).mask)
