import errno

import pytest

from medzoo.files import atomic_file, atomic_folder, read_json, write_json


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
