from __future__ import annotations

from dataclasses import replace

import pytest

from medzoo.data import Samples, folds, read_split, save_split


def make_samples(folder="data", count=12, splits=None, patients=None):
    images = tuple(f"{folder}/{'ab'[number % 2]}/{number}.png" for number in range(count))
    return Samples(
        images=images,
        targets=tuple(number % 2 for number in range(count)),
        patients=images if patients is None else tuple(patients),
        splits=("",) * count if splits is None else tuple(splits),
        labels=("a", "b"),
    )


def test_a_split_comes_back(tmp_path):
    data = make_samples(splits=["train"] * 8 + ["valid"] * 2 + ["test"] * 2)
    save_split(tmp_path / "split.csv", data)
    assert read_split(tmp_path / "split.csv", make_samples()) == data


def test_parts_are_saved_as_they_come_from_split(tmp_path):
    train, valid = make_samples().split(valid=0.25)
    save_split(tmp_path / "split.csv", (train, valid))
    assert read_split(tmp_path / "split.csv", make_samples()).part("valid") == valid


@pytest.mark.parametrize("holdout", [0, 0.25])
def test_folds_come_back(tmp_path, holdout):
    parts = folds(make_samples(), 3, holdout=holdout)
    save_split(tmp_path / "folds.csv", parts)
    assert read_split(tmp_path / "folds.csv", make_samples()) == parts


def test_the_file_is_a_table_of_relative_names(tmp_path):
    save_split(tmp_path / "split.csv", make_samples(count=2, splits=["train", "test"]))
    assert (tmp_path / "split.csv").read_text() == "image,split\na/0.png,train\nb/1.png,test\n"


def test_the_folder_of_the_images_may_move(tmp_path):
    save_split(tmp_path / "split.csv", make_samples("old/place", splits=["train"] * 6 + ["test"] * 6))
    moved = read_split(tmp_path / "split.csv", make_samples("new"))
    assert moved.splits == ("train",) * 6 + ("test",) * 6


def test_a_published_table_may_name_images_from_another_folder_on(tmp_path):
    samples = make_samples(count=4)
    rows = [f"set/images/{'ab'[number % 2]}/{number}.png,{number // 2 + 1}" for number in range(4)]
    (tmp_path / "cases.csv").write_text("\n".join(["image,fold", *rows]))
    (_, first), (_, second) = read_split(tmp_path / "cases.csv", samples)
    assert (first.images, second.images) == (samples.images[:2], samples.images[2:])


def test_several_slices_of_an_image_are_one_line(tmp_path):
    data = make_samples(count=4, splits=["train", "train", "test", "test"])
    data = replace(data, images=tuple("aabb"), patients=tuple("aabb"), slices=(0, 1, 0, 1))
    save_split(tmp_path / "split.csv", data)
    assert read_split(tmp_path / "split.csv", data) == data


def test_rows_without_a_split_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match="must be in one part"):
        save_split(tmp_path / "split.csv", make_samples())
    assert not list(tmp_path.iterdir())


def test_images_that_the_file_lacks_are_counted(tmp_path):
    save_split(tmp_path / "split.csv", make_samples(count=8, splits=["train"] * 8))
    with pytest.raises(ValueError, match=r"lacks 4 of 12 images: a/10\.png, a/8\.png, b/11\.png and 1 more"):
        read_split(tmp_path / "split.csv", make_samples())


def test_images_that_only_the_file_has_are_counted(tmp_path):
    save_split(tmp_path / "split.csv", make_samples(splits=["train"] * 12))
    with pytest.raises(ValueError, match="names 4 images that are not there"):
        read_split(tmp_path / "split.csv", make_samples(count=8))


def test_unknown_parts_are_an_error(tmp_path):
    (tmp_path / "split.csv").write_text("image,split\na/0.png,train\nb/1.png,vlid\n")
    with pytest.raises(ValueError, match="Did you mean 'valid'"):
        read_split(tmp_path / "split.csv", make_samples(count=2))


def test_folds_that_are_not_numbered_are_an_error(tmp_path):
    (tmp_path / "folds.csv").write_text("image,fold\na/0.png,1\nb/1.png,3\n")
    with pytest.raises(ValueError, match="number its folds 1, 2"):
        read_split(tmp_path / "folds.csv", make_samples(count=2))


@pytest.mark.parametrize(("column", "parts"), [("split", ("train", "valid")), ("fold", ("1", "2"))])
def test_a_patient_in_two_parts_is_an_error(tmp_path, column, parts):
    (tmp_path / "split.csv").write_text(f"image,{column}\na/0.png,{parts[0]}\nb/1.png,{parts[1]}\n")
    with pytest.raises(ValueError, match="'p' in"):
        read_split(tmp_path / "split.csv", make_samples(count=2, patients=["p", "p"]))


def test_another_table_is_an_error(tmp_path):
    (tmp_path / "split.csv").write_text("file,part\na.png,train\n")
    with pytest.raises(ValueError, match="needs the columns image and split, or image and fold"):
        read_split(tmp_path / "split.csv", make_samples())
