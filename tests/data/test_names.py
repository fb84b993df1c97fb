"""One rule for the names of patients, on every way in; words for missing values; columns that look like ids."""

import warnings

import numpy as np
import pytest

from medzoo.data import Samples, folds, from_arrays, from_coco, from_folders, from_npz, from_table, from_volumes
from medzoo.data.sources.names import lookalikes, patient_columns, patient_name
from tests.data.coco_files import image, write_coco
from tests.data.source_files import touch, write_table, write_volume

ONE = [1, 1.0, "1", "01", "1.0", " 1 ", "1.", "0001.00", "\uff11", np.int64(1), np.float32(1), np.str_("01"), b"1"]
NOBODY = [None, float("nan"), np.nan, "", "  ", "NA", "n/a", "N/A", "NaN", "None", "null", "NULL", "-", "<NA>", "#N/A"]
IMAGES = np.zeros((4, 8, 8))


@pytest.mark.parametrize("value", ONE, ids=repr)
def test_a_number_is_one_patient_in_every_form(value):
    assert patient_name(value) == "1"


@pytest.mark.parametrize("value", NOBODY, ids=repr)
def test_words_for_missing_values_are_nobody(value):
    assert patient_name(value) == ""


@pytest.mark.parametrize("value", ["P01", "1.10", "1.2.840.1", "1a", "a b", "0x1"])
def test_other_names_stay(value):
    assert patient_name(value) == value


def of_table(tmp_path, names):
    rows = [f"{number}.png,{'ab'[number % 2]},{name}" for number, name in enumerate(names, 1)]
    return from_table(write_table(tmp_path / "t.csv", "image,label,patient", *rows))


def of_arrays(tmp_path, names):
    return from_arrays(IMAGES, ["a", "b", "a", "b"], patients=names)


def of_npz(tmp_path, names):
    np.savez(tmp_path / "a.npz", images=IMAGES, targets=["a", "b", "a", "b"], patients=names)
    return from_npz(tmp_path / "a.npz")


def of_coco(tmp_path, names):
    entries = [{**image(key, f"{key}.png"), "patient_id": name} for key, name in enumerate(names)]
    return from_coco(write_coco(tmp_path, [], entries))


def of_coco_names(tmp_path, names):
    entries = [image(key, f"{key}_{name}.png") for key, name in enumerate(names)]
    return from_coco(write_coco(tmp_path, [], entries), patient=r"_(.*)\.png")


def of_folders(tmp_path, names):
    touch(tmp_path, *(f"{'ab'[number % 2]}/{number}_{name}.png" for number, name in enumerate(names)))
    return from_folders(tmp_path, patient=r"_(.*)\.png")


def of_volumes(tmp_path, names):
    paths = [(f"images/{number}_{name}.nii.gz", f"labels/{number}_{name}.nii.gz") for number, name in enumerate(names)]
    for path in (path for pair in paths for path in pair):
        write_volume(tmp_path / path)
    return from_volumes(tmp_path, labels="tumor", patient=r"_(.*)\.nii")


def of_samples(tmp_path, names):
    return Samples(("a", "b", "c", "d"), (0, 1, 0, 1), tuple(names), ("",) * 4, ("a", "b"))


WAYS = [of_table, of_arrays, of_npz, of_coco, of_coco_names, of_folders, of_volumes, of_samples]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_takes_01_and_1_for_one_patient(tmp_path, way):
    samples = way(tmp_path, ["01", "1", "2", "2.0"])
    assert sorted(samples.patients) == ["1", "1", "2", "2"]
    for train, valid in folds(samples, 2):
        assert not set(train.patients) & set(valid.patients)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("word", ["", "NA", "nan", "-"])
def test_every_way_in_refuses_rows_without_a_patient(tmp_path, way, word):
    with pytest.raises(ValueError, match="no patient"):
        way(tmp_path, ["1", "2", word, word])


def test_nobody_is_named_by_row(tmp_path):
    with pytest.raises(ValueError, match="array 0002, array 0003") as error:
        from_arrays(IMAGES, [0, 1, 0, 1], patients=[1.0, 2.0, np.nan, None])
    assert "NaN" in str(error.value)
    with pytest.raises(ValueError, match="row 3"):
        of_table(tmp_path, ["1", "None"])


def test_an_image_that_is_its_own_patient_keeps_its_path():
    samples = Samples(("01", "02"), (0, 1), ("01", "02"), ("", ""), ("a", "b"))
    assert samples.patients == ("01", "02") and not samples.has_patients


def test_01_and_1_in_two_splits_are_a_leak(tmp_path):
    lines = ("image,label,patient,split", "1.png,a,01,train", "2.png,b,2,train", "3.png,a,1,test")
    with pytest.raises(ValueError, match="'1' in train and test"):
        from_table(write_table(tmp_path / "t.csv", *lines))


@pytest.mark.parametrize("names", [("P01", "P1"), ("p1", "P1"), ("a b", "a_b")])
def test_patients_that_are_nearly_equal_are_warned_of(tmp_path, names):
    with pytest.warns(UserWarning, match=rf"t\.csv.*{names[0]}' and '{names[1]}'"):
        of_table(tmp_path, names)


def test_names_that_differ_are_no_lookalikes():
    assert lookalikes(["1.2.840.10", "1.2.840.1", "P10", "P1", "a"]) == []


PERSONS = ["patient", "PatientID", "Patient ID", "PATIENT_ID", "patientid", "subject", "subject_id", "SubjectID"]
PERSONS += ["participant_id", "bcr_patient_barcode", "BraTS_2020_subject_ID", "MRN", "Patient-No", "patient_name"]
WITHIN = [
    "case_id",
    "CaseID",
    "StudyInstanceUID",
    "study_id",
    "SeriesInstanceUID",
    "AccessionNumber",
    "lesion_id",
    "case",
]
NEITHER = [
    "PatientAge",
    "Patient Gender",
    "patient_weight",
    "PatientSex",
    "inpatient",
    "age",
    "dx",
    "path",
    "StudyDate",
]


@pytest.mark.parametrize("column", PERSONS)
def test_a_column_that_looks_like_the_patient_is_taken_in_silence(tmp_path, column):
    path = write_table(tmp_path / "t.csv", f"image,label,{column}", "1.png,a,p", "2.png,b,p", "3.png,b,q")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert from_table(path).patients == ("p", "p", "q")


@pytest.mark.parametrize("column", WITHIN)
def test_a_column_that_holds_rows_together_is_taken_with_a_warning(tmp_path, column):
    path = write_table(tmp_path / "t.csv", f"image,label,{column}", "1.png,a,p", "2.png,b,p", "3.png,b,q")
    with pytest.warns(UserWarning, match=rf"t\.csv: .*'{column}' is taken"):
        assert from_table(path).patients == ("p", "p", "q")
    assert not from_table(path, patient="").has_patients


@pytest.mark.parametrize("column", NEITHER)
def test_other_columns_are_no_patients(column):
    assert patient_columns([column]) == ([], [])


def test_an_id_of_each_row_is_no_patient(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label,id", "1.png,a,7", "2.png,b,8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not from_table(path).has_patients


def test_a_study_that_all_rows_share_is_not_taken_and_told(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label,study_id", "1.png,a,ADNI", "2.png,b,ADNI")
    with pytest.warns(UserWarning, match="not taken for the patient"):
        assert not from_table(path).has_patients


def test_the_patient_wins_over_study_and_subject_with_a_warning_of_the_coarser(tmp_path):
    rows = ("1.png,a,s,u1,p1", "2.png,b,s,u2,p2")
    path = write_table(tmp_path / "t.csv", "image,label,subject,StudyInstanceUID,patient", *rows)
    with pytest.warns(UserWarning, match="'patient' is taken for the patient, but 'subject' joins more rows"):
        assert from_table(path).patients == ("p1", "p2")
