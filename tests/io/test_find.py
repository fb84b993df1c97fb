"""Which files of a folder are scans."""

import os

import cv2
import numpy as np
import pytest

from medzoo.io import find_scans, read_scan


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "scans").mkdir()
    cv2.imwrite(str(tmp_path / "scans" / "a.png"), np.zeros((8, 8), np.uint8))
    return tmp_path / "scans"


@pytest.mark.parametrize("name", ["b.png", "README"])
def test_a_link_that_leads_nowhere_is_named_and_the_others_are_found(folder, name):
    (folder / name).symlink_to("../.git/annex/objects/none")
    with pytest.warns(UserWarning, match=rf"{name} is a link to \.\./\.git/annex/objects/none, which is not there"):
        assert find_scans(folder) == [str(folder / "a.png")]
    told = []
    find_scans(folder, on_error=lambda path, error: told.append((path, type(error))))
    assert told == [(str(folder / name), FileNotFoundError)]


@pytest.mark.parametrize("name", ["pipe", "pipe.png"])
def test_a_pipe_is_named_and_nothing_waits_for_it(folder, name):
    os.mkfifo(folder / name)
    with pytest.warns(UserWarning, match=f"{name} is a pipe"):
        assert find_scans(folder) == [str(folder / "a.png")]
    with pytest.raises(ValueError, match="is a pipe"):
        read_scan(folder / name)


def test_a_linked_folder_is_read(folder, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "s").symlink_to(folder)
    assert find_scans(tmp_path / "in") == [str(tmp_path / "in" / "s" / "a.png")]


def test_links_in_a_circle_and_to_a_sibling_are_read_once(folder):
    (folder / "up").symlink_to("..")
    (folder / "z").mkdir()
    os.rename(folder / "a.png", folder / "z" / "a.png")
    (folder / "b").symlink_to("z")
    assert find_scans(folder) == [str(folder / "z" / "a.png")]


def test_what_a_reader_raises_names_the_file(folder, monkeypatch):
    for error in (MemoryError("Unable to allocate 256 TiB"), KeyError("x"), RecursionError("deep")):
        row = type("Row", (), {"read": staticmethod(lambda *_, error=error: (_ for _ in ()).throw(error))})
        monkeypatch.setattr("medzoo.io.read.format_of", lambda path, row=row: row)
        with pytest.raises(ValueError, match=r"a\.png"):
            read_scan(folder / "a.png")
