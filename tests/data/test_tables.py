from __future__ import annotations

import numpy as np
import pytest

from medzoo.data import from_table
from tests.data.source_files import touch, write_picture, write_table, write_volume


def labels_of(samples):
    return [samples.labels[target] for target in samples.targets]


def test_a_label_column_holds_classes(tmp_path):
    data = from_table(write_table(tmp_path / "t.csv", "image,label", "1.png,cyst", "2.png,normal", "3.png,cyst"))
    assert (data.kind, labels_of(data)) == ("classification", ["cyst", "normal", "cyst"])
    assert data.names == ("1.png", "2.png", "3.png")


@pytest.mark.parametrize("zero", ["0", "0.0", "0.00"])
def test_numbers_as_classes_are_the_same_in_every_form(tmp_path, zero):
    data = from_table(write_table(tmp_path / "t.csv", "image,y", f"1.png,{zero}", "2.png,1"), label="y")
    assert (data.labels, data.targets) == (("0", "1"), (0, 1))


def test_half_grades_are_classes(tmp_path):
    data = from_table(write_table(tmp_path / "t.csv", "image,label", "1.png,0.5", "2.png,2", "3.png,0.5"))
    assert labels_of(data) == ["0.5", "2", "0.5"]


def test_a_target_column_holds_numbers(tmp_path):
    data = from_table(write_table(tmp_path / "t.csv", "image,target", "1.png,1", "2.png,0.5"))
    assert (data.kind, data.targets, data.labels) == ("regression", (1.0, 0.5), ("target",))


def test_a_mask_column_holds_pictures(tmp_path):
    write_picture(tmp_path / "m.png", [[0, 255]])
    data = from_table(write_table(tmp_path / "t.csv", "image,mask", "1.png,m.png"))
    assert (data.kind, data.labels) == ("segmentation", ("background", "foreground"))
    np.testing.assert_array_equal(data[0].target.mask(), [[0, 1]])


def test_a_mask_column_holds_volumes(tmp_path):
    write_volume(tmp_path / "a.nii.gz")
    write_volume(tmp_path / "m.nii.gz")
    path = write_table(tmp_path / "t.csv", "image,mask", "a.nii.gz,m.nii.gz")
    assert from_table(path, labels="tumor")[0].target.shape == (4, 3, 2)


def test_labels_name_the_values(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label", "1.png,0", "2.png,1", "3.png,2")
    assert labels_of(from_table(path, labels={"low": [0], "high": [1, 2]})) == ["low", "high", "high"]


def test_rows_of_other_classes_are_left_out_with_a_warning(tmp_path, caplog):
    path = write_table(tmp_path / "t.csv", "image,label", "1.png,a", "2.png,b", "missing.png,c")
    assert labels_of(from_table(path, labels=["b", "a"])) == ["a", "b"]
    assert "1 rows of other classes" in caplog.text


@pytest.mark.parametrize("column", ["image", "Path", "file_name", "FILENAME"])
def test_the_image_column_is_found_in_any_case(tmp_path, column):
    data = from_table(write_table(tmp_path / "t.csv", f"{column},label", "1.png,a", "2.png,b"))
    assert data.images[0] == str(tmp_path / "1.png")


def test_several_image_columns_make_several_rows(tmp_path):
    touch(tmp_path, "1_es.png", "2_es.png")
    path = write_table(tmp_path / "t.csv", "patient,ed,es,label", "p1,1.png,1_es.png,a", "p2,2.png,2_es.png,b")
    data = from_table(path, image=("ed", "es"))
    assert data.names == ("1.png", "1_es.png", "2.png", "2_es.png")
    assert (data.patients, data.targets) == (("p1", "p1", "p2", "p2"), (0, 0, 1, 1))


def test_a_pattern_makes_image_names_of_columns(tmp_path):
    touch(tmp_path, "scans/p1_x.png", "scans/p2_y.png")
    path = write_table(tmp_path / "t.csv", "patient,phase,label", "p1,x,a", "p2,y,b")
    assert from_table(path, image="scans/{patient}_{phase}.png").names == ("p1_x.png", "p2_y.png")


def test_paths_may_begin_in_another_folder(tmp_path):
    touch(tmp_path / "scans", "x.png", "y.png")
    path = write_table(tmp_path / "t.csv", "image,label", "x.png,a", "y.png,b")
    assert from_table(path, folder=tmp_path / "scans").images[0] == str(tmp_path / "scans" / "x.png")


def test_patients_and_splits_are_read(tmp_path):
    path = write_table(
        tmp_path / "t.csv", "image,label,patient_id,split", "1.png,a,7,Training", "2.png,b,007,val", "3.png,b,8,train"
    )
    data = from_table(path)
    assert (data.patients, data.splits) == (("7", "007", "8"), ("train", "valid", "train"))


def test_slices_of_one_volume_are_several_rows(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label,slice", "1.png,a,3", "1.png,b,4.0", "2.png,b,")
    data = from_table(path)
    assert data.slices == (3, 4, None)
    assert data.patients[0] == data.patients[1]


@pytest.mark.parametrize(
    "text",
    ["image;label\n1.png;a\n2.png;b", "image\tlabel\n1.png\ta\n2.png\tb", "\ufeffimage,label\n1.png,a\n\n2.png,b\n"],
)
def test_other_forms_of_csv_are_read(tmp_path, text):
    assert len(from_table(write_table(tmp_path / "t.csv", *text.split("\n")))) == 2


def test_parquet_is_read_like_csv(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    touch(tmp_path, "1.png", "2.png")
    table = pyarrow.table({"image": ["1.png", "2.png"], "label": [0.0, 1.0], "patient": [1, 2]})
    parquet.write_table(table, tmp_path / "t.parquet")
    data = from_table(tmp_path / "t.parquet")
    assert (data.labels, data.targets, data.patients) == (("0", "1"), (0, 1), ("1", "2"))
