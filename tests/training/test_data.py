"""Which rows of a data set are scored under the name of a part."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from medzoo.data import read
from medzoo.training.data import parts, read_part, split_named_by


def write_pictures(folder, count=10):
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            cv2.imwrite(str(folder / label / f"{number}.png"), np.full((4, 4), number, np.uint8))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "data")


def test_without_a_name_all_rows_are_taken(folder, tiny_recipe):
    assert len(read_part(str(folder), None, tiny_recipe)) == 20


def test_validation_on_data_without_splits_is_what_training_held_out(folder, tiny_recipe):
    recipe = replace(tiny_recipe, split={"valid": 0.3, "test": 0.2})
    training, validation = parts(read(folder), recipe)
    assert read_part(str(folder), "valid", recipe).sources == validation.sources
    assert read_part(str(folder), "train", recipe).sources == training.sources
    test = read_part(str(folder), "test", recipe)
    assert len(test) == 4
    assert not set(test.sources) & (set(training.sources) | set(validation.sources))


def test_a_fraction_of_the_training_images_leaves_the_other_parts(folder, tiny_recipe):
    recipe = replace(tiny_recipe, split={"valid": 0.3})
    less = replace(recipe, split={"valid": 0.3, "fraction": 0.5})
    assert read_part(str(folder), "valid", less).sources == read_part(str(folder), "valid", recipe).sources


def test_test_names_all_rows_where_the_recipe_holds_out_none(folder, tiny_recipe):
    assert len(read_part(str(folder), "test", tiny_recipe)) == 20


def test_a_folder_named_after_a_part_is_that_part(tmp_path, tiny_recipe):
    folder = write_pictures(tmp_path / "valid")
    assert len(read_part(str(folder), "valid", tiny_recipe)) == 20
    assert split_named_by(str(folder)) == "valid"
    assert split_named_by(f"{folder}:patient=[0-9]") == "valid"
    assert split_named_by(str(tmp_path)) is None


def test_parts_of_the_data_go_before_those_of_the_recipe(tmp_path, tiny_recipe):
    for part, count in {"train": 10, "test": 3}.items():
        write_pictures(tmp_path / "data" / part, count)
    data = str(tmp_path / "data")
    assert len(read_part(data, "test", tiny_recipe)) == 6
    # What is to be validated on comes out of train, as in training.
    valid = read_part(data, "valid", tiny_recipe)
    assert len(valid) == 4
    assert all("/train/" in source for source in valid.sources)
