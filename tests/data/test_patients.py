"""Who the patient is: a table beside the data, or the header of a DICOM file."""

from __future__ import annotations

import numpy as np
import pytest

from medzoo.data import audit, from_coco, from_folders, from_volumes, read
from medzoo.data.sources.names import header_patients
from tests.data.audit_files import only, picture, write
from tests.data.coco_files import image, write_coco
from tests.data.source_files import touch, write_volume
from tests.io.conftest import write_dicom, write_series  # noqa: F401

GREY = np.zeros((4, 5), np.int16)


@pytest.fixture
def folder(tmp_path):
    return touch(tmp_path, "a/1.png", "a/2.png", "b/3.png")


def write_patients(folder, *lines, name="patients.csv"):
    (folder / name).write_text("\n".join(lines))


@pytest.mark.parametrize("files", [("1.png", "2.png", "3.png"), ("a/1.png", "./a/2.png", "b\\3.png"), ("1", "2", "3")])
@pytest.mark.parametrize(
    "names", ["file,patient", "Image,PatientID", "filename,patient_id", "File name,group", "path,pid"]
)
def test_a_table_beside_class_folders_names_the_patients(folder, files, names):
    write_patients(folder, names, *(f"{file},{who}" for file, who in zip(files, ("01", "1.0", "x"), strict=True)))
    assert from_folders(folder).patients == ("1", "1", "x")


@pytest.mark.parametrize("name", ["patients.csv", "cases.tsv", "Meta.CSV"])
def test_the_table_may_have_any_name(folder, name):
    write_patients(
        folder, *(f"{file}\t{who}" for file, who in (("file", "patient"), *zip("123", "ppq", strict=True))), name=name
    )
    assert from_folders(folder).patients == ("p", "p", "q")


def test_a_group_wins_over_the_patient_and_a_name_over_both(folder):
    write_patients(folder, "file,patient,group", "1.png,p,g", "2.png,q,g", "3.png,r,h")
    assert from_folders(folder).patients == ("g", "g", "h")
    assert read(f"{folder}:patient=patient").patients == ("p", "q", "r")
    assert from_folders(folder, patient="[0-9]").patients == ("1", "2", "3")
    assert not from_folders(folder, patient="").has_patients


def test_a_group_of_one_image_without_a_person_is_nobody(folder):
    write_patients(folder, "file,patient,group", "1.png,p,p", "2.png,,2", "3.png,q,q")
    assert from_folders(folder).patients == ("p", str(folder / "a/2.png"), "q")


def test_what_is_not_listed_and_what_is_not_there_is_told_once(folder):
    write_patients(folder, "file,patient", "1.png,p", "gone.png,p", "lost.png,q", "3.png,p")
    with pytest.warns(UserWarning) as warned:
        samples = from_folders(folder)
    texts = sorted(str(warning.message) for warning in warned)
    assert len(texts) == 2
    assert "does not list 1 of the 3 images, such as" in texts[0] and "a/2.png" in texts[0]
    assert "lists 2 files that are not there, such as 'gone.png' in row 3" in texts[1]
    assert samples.patients == ("p", str(folder / "a/2.png"), "p")


def test_files_of_other_classes_are_there(folder, recwarn):
    touch(folder, "c/4.png")
    write_patients(folder, "file,patient", "1.png,p", "2.png,p", "3.png,q", "4.png,q")
    assert len(from_folders(folder, labels=["a", "b"])) == 3
    assert not recwarn.list


def test_equal_names_are_told_apart_by_the_split_and_the_class(tmp_path):
    touch(tmp_path, *(f"{part}/{label}/1.png" for part in ("Training", "Testing") for label in "ab"))
    rows = [("train", "a", "p"), ("train", "b", "q"), ("test", "a", "r"), ("test", "b", "s")]
    write_patients(tmp_path, "split,label,file,patient", *(f"{part},{label},1.png,{who}" for part, label, who in rows))
    assert from_folders(tmp_path).patients == ("p", "q", "r", "s")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("file,patient", "1.png,p", "1.png,q"), r"1 images several patients: .*1\.png \(p and q\)"),
        (("file,patient", "1.png,", "2.png,NA"), r"names no patient in 2 rows: row 2, row 3"),
        (("file,patient", "same.png,p"), r"1 rows that fit several images: row 2 \(same\.png\)"),
        (("name,who", "1.png,p"), r"must have a column of files .* Its columns are name, who"),
        (("file,patient", "1.png"), r"other counts of cells"),
    ],
    ids=["contradiction", "nobody", "unclear", "no column", "no table"],
)
def test_a_table_that_is_wrong_is_named(folder, lines, words):
    touch(folder, "a/same.png", "b/same.png")
    write_patients(folder, *lines)
    with pytest.raises(ValueError, match=rf"patients\.csv.*{words}"):
        from_folders(folder)


def test_two_tables_of_patients_are_refused_unless_one_is_called_so(folder):
    for name in ("x.csv", "y.csv"):
        write_patients(folder, "file,patient", "1.png,p", "2.png,p", "3.png,q", name=name)
    with pytest.raises(ValueError, match=r"2 tables that name patients: x\.csv, y\.csv"):
        from_folders(folder)
    write_patients(folder, "file,patient", "1.png,r", "2.png,r", "3.png,s")
    assert from_folders(folder).patients == ("r", "r", "s")


def test_tables_without_patients_are_no_tables_of_patients(folder, recwarn):
    write_patients(folder, "image,label", "1.png,a", name="labels.csv")
    write_patients(folder, "a,b", "1", name="odd.csv")
    assert not from_folders(folder).has_patients
    assert not recwarn.list


@pytest.fixture
def parted(tmp_path):
    """Published parts that separate the patients p and q."""
    for number, place in enumerate(["train/a/1", "train/a/2", "train/b/3", "test/a/4", "test/b/5", "train/b/6"]):
        write(tmp_path / f"{place}.png", picture(number))
    write_patients(tmp_path, "file,patient", "1.png,p", "2.png,q", "3.png,r", "4.png,p", "5.png,q", "6.png,s")
    return tmp_path


def test_published_parts_that_separate_patients_are_kept_with_a_warning_and_two_ways_out(parted, tmp_path):
    with pytest.warns(UserWarning, match=r"2 patients .*'p' in train and test.*split=''.*patient=''"):
        published = read(parted)
    assert set(published.splits) == {"train", "test"}
    assert not published.has_patients
    assert set(read(f"{parted}:patient=").splits) == {"train", "test"}
    assert set(read(f"{parted}:split=''").splits) == {""}
    file = tmp_path / "split.csv"
    file.write_text("image,split\n" + "\n".join(f"{p},{'test' if p[-5] in '14' else 'train'}" for p in PLACES))
    assert read(parted, split_file=file).part("test").patients == ("p", "p")


PLACES = ("train/a/1.png", "train/a/2.png", "train/b/3.png", "train/b/6.png", "test/a/4.png", "test/b/5.png")


def test_only_no_parts_can_be_asked_for(parted):
    with pytest.raises(ValueError, match="can only be ''"):
        read(parted, split="train")


def test_the_audit_knows_the_patients_of_the_table(parted):
    found = audit(parted)
    assert {finding.text for finding in found.of_kind("patient in two splits")} == {
        "Patient p: test 1, train 1",
        "Patient q: test 1, train 1",
    }


def test_a_wrong_table_is_a_finding_of_the_audit(parted):
    write_patients(parted, "who,what", "1,2")
    assert "patients.csv' must have a column" in only(audit(parted), "patients").text


@pytest.mark.parametrize("place", ["", "train", "outside"])
def test_the_folder_of_one_part_knows_the_table(parted, place):
    if place == "train":
        (parted / "patients.csv").rename(parted / "train/patients.csv")
    patients = read(f"{parted if place == 'train' else parted / 'train'}:split=").patients
    assert patients[:4] == ("p", "q", "r", "s")


def test_a_table_names_the_patients_of_coco_files_without_a_field(tmp_path, recwarn):
    for part in ("train", "valid"):
        (tmp_path / part).mkdir()
        write_coco(tmp_path / part, [], [image(1, f"{part}1.png"), image(2, f"{part}2.png")])
    write_patients(
        tmp_path, "split,file,patient", *(f"{p},{p}{n}.png,{p[0]}" for p in ("train", "valid") for n in (1, 2))
    )
    assert read(tmp_path).patients == ("t", "t", "v", "v")
    assert from_coco(tmp_path / "train/coco.json").patients == ("t", "t")
    assert not recwarn.list


def test_the_field_of_a_coco_file_wins(tmp_path):
    path = write_coco(tmp_path, [], [{**image(1, "1.png"), "patient": "own"}])
    write_patients(tmp_path, "file,patient", "1.png,other")
    assert from_coco(path).patients == ("own",)


def test_a_table_names_the_patients_of_volumes(tmp_path):
    for name in ("1", "2"):
        write_volume(tmp_path / f"{name}.nii.gz")
        write_volume(tmp_path / f"{name}_mask.nii.gz")
    write_patients(tmp_path, "file,patient", "1.nii.gz,p", "2,p")
    assert from_volumes(tmp_path, labels="tumor").patients == ("p", "p")


def test_dicom_headers_name_the_patients_by_a_hash(tmp_path, write_dicom, write_series):  # noqa: F811
    write_dicom("a/1.dcm", GREY, PatientID="Meier^7", SeriesInstanceUID="1")
    write_dicom("b/1.dcm", GREY, PatientID="Meier^7", SeriesInstanceUID="2")
    write_dicom("b/2.dcm", GREY, PatientID="Other", SeriesInstanceUID="3")
    write_series("b/series", PatientID="Other")
    samples = from_folders(tmp_path)
    first, second, third, series = samples.patients
    assert first == second != third == series
    assert samples.has_patients
    assert "Meier" not in str(samples.patients)


@pytest.mark.parametrize(
    "ids", [["", "p"], ["ANONYMOUS", "p"], ["Anonymous^Patient", "p"], ["NONE", "p"], ["XXXX", "p"]]
)
def test_a_removed_id_names_nobody(ids):
    assert [bool(name) for name in header_patients([*ids, "q"])] == [False, True, True]


@pytest.mark.parametrize("name", ["ANON001", "Patient 3", "A", "X", "0", "Anna", "Noah"])
def test_numbered_and_short_ids_are_ids(name):
    assert all(header_patients([name, "other"]))


def test_one_id_for_all_names_nobody_and_is_told_without_it():
    with pytest.warns(UserWarning, match="All 3 images have the same PatientID") as warned:
        assert header_patients(["Meier"] * 3) == ["", "", ""]
    assert "Meier" not in str(warned[0].message)


def test_a_damaged_header_names_nobody(tmp_path):
    touch(tmp_path, "a/1.dcm", "b/2.dcm")
    assert not from_folders(tmp_path).has_patients
