import numpy as np
import pytest

from medzoo.inference import predict_scans
from medzoo.inference.scans import save_each, several
from medzoo.io import DicomSeries
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
