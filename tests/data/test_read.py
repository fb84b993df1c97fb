from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from medzoo.data import read
from tests.data.coco_files import SQUARE, annotation, image, write_coco
from tests.data.source_files import touch, write_table, write_volume

# The module of this name is hidden by the function.
module = importlib.import_module("medzoo.data.sources.read")


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
    with pytest.raises(FileNotFoundError, match="Expected a COCO JSON or a folder with _annotations.*tfds:NAME"):
        read(source)


def test_coco_takes_the_options_of_the_other_readers(tmp_path):
    write_coco(tmp_path, [], [image(file="p1_a.png")], categories=("cyst", "tumor"))
    data = read(tmp_path, labels=("tumor", "cyst"), patient="p[0-9]")
    assert (data.labels, data.patients) == (("background", "tumor", "cyst"), ("p1",))


def test_a_table_is_read(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label", "1.png,a", "2.png,b")
    assert read(path).kind == "classification"


def test_a_folder_with_a_table_is_read_if_its_column_is_named(tmp_path):
    write_table(tmp_path / "t.csv", "image,lvef", "1.png,0.5", "2.png,0.6")
    assert read(tmp_path, target="lvef").targets == (0.5, 0.6)
    with pytest.raises(FileNotFoundError, match=r"holds t.csv: name its column, '.*:label=NAME'"):
        read(tmp_path)


@pytest.mark.parametrize("names", [(), ("a.csv", "b.parquet")])
def test_a_column_without_one_table_is_an_error(tmp_path, names):
    with pytest.raises(ValueError, match=f"holds {len(names)} tables; expected one"):
        read(touch(tmp_path, *names), label="y")


def test_class_folders_are_read(tmp_path):
    assert read(touch(tmp_path, "a/1.png", "b/1.png")).labels == ("a", "b")


@pytest.mark.parametrize(
    "names", [("images/1", "labels/1"), ("1", "1_labels"), ("p1/1", "p1/1_mask"), ("train/1", "train/1_seg")]
)
def test_pairs_of_image_and_mask_are_read(tmp_path, names):
    for name in names:
        write_volume(tmp_path / f"{name}.nii.gz")
    assert read(tmp_path, labels="heart").kind == "segmentation"


def test_a_name_behind_tfds_is_handed_on(monkeypatch):
    monkeypatch.setattr(module, "from_tfds", lambda name, data_dir=None: (name, data_dir))
    assert read("tfds:brain_mri:data_dir=/tmp/shards") == ("brain_mri", "/tmp/shards")


def test_a_file_of_another_kind_lists_what_is_accepted(tmp_path):
    with pytest.raises(ValueError, match="scan.png' is no data set. Expected a COCO JSON"):
        read(touch(tmp_path, "scan.png") / "scan.png")


def test_options_stand_behind_the_path(tmp_path):
    touch(tmp_path, "a/p1.png", "b/p2.png")
    data = read(f"{tmp_path}:labels=b,a,patient=p[0-9]+")
    assert (data.labels, data.patients) == (("b", "a"), ("p1", "p2"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data", ("data", {})),
        ("t.csv:label=y", ("t.csv", {"label": "y"})),
        ("t.csv:image=ed,es,label=y", ("t.csv", {"image": ("ed", "es"), "label": "y"})),
        ("d:labels=tumor", ("d", {"labels": "tumor"})),
        ("d:patient=p[0-9]{1,3}", ("d", {"patient": "p[0-9]{1,3}"})),
        ("C:/data", ("C:/data", {})),
    ],
)
def test_a_text_is_path_and_options(text, expected):
    assert module.split_options(text) == expected


def test_a_path_that_exists_has_no_options(tmp_path):
    assert module.split_options(touch(tmp_path, "a:b=c") / "a:b=c") == (str(tmp_path / "a:b=c"), {})


def test_options_in_python_win_over_the_text(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png")
    assert read(f"{tmp_path}:labels=b,a", labels=("a", "b")).labels == ("a", "b")


def test_an_unknown_option_shows_the_near_match(tmp_path):
    with pytest.raises(ValueError, match="Unknown option 'lables'. Did you mean 'labels'"):
        read(touch(tmp_path, "a/1.png", "b/1.png"), lables=("a", "b"))


def test_reading_loads_no_framework(tmp_path):
    path = write_coco(tmp_path, [annotation([SQUARE])])
    code = (
        f"import sys, medzoo.data; medzoo.data.read({str(path)!r}); "
        "print([name for name in ('keras', 'tensorflow', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
