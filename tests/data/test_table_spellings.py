"""Tables and folders as people write them: missing words, spellings of classes, Excel, leftovers of systems, hints."""

import warnings

import pytest

from medzoo.data import from_folders, from_table, from_volumes, read, read_split
from tests.data.coco_files import write_coco
from tests.data.source_files import touch, write_table, write_volume

JUNK = ["__MACOSX", ".hidden", "@eaDir"]


@pytest.mark.parametrize("word", ["NA", "N/A", "n/a", "None", "null", "NULL", "nan", "-", "<NA>", "#N/A", " "])
def test_missing_words_are_no_classes(tmp_path, word):
    path = write_table(tmp_path / "t.csv", "image,label", "1.png,a", "2.png,b", f"3.png,{word}")
    with pytest.raises(ValueError, match="1 empty cells in the column 'label': row 4.*NA, N/A"):
        from_table(path)


def test_a_missing_word_that_labels_names_is_a_class(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label", "1.png,None", "2.png,mild", "3.png,None")
    assert from_table(path, labels=["None", "mild"]).targets == (0, 1, 0)


def test_missing_targets_are_named_by_row(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,target", "1.png,1", "2.png,NA", "3.png,2")
    with pytest.raises(ValueError, match="not finite: row 3"):
        from_table(path)


@pytest.mark.parametrize("names", [("Benign", "benign"), ("no tumor", "no_tumor"), ("1", "01")])
def test_classes_that_are_nearly_equal_are_warned_of(tmp_path, names):
    path = write_table(tmp_path / "t.csv", "image,label", f"1.png,{names[0]}", f"2.png,{names[1]}")
    with pytest.warns(UserWarning, match=r"t\.csv: these classes are nearly equal"):
        from_table(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_table(tmp_path / "t.csv", "image,label", f"1.png,{names[0]}", f"2.png,{names[1]}", "3.png,x")
        assert from_table(path, labels={"one": names, "x": ["x"]}).targets == (0, 0, 1)


def test_class_folders_that_are_nearly_equal_are_warned_of(tmp_path):
    with pytest.warns(UserWarning, match="'Cyst' and 'cyst'"):
        from_folders(touch(tmp_path, "Cyst/1.png", "cyst/2.png"))


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "sep=;\r"])
def test_the_first_line_of_excel_is_skipped(tmp_path, first):
    path = write_table(tmp_path / "t.csv", first, "image;label", "1.png;a,x", "2.png;b", "3.png;")
    with pytest.raises(ValueError, match="row 5"):
        from_table(path)
    path = write_table(tmp_path / "t.csv", first, "image;label", "1.png;a,x", "2.png;b")
    assert from_table(path).labels == ("a,x", "b")


@pytest.mark.parametrize("junk", JUNK)
def test_leftovers_are_no_class_folders(tmp_path, junk):
    touch(tmp_path, "a/1.png", "b/2.png", f"{junk}/a/._1.png", f"{junk}/b/3.png", f"a/{junk}/4.png", "Thumbs.db")
    touch(tmp_path, ".DS_Store", "._5.png")
    samples = read(tmp_path)
    assert samples.labels == ("a", "b") and samples.names == ("1.png", "2.png")


@pytest.mark.parametrize("junk", JUNK)
def test_leftovers_are_no_pairs_and_no_splits(tmp_path, junk):
    for name in ("images/a", "labels/a"):
        write_volume(tmp_path / f"{name}.nii.gz")
        touch(tmp_path, f"{name.replace('/a', '/._a')}.nii.gz", f"{junk}/{name}.nii.gz")
    assert len(from_volumes(tmp_path, labels="tumor")) == 1


def test_leftovers_are_no_tables_and_no_coco_files(tmp_path):
    write_table(tmp_path / "data" / "t.csv", "image,label", "1.png,a", "2.png,b")
    touch(tmp_path / "data", "._t.csv")
    assert len(read(f"{tmp_path / 'data'}:label=label")) == 2
    path = write_coco(tmp_path / "coco", [])
    path.with_name("._coco.json").write_text(path.read_text())
    assert len(read(tmp_path / "coco")) == 1


HINTS = {
    "the column after the image": ("image,dx", ("1.png,a", "2.png,b", "3.png,b"), "label='dx'"),
    "not the patient": ("image,patient_id,grade", ("1.png,p,1", "2.png,p,2", "3.png,q,2"), "label='grade'"),
    "the diagnosis before others": ("image,site,diagnosis", ("1.png,x,a", "2.png,y,b", "3.png,y,a"), "'diagnosis'"),
    "numbers are a target": ("image,lvef", ("1.png,0.51", "2.png,0.62", "3.png,0.33"), "target='lvef'"),
    "no other paths": ("image,thumbnail,kind", ("1.png,1.png,a", "2.png,1.png,b", "3.png,2.png,b"), "label='kind'"),
    "one column for each class": ("image,MEL,NV", ("1.png,1.0,0.0", "2.png,0,1", "3.png,0,1"), "one column for each"),
}


@pytest.mark.parametrize("case", HINTS)
def test_the_hint_names_a_column_that_can_be_meant(tmp_path, case):
    header, rows, hint = HINTS[case]
    with pytest.raises(ValueError, match=hint) as error:
        from_table(write_table(tmp_path / "t.csv", header, *rows))
    assert "='image'" not in str(error.value)


def test_without_a_likely_column_there_is_no_hint(tmp_path):
    with pytest.raises(ValueError, match="name one\\.$"):
        from_table(write_table(tmp_path / "t.csv", "image,note", "1.png,same", "2.png,same"))


@pytest.mark.parametrize("as_full_path", [True, False])
@pytest.mark.parametrize("column", ["image", "mask"])
def test_files_outside_the_folder_need_a_word(tmp_path, as_full_path, column):
    name = str(tmp_path / "9.png") if as_full_path else "../9.png"
    row = f"{name},1.png" if column == "image" else f"1.png,{name}"
    (tmp_path / "9.png").touch()
    path = write_table(tmp_path / "data" / "t.csv", "image,mask", row)
    with pytest.raises(ValueError, match=r"t\.csv' names 1 files outside '.*data'.*allow_outside=True"):
        from_table(path, labels="tumor")
    assert len(from_table(path, labels="tumor", allow_outside=True)) == 1


def test_one_file_under_two_names_is_refused(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label", "1.png,a", "./1.png,b", ".\\2.png,b")
    with pytest.raises(ValueError, match="lists images twice"):
        from_table(path)


def split_of(tmp_path, *lines):
    samples = from_folders(touch(tmp_path / "data", "a/1.png", "b/2.png"))
    path = tmp_path / "s.csv"
    path.write_text("\n".join(lines))
    return read_split(path, samples)


def test_a_split_file_of_windows_and_excel_is_read(tmp_path):
    samples = split_of(tmp_path, "sep=;", "image;split", "a\\1.png;Training", "./b/2.png;VAL")
    assert samples.splits == ("train", "valid")
    folds = split_of(tmp_path, "image,fold", "a/1.png,1.0", "b/2.png,2.0")
    assert [len(fold) for fold in folds] == [2, 2]


def test_an_image_in_two_parts_of_a_split_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"1 images into a second part: row 4 \(a/1\.png\)"):
        split_of(tmp_path, "image,split", "a/1.png,train", "b/2.png,valid", "a/1.png,valid")
