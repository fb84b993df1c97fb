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


def lesions(tmp_path, labels=None):
    """Masks of one benign lesion (255), of one malignant lesion (1), and of none."""
    for name, values in {"b": [[0, 255]], "m": [[1, 0]], "n": [[0, 0]]}.items():
        write_picture(tmp_path / f"{name}.png", values)
    rows = ["1.png,b.png,benign", "2.png,m.png,malignant", "3.png,n.png,normal"]
    path = write_table(tmp_path / "t.csv", "image,mask,label", *rows)
    return from_table(path, mask="mask", label="label", labels=labels)


def test_masks_of_one_structure_take_its_name_from_the_label(tmp_path):
    data = lesions(tmp_path)
    assert (data.kind, data.labels) == ("segmentation", ("background", "benign", "malignant", "normal"))
    assert [row.target.mask().tolist() for row in data] == [[[0, 1]], [[2, 0]], [[0, 0]]]


def test_the_order_of_structures_may_be_given_and_a_class_without_label_has_an_empty_mask(tmp_path):
    data = lesions(tmp_path, ("background", "malignant", "benign"))
    assert [row.target.mask().tolist() for row in data] == [[[0, 2]], [[1, 0]], [[0, 0]]]


def test_a_mask_of_a_class_without_label_must_be_empty(tmp_path):
    data = lesions(tmp_path, ("background", "benign", "malignnat"))
    with pytest.raises(ValueError, match=r"m\.png holds the values 1; expected 0 to 2 \(background, benign, malignnat"):
        data[1].target.mask()


def test_a_mask_of_one_structure_may_hold_no_other_value(tmp_path):
    write_picture(tmp_path / "m.png", [[0, 2]])
    path = write_table(tmp_path / "t.csv", "image,mask,label", "1.png,m.png,benign")
    with pytest.raises(ValueError, match=r"m\.png holds the values 2"):
        from_table(path, mask="mask", label="label")[0].target.mask()


def test_volume_masks_of_one_structure_take_its_name_from_the_label(tmp_path):
    write_volume(tmp_path / "a.nii.gz")
    write_volume(tmp_path / "m.nii.gz", np.ones((2, 3, 4)))
    path = write_table(tmp_path / "t.csv", "image,mask,kind", "a.nii.gz,m.nii.gz,cyst")
    data = from_table(path, mask="mask", label="kind", labels=("background", "tumor", "cyst"))
    assert np.unique(data[0].target.mask()).tolist() == [2]


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
        tmp_path / "t.csv", "image,label,patient_id,split", "1.png,a,7,Training", "2.png,b,07.0x,val", "3.png,b,8,train"
    )
    data = from_table(path)
    assert (data.patients, data.splits) == (("7", "07.0x", "8"), ("train", "valid", "train"))


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


def fails(tmp_path, message, *lines, error=ValueError, **options):
    path = write_table(tmp_path / "t.csv", *lines)
    with pytest.raises(error, match=message) as caught:
        from_table(path, **options)
    return caught.value


def test_missing_files_are_counted_at_once(tmp_path):
    lines = ["1.png,a", *(f"lost{number}.png,b" for number in range(5))]
    error = fails(
        tmp_path,
        "5 of the 6 files .*lost0.png, .*lost1.png, .*lost2.png and 2 more",
        "image,label",
        *lines,
        error=FileNotFoundError,
    )
    assert "lost4.png" in error.__notes__[0]


def test_a_missing_mask_is_named(tmp_path):
    fails(tmp_path, "1 of the 1 files in the mask column", "image,mask", "1.png,m.png", error=FileNotFoundError)


def test_empty_labels_are_named_by_row(tmp_path):
    fails(
        tmp_path,
        "2 empty cells in the column 'label': row 3, row 4",
        "image,label",
        "1.png,a",
        "2.png,",
        "3.png,nan",
        "4.png,b",
    )


@pytest.mark.parametrize("cell", ["", "nan", "inf"])
def test_targets_that_are_not_finite_are_named_by_row(tmp_path, cell):
    fails(tmp_path, r"1 values .* are not finite: row 3 \(", "image,target", "1.png,1", f"2.png,{cell}", "3.png,2")


def test_text_in_a_target_column_is_named_with_the_fix(tmp_path):
    fails(tmp_path, r"row 3 \('high'\).*label='target'", "image,target", "1.png,1", "2.png,high")


def test_a_constant_target_is_an_error(tmp_path):
    fails(tmp_path, "All 2 values .* are 5", "image,target", "1.png,5", "2.png,5.0")


def test_a_target_that_is_constant_in_train_only_is_an_error(tmp_path):
    rows = ("1.png,5,train", "2.png,5,train", "3.png,6,test")
    fails(tmp_path, "All 2 values", "image,target,split", *rows)


def test_one_class_only_is_an_error(tmp_path):
    fails(tmp_path, r"1 class \(a\)", "image,label", "1.png,a", "2.png,a")


def test_a_class_only_in_test_is_named(tmp_path):
    rows = ("1.png,a,train", "2.png,b,train", "3.png,c,test")
    fails(tmp_path, "missing in train, but not in valid or test: c", "image,label,split", *rows)


def test_measurements_as_classes_point_to_target(tmp_path):
    fails(tmp_path, "30 different numbers.*target='y'", "image,y", *(f"1.png,0.{n}1" for n in range(30)), label="y")


def test_an_image_listed_twice_is_named_by_row(tmp_path):
    fails(
        tmp_path,
        r"lists images twice, in 2 rows: row 2 \(.*1.png\), row 4",
        "image,label",
        "1.png,a",
        "2.png,b",
        "1.png,b",
    )


def test_unknown_splits_are_named_by_row(tmp_path):
    fails(tmp_path, r"1 unknown splits: row 3 \('dev'\)", "image,label,split", "1.png,a,train", "2.png,b,dev")


def test_a_patient_in_two_splits_is_an_error(tmp_path):
    rows = ("1.png,a,p,train", "2.png,b,q,train", "3.png,b,p,test")
    fails(tmp_path, "'p' in train and test", "image,label,patient,split", *rows)


def test_an_image_of_two_patients_is_an_error(tmp_path):
    rows = ("1.png,a,p,1", "1.png,b,q,2")
    fails(tmp_path, "gives 1 images to several patients", "image,label,patient,slice", *rows)


def test_slices_that_are_no_index_are_named_by_row(tmp_path):
    fails(tmp_path, r"row 2 \(1.5\), row 3 \(-1\)", "image,label,slice", "1.png,a,1.5", "2.png,b,-1")


def test_an_unknown_column_shows_the_near_match(tmp_path):
    fails(tmp_path, "Did you mean 'label'", "image,label", "1.png,a", "2.png,b", label="labl")


@pytest.mark.parametrize("header", ["image,group", "image,label,target"])
def test_no_clear_target_lists_the_columns(tmp_path, header):
    row = ",".join(["1.png", *header.split(",")[1:]])
    fails(tmp_path, f"Its columns are {header.replace(',', ', ')}", header, row)


def test_no_image_column_says_how_to_name_it(tmp_path):
    fails(tmp_path, r"Name its column of the image: image=\.\.\.", "scan,label", "1.png,a", "2.png,b")


@pytest.mark.parametrize("lines", [(), ("image,label",)])
def test_a_table_without_rows_is_an_error(tmp_path, lines):
    fails(tmp_path, "has no rows", *lines)


def test_rows_of_another_length_are_named(tmp_path):
    fails(tmp_path, r"row 3 \(3\)", "image,label", "1.png,a", "2.png,b,c")


def test_a_missing_table_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no table"):
        from_table(tmp_path / "t.csv")


def test_a_table_in_another_encoding_is_an_error(tmp_path):
    (tmp_path / "t.csv").write_bytes("image,label\nä.png,a".encode("latin-1"))
    with pytest.raises(ValueError, match="not UTF-8"):
        from_table(tmp_path / "t.csv")


def test_masks_in_another_grid_are_an_error(tmp_path):
    write_volume(tmp_path / "m.nii.gz", affine=np.diag([2, 1, 1, 1]))
    write_volume(tmp_path / "1.nii.gz")
    fails(tmp_path, "1 masks are not in the grid", "image,mask", "1.nii.gz,m.nii.gz", labels="tumor")


def test_volume_masks_without_labels_show_their_values(tmp_path):
    write_volume(tmp_path / "m.nii.gz")
    write_volume(tmp_path / "1.nii.gz")
    fails(tmp_path, "holds the values 0. Give `labels`", "image,mask", "1.nii.gz,m.nii.gz")
