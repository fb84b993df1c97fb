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


SQUARE_RLE = {"size": [8, 8], "counts": [64]}
BAD_ANNOTATIONS = {
    "unknown category": (annotation([SQUARE], category_id=9), "unknown category id 9"),
    "no category": ({"id": 10, "image_id": 1, "segmentation": [SQUARE]}, "unknown category id None"),
    "box only": ({"id": 10, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]}, "only a box"),
    "empty segmentation": (annotation([]), "only a box"),
    "segmentation is text": (annotation("square"), "list of polygons or an RLE"),
    "polygon not nested": (annotation(SQUARE), "a list x, y"),
    "two points": (annotation([[1, 1, 5, 5]]), "at least 3 points"),
    "odd length": (annotation([[*SQUARE, 1.0]]), "at least 3 points"),
    "NaN": (annotation([[float("nan"), *SQUARE[1:]]]), "NaN"),
    "null": (annotation([[None, *SQUARE[1:]]]), "NaN"),
    "infinity": (annotation([[float("inf"), *SQUARE[1:]]]), "NaN or infinity"),
    "points on one line": (annotation([[1, 1, 2, 2, 3, 3]]), "no area"),
    "one point": (annotation([[2, 2, 2, 2, 2, 2]]), "no area"),
    "second polygon is bad": (annotation([SQUARE, [1, 1]]), "at least 3 points"),
    "far outside": (annotation([[0, 0, 1e9, 0, 0, 5]]), "far outside 8 x 8"),
    "RLE of another size": (annotation({**SQUARE_RLE, "size": [4, 16]}), r"size \[4, 16\]"),
    "RLE too short": (annotation({**SQUARE_RLE, "counts": [5, 6]}), "covers 11 pixels"),
    "RLE negative": (annotation({**SQUARE_RLE, "counts": [65, -1]}), "whole numbers >= 0"),
    "RLE fractions": (annotation({**SQUARE_RLE, "counts": [63.5, 0.5]}), "whole numbers >= 0"),
    "RLE empty": (annotation({**SQUARE_RLE, "counts": []}), "whole numbers >= 0"),
    "RLE without counts": (annotation({"size": [8, 8]}), "must have counts"),
    "compressed RLE cut off": (annotation({**SQUARE_RLE, "counts": "P"}), "cut off"),
    "compressed RLE foreign": (annotation({**SQUARE_RLE, "counts": "\u00e9!"}), "foreign"),
    "compressed RLE empty": (annotation({**SQUARE_RLE, "counts": ""}), "cut off"),
}


@pytest.mark.parametrize("case", BAD_ANNOTATIONS)
def test_a_bad_annotation_is_named_with_its_image(tmp_path, case):
    bad, message = BAD_ANNOTATIONS[case]
    path = write_coco(tmp_path, [annotation([SQUARE], key=9), bad])
    with pytest.raises(ValueError, match=rf"image 'a\.png' \(id 1\), annotation 10: .*{message}") as raised:
        from_coco(path)
    assert "\n" not in str(raised.value)


def test_an_annotation_of_an_unknown_image_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="annotation 10 points to image id 5"):
        from_coco(write_coco(tmp_path, [annotation([SQUARE], image_id=5)]))


BAD_IMAGES = {
    "zero height": ([image(height=0)], r"image 'a\.png' \(id 1\) has the size \(0, 8\)"),
    "height is text": ([image(height="eight")], "whole numbers > 0"),
    "one id twice": ([image(), image(file="b.png")], "image id 1 is used twice"),
    "one file name twice": ([image(1), image(2)], r"images 1 and 2 both have the file name 'a\.png'"),
    "no file name": ([{"id": 1, "height": 8, "width": 8}], "has no file_name"),
    "file name is a number": ([image(file=5)], "file name 5"),
    "none": ([], "lists no images"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_a_bad_image_is_named(tmp_path, case):
    images, message = BAD_IMAGES[case]
    with pytest.raises(ValueError, match=message):
        from_coco(write_coco(tmp_path, [], images))


def test_missing_pictures_are_counted_and_the_first_three_named(tmp_path):
    path = write_coco(tmp_path, [], [image(key, f"{key}.png") for key in range(5)])
    for key in range(1, 5):
        (tmp_path / f"{key}.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"4 of the 5 images .*: 1\.png, 2\.png, 3\.png, \.\.\."):
        from_coco(path)


def test_a_missing_folder_of_pictures_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="1 of the 1 images"):
        from_coco(write_coco(tmp_path, []), images=tmp_path / "nowhere")


@pytest.mark.parametrize("text", ['{"images": []}', "[1, 2]", "3", '{"images": 1, "annotations": 2, "categories": 3}'])
def test_json_that_is_not_coco_is_an_error(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match="is not a COCO file: expected lists images, annotations, categories"):
        from_coco(tmp_path / "a.json")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no COCO file"):
        from_coco(tmp_path / "none.json")
