"""COCO files as other tools write them: read where the meaning is clear, else refused with all faults at once."""

import json

import pytest

from medzoo.data import from_coco, read
from tests.data.coco_files import SQUARE, annotation, image, write_coco


def rewrite(path, old, new):
    path.write_text(path.read_text().replace(old, new))
    return path


def pixels(samples, row=0):
    return int((samples[row].target.mask() > 0).sum())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_with_a_byte_order_mark_is_read(tmp_path, encoding):
    path = write_coco(tmp_path, [annotation([SQUARE])])
    path.write_text(path.read_text(), encoding=encoding)
    assert pixels(from_coco(path)) == 16


def test_numbers_as_text_are_numbers(tmp_path):
    shapes = [annotation([list(map(str, SQUARE))])]
    assert pixels(from_coco(write_coco(tmp_path, shapes, [image(height="8", width=8.0)]))) == 16


@pytest.mark.parametrize(("listed", "named"), [(1, "1"), ("1", 1), (1.0, 1), ("a", " a ")])
def test_ids_are_one_in_every_form(tmp_path, listed, named):
    shapes = [annotation([SQUARE], image_id=named)]
    assert pixels(from_coco(write_coco(tmp_path, shapes, [image(listed)]))) == 16


def test_categories_may_mix_numbers_and_texts(tmp_path):
    path = write_coco(tmp_path, [annotation([SQUARE], category_id=2)], categories=("a", "b"))
    path = rewrite(path, '"id": 2, "name"', '"id": "2", "name"')
    assert from_coco(path).labels == ("background", "a", "b")
    path = rewrite(path, '"id": "2", "name"', '"id": "two", "name"')
    with pytest.raises(ValueError, match="unknown category id 2. The file lists 1, two"):
        from_coco(path)


@pytest.mark.parametrize("wrong", [[1], {"a": 1}, True, 1.5, None])
@pytest.mark.parametrize("field", ["image_id", "category_id"])
def test_what_is_no_id_is_named(tmp_path, field, wrong):
    with pytest.raises(ValueError, match="annotation 10"):
        from_coco(write_coco(tmp_path, [annotation([SQUARE], **{field: wrong})]))


@pytest.mark.parametrize("shape", [[0.1, 0.1, 0.6, 0.1, 0.6, 0.6], [0, 0, 1, 0, 1, 1, 0, 1], [-0.01, 0, 1.02, 0, 1, 1]])
def test_fractions_of_the_image_are_refused(tmp_path, shape):
    with pytest.raises(ValueError, match="from 0 to 1.*Multiply x by the width"):
        from_coco(write_coco(tmp_path, [annotation([shape])]))


def test_fractions_among_pixels_are_warned_of(tmp_path):
    shapes = [annotation([SQUARE]), annotation([[0.1, 0.1, 0.6, 0.1, 0.6, 0.6]], key=11)]
    with pytest.warns(UserWarning, match=r"coco\.json: 1 annotations run from 0 to 1.*annotation 11"):
        from_coco(write_coco(tmp_path, shapes))


def test_an_object_of_one_pixel_among_others_is_fine(tmp_path, recwarn):
    shapes = [annotation([SQUARE]), annotation([[0, 0, 1, 0, 1, 1, 0, 1]], key=11)]
    assert pixels(from_coco(write_coco(tmp_path, shapes))) == 17
    assert not recwarn


def test_backslashes_are_folders(tmp_path):
    path = write_coco(tmp_path / "data", [], [image(file="x.png")])
    (tmp_path / "data" / "sub").mkdir()
    (tmp_path / "data" / "sub" / "a.png").touch()
    path = rewrite(path, "x.png", "sub\\\\a.png")
    assert from_coco(path).images == (str(tmp_path / "data/sub/a.png"),)


@pytest.mark.parametrize("other", ["./a.png", "sub/../a.png", ".\\\\a.png", " a.png"])
def test_one_file_under_two_names_is_refused(tmp_path, other):
    path = rewrite(write_coco(tmp_path, [], [image(1), image(2, "b.png")]), "b.png", other)
    with pytest.raises(ValueError, match=r"images 1 and 2 both have the file name 'a\.png'"):
        from_coco(path)


def test_a_category_that_only_groups_others_is_no_label(tmp_path):
    path = write_coco(tmp_path, [annotation([SQUARE], category_id=2)], categories=("brain", "tumor", "cyst"))
    path = rewrite(path, '"name": "tumor"', '"name": "tumor", "supercategory": "brain"')
    assert from_coco(path).labels == ("background", "tumor", "cyst")
    assert from_coco(path, labels={"all": ["brain", "tumor", "cyst"]}).labels == ("background", "all")
    path = rewrite(path, '"category_id": 2', '"category_id": 1')
    assert from_coco(path).labels == ("background", "brain", "tumor", "cyst")


def test_a_category_above_itself_is_a_label(tmp_path):
    path = rewrite(write_coco(tmp_path, []), '"name": "tumor"', '"name": "tumor", "supercategory": "tumor"')
    assert from_coco(path).labels == ("background", "tumor")


def test_a_grouping_that_one_part_annotates_is_a_label_of_all(tmp_path):
    for split, category in (("train", 1), ("valid", 2)):
        shapes, pictures = [annotation([SQUARE], category_id=category)], [image(1, f"{split}.png")]
        path = write_coco(tmp_path / split, shapes, pictures, ("brain", "tumor"), "_annotations.coco.json")
        rewrite(path, '"name": "tumor"', '"name": "tumor", "supercategory": "brain"')
    assert read(tmp_path).labels == ("background", "brain", "tumor")


def test_categories_that_differ_in_case_are_warned_of(tmp_path):
    with pytest.warns(UserWarning, match="'Tumor' and 'tumor'"):
        from_coco(write_coco(tmp_path, [], categories=("Tumor", "tumor")))


def test_several_faults_are_listed_at_once(tmp_path):
    wrong = [annotation([]), annotation([[1, 1, 5, 5]], key=11), annotation([SQUARE], key=12, image_id=9)]
    path = write_coco(tmp_path, [*wrong, annotation([SQUARE], key=13)], [image(), image(2, "b.png", height=0)])
    with pytest.raises(ValueError, match="has 3 faults") as error:
        from_coco(path)
    assert all(text in str(error.value) for text in ("'b.png' (id 2)", "annotation 10", "annotation 11"))
    assert "annotation 13" not in str(error.value)


def test_beyond_ten_faults_are_counted(tmp_path):
    with pytest.raises(ValueError, match="has 25 faults") as error:
        from_coco(write_coco(tmp_path, [annotation([], key=key) for key in range(25)]))
    lines = str(error.value).split("\n- ")
    assert len(lines) == 12 and lines[-1] == "and 15 more"


@pytest.mark.parametrize("as_full_path", [True, False])
def test_files_outside_the_folder_need_a_word(tmp_path, as_full_path):
    path = write_coco(tmp_path / "data", [], [image(file="x.png")])
    (tmp_path / "a.png").touch()
    path = rewrite(path, "x.png", str(tmp_path / "a.png") if as_full_path else "../a.png")
    with pytest.raises(ValueError, match=r"coco\.json names 1 files outside '.*data'.*allow_outside=True"):
        from_coco(path)
    assert len(from_coco(path, allow_outside=True)) == 1
    assert len(read(f"{path}:allow_outside=true")) == 1
    assert len(from_coco(path, images=tmp_path)) == 1 if as_full_path else True


def test_a_full_path_inside_the_folder_is_fine(tmp_path):
    path = write_coco(tmp_path, [])
    assert len(from_coco(rewrite(path, "a.png", str(tmp_path / "a.png")))) == 1


def test_patients_come_from_a_pattern_or_a_field(tmp_path):
    entries = [{**image(key, f"p{key // 2}_{key}.png"), "visit_no": key // 3} for key in range(4)]
    path = write_coco(tmp_path, [], entries)
    assert from_coco(path, patient="p[0-9]").patients == ("p0", "p0", "p1", "p1")
    assert from_coco(path, patient="visit_no").patients == ("0", "0", "0", "1")


@pytest.mark.parametrize("field", ["patient", "patient_id", "PatientID", "subject"])
def test_a_field_of_the_images_names_the_patient(tmp_path, field):
    entries = [{**image(key, f"{key}.png"), field: name} for key, name in enumerate(("01", 1, "b"))]
    assert from_coco(write_coco(tmp_path, [], entries)).patients == ("1", "1", "b")


def test_images_without_their_patient_are_named(tmp_path):
    entries = [{**image(1, "1.png"), "patient": "a"}, image(2, "2.png")]
    with pytest.raises(ValueError, match=r"no patient in 1 rows: image '2\.png'"):
        from_coco(write_coco(tmp_path, [], entries))


def test_a_damaged_json_is_named(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"images": []})[:-3])
    with pytest.raises(ValueError, match=r"a\.json is not valid JSON"):
        from_coco(tmp_path / "a.json")
