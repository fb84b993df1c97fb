"""One scan or several, and their answers in one folder."""

import numpy as np
import pytest

from medzoo.inference.scans import save_each, several
from medzoo.io import DicomSeries
from tests.data.source_files import write_picture


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
