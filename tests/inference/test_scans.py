import numpy as np
import pytest

from medzoo.errors import NotFiniteError
from medzoo.inference import predict_scans
from medzoo.inference.scans import save_each, several
from medzoo.io import DicomSeries
from medzoo.preprocessing import Preprocessing
from medzoo.task import Classification, Regression, Segmentation
from tests.data.source_files import write_picture


def test_answers_come_in_order_with_pictures_and_volumes_mixed(echo_model):
    sources = [np.full((8, 8), 0.2), np.full((3, 8, 8, 1), 0.8), np.full((8, 8), 0.9)]
    results = list(predict_scans(echo_model, sources, batch_size=2))
    assert [result.mask.shape for result in results] == [(8, 8), (3, 8, 8), (8, 8)]
    assert [int(result.mask.max()) for result in results] == [0, 1, 1]


def test_batches_are_filled_across_scans(echo_model):
    list(predict_scans(echo_model, [np.zeros((8, 8))] * 5, batch_size=2))
    assert echo_model.batches == [2, 2, 1]


def test_sources_are_read_only_when_their_turn_comes(echo_model):
    read = []

    def sources():
        for index in range(1000):
            read.append(index)
            yield np.zeros((8, 8))

    results = predict_scans(echo_model, sources(), batch_size=4)
    next(results)
    assert len(read) == 4


def test_no_sources_give_no_answers(echo_model):
    assert list(predict_scans(echo_model, [])) == []


def test_wrong_channels_name_the_source(echo_model):
    with pytest.raises(ValueError, match=r"array: The image has 4 channels, the model expects 1"):
        list(predict_scans(echo_model, [np.zeros((8, 8, 4))]))


def test_unreadable_sources_go_to_on_error_and_the_others_are_answered(echo_model, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    failures = []
    sources = [np.zeros((8, 8)), tmp_path / "bad.png", np.ones((8, 8))]
    results = list(predict_scans(echo_model, sources, on_error=lambda source, error: failures.append((source, error))))
    assert [int(result.mask.max()) for result in results] == [0, 1]
    ((source, error),) = failures
    assert source == tmp_path / "bad.png"
    assert "bad.png" in str(error)


def test_unreadable_source_raises_without_on_error(echo_model, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"bad\.png"):
        list(predict_scans(echo_model, [tmp_path / "bad.png"]))


class Saved:
    """An answer that writes nothing but its name."""

    def __init__(self, name):
        self.name = name

    def save_all(self, folder, name=None):
        return {"json": f"{folder}/{name}.json"}


@pytest.mark.parametrize("one", [np.zeros((2, 2)), "scan.png", DicomSeries("series", ("a.dcm",))])
def test_one_scan_is_not_several(one):
    assert several(one) is None


def test_a_folder_and_a_list_are_several(tmp_path):
    path = write_picture(tmp_path / "a.png", [[0]])
    assert list(map(str, several(tmp_path))) == [path]
    assert several(["a.png", "b.png"]) == ["a.png", "b.png"]


def test_what_is_no_scan_is_an_error():
    with pytest.raises(TypeError, match="must be a path, an array"):
        several(7)


def test_answers_of_one_name_are_numbered():
    paths = [paths["json"] for _, paths in save_each(map(Saved, ("a", "b", "a", "a")), "out")]
    assert paths == ["out/a.json", "out/b.json", "out/a_2.json", "out/a_3.json"]


class Saying:
    """Answers every input by a value that `answer` draws from its mean."""

    preprocessing = Preprocessing((8, 8), normalization=None)

    def __init__(self, task, answer):
        self.task, self._answer = task, answer

    def predict_on_batch(self, inputs):
        shape = (8, 8, self.task.outputs) if self.task.is_dense else (self.task.outputs,)
        return np.stack([np.full(shape, self._answer(float(pixels.mean())), np.float32) for pixels in inputs])


TASKS = [
    Segmentation(("background", "tumor")),
    Segmentation(("background", "core", "edema")),
    Classification(("benign", "malignant")),
    Classification(("a", "b", "c")),
    Regression("age", mean=50.0, std=10.0, unit="years"),
]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.name} {task.outputs}")
def test_answer_that_is_not_finite_is_an_error_that_names_the_scan_and_the_others_go_on(task, bad, tmp_path):
    model = Saying(task, lambda mean: bad if mean > 0.5 else 0.3)
    path = write_picture(tmp_path / "bright.png", np.full((8, 8), 255))
    sources, failures = [np.zeros((8, 8)), path, np.zeros((8, 8))], []
    results = list(predict_scans(model, sources, on_error=lambda source, error: failures.append((source, str(error)))))
    assert len(results) == 2
    ((source, message),) = failures
    assert source == path
    assert message.startswith(f"{path}: ")
    assert "not finite" in message
    with pytest.raises(ValueError, match=r"bright\.png: .* not finite"):
        list(predict_scans(model, sources))


def test_one_slice_that_is_not_finite_refuses_its_volume(tmp_path):
    volume = np.zeros((3, 8, 8, 1))
    volume[1] = 1
    model = Saying(TASKS[0], lambda mean: np.nan if mean > 0.5 else 0.3)
    with pytest.raises(NotFiniteError, match="array: 64 of the 192 values"):
        list(predict_scans(model, [volume]))
