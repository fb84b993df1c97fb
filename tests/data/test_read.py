from __future__ import annotations

import subprocess
import sys

import pytest

from medzoo.data import read
from tests.data.coco_files import SQUARE, annotation, image, write_coco


def write_parts(folder, *names, **more):
    for name in names:
        write_coco(folder / name, [annotation([SQUARE])], [image(file=f"{name}.png")], **more)


def test_a_coco_file_is_read(tmp_path):
    assert read(write_coco(tmp_path, [])).images == (str(tmp_path / "a.png"),)


@pytest.mark.parametrize("name", ["_annotations.coco.json", "labels.json"])
def test_a_folder_with_one_coco_file_is_read(tmp_path, name):
    write_coco(tmp_path, [], name=name)
    (tmp_path / "notes.json").write_text('{"made": "by hand"}')
    (tmp_path / "broken.json").write_text("{")
    assert len(read(tmp_path)) == 1


def test_a_folder_with_two_coco_files_is_an_error(tmp_path):
    write_coco(tmp_path, [], name="a.json")
    write_coco(tmp_path, [], name="b.json")
    with pytest.raises(ValueError, match=r"2 COCO files: a\.json, b\.json"):
        read(tmp_path)


@pytest.mark.parametrize("folder", ["valid", "val", "validation"])
def test_folders_become_splits(tmp_path, folder):
    write_parts(tmp_path, "train", folder, "test")
    assert read(tmp_path).splits == ("train", "valid", "test")


def test_one_file_name_in_two_folders_is_two_patients(tmp_path):
    for name in ("train", "valid"):
        write_coco(tmp_path / name, [])
    assert len(set(read(tmp_path).patients)) == 2


def test_a_patient_in_two_folders_is_an_error(tmp_path):
    write_parts(tmp_path, "train", "valid")
    with pytest.raises(ValueError, match="'p' in train and valid"):
        read(tmp_path, patient=lambda name: "p")


def test_labels_reach_every_folder(tmp_path):
    write_parts(tmp_path, "train", categories=("0", "1"))
    write_parts(tmp_path, "valid", categories=("1", "0"))
    assert read(tmp_path, labels="tumor").labels == ("background", "tumor")


def test_folders_with_different_labels_are_an_error(tmp_path):
    write_parts(tmp_path, "train", categories=("tumor",))
    write_parts(tmp_path, "valid", categories=("cyst",))
    with pytest.raises(ValueError, match="train has background, tumor, valid has background, cyst"):
        read(tmp_path)


@pytest.mark.parametrize("exists", [False, True], ids=["missing path", "empty folder"])
def test_a_path_without_data_lists_what_is_accepted(tmp_path, exists):
    source = tmp_path if exists else tmp_path / "nowhere"
    with pytest.raises(FileNotFoundError, match="Expected a COCO JSON, a folder with _annotations"):
        read(source)


def test_reading_loads_no_framework(tmp_path):
    path = write_coco(tmp_path, [annotation([SQUARE])])
    code = (
        f"import sys, medzoo.data; medzoo.data.read({str(path)!r}); "
        "print([name for name in ('keras', 'tensorflow', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
