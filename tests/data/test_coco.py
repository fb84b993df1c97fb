from __future__ import annotations

import json

import pytest

from medzoo.data import from_coco
from tests.data.coco_files import SQUARE, annotation, box, image, write_coco


def test_rows_follow_the_file_and_are_their_own_patients(tmp_path):
    samples = from_coco(write_coco(tmp_path, [], [image(7, "b.png"), image(3, "a.png")]))
    assert samples.images == (str(tmp_path / "b.png"), str(tmp_path / "a.png"))
    assert samples.patients == samples.images
    assert samples.splits == ("", "")


def test_patient_is_read_from_the_file_name(tmp_path):
    path = write_coco(tmp_path, [], [image(1, "p1_a.png"), image(2, "p1_b.png")])
    assert from_coco(path, patient=lambda name: name.partition("_")[0]).patients == ("p1", "p1")


def test_a_patient_without_name_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"'a\.png'"):
        from_coco(write_coco(tmp_path, []), patient=lambda name: None)


def test_pictures_may_lie_in_another_folder_and_below_it(tmp_path):
    (tmp_path / "pictures" / "sub").mkdir(parents=True)
    (tmp_path / "pictures" / "sub" / "a.png").touch()
    path = write_coco(tmp_path, [])
    path.write_text(path.read_text().replace("a.png", "sub/a.png"))
    assert from_coco(path, images=tmp_path / "pictures").images == (str(tmp_path / "pictures/sub/a.png"),)


def test_every_category_is_a_label_in_the_order_of_ids(tmp_path):
    path = write_coco(tmp_path, [], categories=("edema", "core"))
    coco = json.loads(path.read_text())
    path.write_text(json.dumps({**coco, "categories": coco["categories"][::-1]}))
    assert from_coco(path).labels == ("background", "edema", "core")


def test_a_name_makes_all_categories_one_label(tmp_path):
    path = write_coco(tmp_path, [annotation([SQUARE], category_id=2)], categories=("0", "1"))
    samples = from_coco(path, labels="tumor")
    assert samples.labels == ("background", "tumor")
    assert samples[0].target.mask().max() == 1


def test_a_mapping_groups_categories(tmp_path):
    path = write_coco(tmp_path, [annotation([SQUARE], category_id=3)], categories=("edema", "a", "b"))
    samples = from_coco(path, labels={"core": ["a", "b"], "rim": ["edema"]})
    assert samples.labels == ("background", "core", "rim")
    assert samples[0].target.mask().max() == 1


def test_a_category_mapped_to_the_background_is_not_drawn(tmp_path):
    shapes = [annotation([box(0, 0, 8, 8)]), annotation([SQUARE], key=11, category_id=2)]
    path = write_coco(tmp_path, shapes, categories=("tumor", "note"))
    samples = from_coco(path, labels={"tumor": ["tumor"], "background": ["note"]})
    assert samples.labels == ("background", "tumor")
    assert samples[0].target.mask().all()


def test_a_mapping_may_leave_out_a_category_without_annotations(tmp_path):
    path = write_coco(tmp_path, [annotation([SQUARE])], categories=("tumor", "unused"))
    assert from_coco(path, labels={"lesion": ["tumor"]}).labels == ("background", "lesion")


def test_a_mapping_that_leaves_out_an_annotated_category_is_an_error(tmp_path):
    path = write_coco(tmp_path, [annotation([SQUARE], category_id=2)], categories=("tumor", "cyst"))
    with pytest.raises(ValueError, match="leaves out the categories cyst"):
        from_coco(path, labels={"tumor": ["tumor"]})


def test_a_mapping_with_an_unknown_category_shows_the_near_match(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'tumor'"):
        from_coco(write_coco(tmp_path, []), labels={"tumor": ["tumour"]})


def test_a_category_in_two_labels_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="both 'a' and 'b'"):
        from_coco(write_coco(tmp_path, []), labels={"a": ["tumor"], "b": ["tumor"]})


def test_a_mapping_to_a_string_is_an_error(tmp_path):
    with pytest.raises(TypeError, match="list of categories"):
        from_coco(write_coco(tmp_path, []), labels={"a": "tumor"})


def test_a_file_without_categories_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="1 to 255 labels"):
        from_coco(write_coco(tmp_path, [], categories=()))
