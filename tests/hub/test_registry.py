import shutil

import pytest

import medzoo
from medzoo.hub.registry import find_entry


@pytest.fixture
def home(tiny_entry, tmp_path, monkeypatch):
    """A cache that holds one entry."""
    monkeypatch.setenv("MEDZOO_HOME", str(tmp_path / "home"))
    shutil.copytree(tiny_entry, tmp_path / "home" / "tiny-unet")
    return tmp_path / "home"


def test_an_entry_in_the_cache_is_listed_and_found_by_name(home):
    (row,) = [row for row in medzoo.list_models() if row.name == "tiny-unet"]
    assert row.task == "segmentation"
    assert row.score is None
    assert row.parameters > 0
    assert find_entry("tiny-unet") == home / "tiny-unet"


def test_list_filters_by_task_and_modality(home):
    assert "tiny-unet" in [row.name for row in medzoo.list_models(task="segmentation")]
    assert medzoo.list_models(task="regression") == []
    assert "tiny-unet" not in [row.name for row in medzoo.list_models(modality="MRI")]


def test_an_unknown_name_lists_near_matches_and_the_command(home):
    with pytest.raises(ValueError, match=r"'tiny-unett'. Did you mean 'tiny-unet'.*medzoo list"):
        medzoo.load("tiny-unett")


def test_a_name_is_not_taken_for_an_unrelated_folder_of_the_working_directory(home, tmp_path, monkeypatch):
    (tmp_path / "work" / "tiny-unet").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    assert find_entry("tiny-unet") == home / "tiny-unet"
