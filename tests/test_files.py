import errno
import os
import signal
import subprocess
import sys

import pytest

from medzoo.files import atomic_file, atomic_folder, claim, read_json, read_rows, write_json, write_rows
from medzoo.leftovers import owned_prefix, put_back


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


KILLS = """
import os, signal, sys
from pathlib import Path
from medzoo.files import atomic_folder
import medzoo.files

point, folder = int(sys.argv[1]), Path(sys.argv[2])
calls = 0

def killing(function):
    def call(*arguments, **options):
        global calls
        if calls == point:
            os.kill(os.getpid(), signal.SIGKILL)
        calls += 1
        return function(*arguments, **options)
    return call

os.replace, medzoo.files.shutil.rmtree = killing(os.replace), killing(medzoo.files.shutil.rmtree)
with atomic_folder(folder) as temporary:
    (temporary / "file").write_text("new")
"""


@pytest.mark.parametrize("point", range(4), ids=["before", "between", "before the former is removed", "at the end"])
def test_folder_whose_replacement_was_killed_is_found_by_the_next_call(tmp_path, point):
    folder = tmp_path / "an entry [1] with a name that is longer than what fits"
    folder.mkdir()
    (folder / "file").write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLS, str(point), str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    put_back(folder)
    assert (folder / "file").read_text() == ("old" if point < 2 else "new")
    with atomic_folder(folder) as temporary:
        (temporary / "file").write_text("newest")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        folder.name,
        f"{folder.name}/file",
    ]


def test_leftovers_of_processes_that_run_or_are_elsewhere_stay(tmp_path):
    kept = [owned_prefix("a.json") + "abcdefgh.json", ".a.json-00000000-1-0123abcd-abcdefgh.json", ".hidden"]
    gone = owned_prefix("a.json").replace(f"-{os.getpid()}-", "-999999999-") + "abcdefgh.json"
    for name in (*kept, gone):
        (tmp_path / name).touch()
    write_json(tmp_path / "b.json", {})
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "b.json"}


def test_failed_exchange_puts_the_former_folder_back(tmp_path, monkeypatch):
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "old").touch()
    replace, calls = os.replace, []

    def second_fails(*paths):
        calls.append(paths)
        if len(calls) == 2:
            raise OSError(errno.EIO, "Input/output error")
        replace(*paths)

    monkeypatch.setattr(os, "replace", second_fails)
    with pytest.raises(OSError, match="Input/output"), atomic_folder(tmp_path / "entry"):
        pass
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["entry", "entry/old"]


def test_deep_json_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "a.json").write_text("[" * 200_000)
    with pytest.raises(ValueError, match=r"a\.json is not valid JSON: it is nested too deep"):
        read_json(tmp_path / "a.json")


def test_number_of_too_many_digits_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "a.json").write_text("9" * 5000)
    with pytest.raises(ValueError, match=r"a\.json is not valid JSON"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("content", [b"a,b\n1\n", b"a\n1,2\n", b"a\n\xff\n", b"a\n" + b"x" * 200_000 + b"\n"])
def test_damaged_csv_is_an_error_that_names_the_file(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.csv is not valid CSV"):
        read_rows(tmp_path / "a.csv")
