import errno

import pytest

from medzoo.files import atomic_file, atomic_folder, claim, read_json, read_rows, write_json, write_rows


def test_file_appears_under_its_name_and_nothing_else_stays(tmp_path):
    with atomic_file(tmp_path / "new" / "mask.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        assert temporary.parent == tmp_path / "new"
        temporary.write_bytes(b"whole")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mask.nii.gz"]
    assert (tmp_path / "new" / "mask.nii.gz").read_bytes() == b"whole"


def test_failed_writing_keeps_the_file_that_was_there(tmp_path):
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "a.json") as temporary:
        temporary.write_text("ha")
        raise RuntimeError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.json", "old")]


def test_full_disk_names_the_file_that_was_to_be_written(tmp_path):
    with pytest.raises(OSError, match=r"a\.json"), atomic_file(tmp_path / "a.json"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_folder_replaces_the_one_that_was_there(tmp_path):
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "old").touch()
    with atomic_folder(tmp_path / "entry") as temporary:
        (temporary / "new").touch()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["entry", "entry/new"]


def test_failed_folder_keeps_the_one_that_was_there(tmp_path):
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "old").touch()
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "entry") as temporary:
        (temporary / "new").touch()
        raise RuntimeError
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["entry", "entry/old"]


def test_json_comes_back(tmp_path):
    write_json(tmp_path / "a.json", {"ä": [1, 2.5, None]})
    assert read_json(tmp_path / "a.json") == {"ä": [1, 2.5, None]}


def test_json_without_numbers_that_json_lacks(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"dice": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b'{"a": 1', b"\x89PNG\xff\xfe"])
def test_what_is_not_json_is_an_error_that_names_the_file(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.json is not valid JSON"):
        read_json(tmp_path / "a.json")


def test_rows_have_the_columns_of_all_of_them(tmp_path):
    write_rows(tmp_path / "history.csv", [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": None, "val_dice": 0.3}])
    assert (tmp_path / "history.csv").read_text() == "epoch,loss,val_dice\n1,0.5,\n2,,0.3\n"
    assert read_rows(tmp_path / "history.csv")[1] == {"epoch": "2", "loss": "", "val_dice": "0.3"}


def test_a_new_folder_is_claimed_by_its_description(tmp_path):
    claim(tmp_path / "run" / "plan.json", "a search with another {}", {"seed": 0})
    assert read_json(tmp_path / "run" / "plan.json") == {"seed": 0}


@pytest.mark.parametrize(
    "value",
    [
        {"seed": 0, "sizes": (1, 2)},
        {"sizes": [1, 2], "seed": 0.0},
        {"seed": 0, "sizes": [1, 2], "devices": None, "balance": {}},
        {"seed": 0, "sizes": [1, 2], "card": {"summary": "Better."}},
    ],
    ids=["tuples", "order and kind of number", "new fields that say nothing", "ignored field"],
)
def test_a_folder_goes_on_with_what_json_takes_for_the_same(value, tmp_path):
    claim(tmp_path / "plan.json", "a search with another {}", {"seed": 0, "sizes": [1, 2]})
    claim(tmp_path / "plan.json", "a search with another {}", value, ignore=("card",))


def test_a_folder_of_another_description_is_refused_and_untouched(tmp_path):
    first = {"recipe": {"epochs": 5, "optimizer": {"name": "adam"}}, "data": "a" * 64}
    claim(tmp_path / "plan.json", "a run of another {}", first)
    other = {"recipe": {"epochs": 9, "optimizer": {"name": "adam"}}, "data": "b" * 64}
    message = (
        f"{tmp_path} holds a run of another recipe. Choose another folder, or delete this one first. "
        "Different: recipe.epochs (5 there, 9 now), data."
    )
    with pytest.raises(ValueError, match="holds a run of another recipe") as error:
        claim(tmp_path / "plan.json", "a run of another {}", other)
    assert str(error.value) == message
    assert read_json(tmp_path / "plan.json") == first
