"""A builder of one's own: its order, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medzoo.data.sources.arrays import from_arrays
from medzoo.data.sources.shards import from_tfds
from medzoo.task import Classification
from tests.data.tfds_sets import make_breast_ultrasound

tfds = pytest.importorskip("tensorflow_datasets")
pytest.importorskip("array_record")

BUILDER = """
from medzoo.data.sources.folders import from_folders
from medzoo.data.tfds.builder import SamplesBuilder
from medzoo.task import Classification


class OwnSet(SamplesBuilder):
    '''A set of my own.'''

    TASK = Classification({labels})
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Make it."

    def samples(self, folder):
        return from_folders(folder, labels=("normal", "benign", "malignant"))
"""


@pytest.fixture
def build(tmp_path):
    """Build a set of own pictures with the builder in a file; returns the Samples that it was made of."""
    from medzoo.data.tfds.__main__ import main

    def run(*options, labels=("normal", "benign", "malignant")):
        source = make_breast_ultrasound(tmp_path / "raw")["breast_ultrasound"]
        # A folder for each test, since Python keeps what it imported.
        file = tmp_path / tmp_path.name / "own_set.py"
        file.parent.mkdir()
        file.write_text(BUILDER.format(labels=labels))
        main([str(file), "--manual_dir", str(tmp_path / "raw"), "--data_dir", str(tmp_path / "shards"), *options])
        return source

    return run


def test_the_file_of_a_builder_is_built(build, tmp_path):
    source = build()
    assert from_tfds("own_set", tmp_path / "shards").names == source.names


def test_rows_keep_their_order_over_several_shards(build, tmp_path):
    source = build("--num_shards", "2")
    assert len(list((tmp_path / "shards").rglob("*-of-00002"))) == 2
    assert from_tfds("own_set", tmp_path / "shards").names == source.names


def test_rows_that_do_not_fit_into_memory_are_spread_over_files(build, tmp_path, monkeypatch):
    from tensorflow_datasets.core import shuffle

    lengths = []
    finish = shuffle.Shuffler.__iter__
    monkeypatch.setattr(shuffle, "MAX_MEM_BUFFER_SIZE", 0)
    monkeypatch.setattr(
        shuffle.Shuffler, "__iter__", lambda self: (lengths.append(self.bucket_lengths), finish(self))[1]
    )
    source = build()
    assert max(lengths[0]) == 1
    assert from_tfds("own_set", tmp_path / "shards").names == source.names


def test_a_part_of_the_rows_is_read_as_that(build, tmp_path):
    build("--max_examples_per_split", "2")
    assert len(from_tfds("own_set", tmp_path / "shards")) == 2


def test_other_users_of_tfds_read_the_pictures(build, tmp_path):
    build()
    rows = tfds.builder_from_directory(tmp_path / "shards" / "own_set" / "1.0.0").as_data_source("unsplit")
    assert rows[0]["image"].shape == (16, 12, 3)


def test_labels_that_are_not_those_of_the_task_are_an_error(build):
    with pytest.raises(ValueError, match="own_set expected .*'normal', 'cyst'.*got .*'malignant'"):
        build(labels=("normal", "cyst"))


def test_a_format_without_access_to_rows_is_an_error(build, tmp_path):
    build("--file_format", "tfrecord")
    with pytest.raises(ValueError, match="tfrecord.*--file_format=array_record"):
        from_tfds("own_set", tmp_path / "shards")


def test_shards_of_another_builder_are_an_error(build, tmp_path):
    build()
    (tmp_path / "shards" / "own_set" / "1.0.0" / "metadata.json").write_text(json.dumps({"speaker": "me"}))
    with pytest.raises(ValueError, match="no index of medzoo"):
        from_tfds("own_set", tmp_path / "shards")


def test_what_is_no_file_is_an_error(tmp_path):
    from medzoo.data.tfds.builder import SamplesBuilder

    class Arrays(SamplesBuilder, skip_registration=True):
        """Arrays."""

        TASK = Classification(("cyst", "normal"))
        MANUAL_DOWNLOAD_INSTRUCTIONS = "None."

        def samples(self, folder):
            return from_arrays(np.zeros((2, 8, 8)), ["cyst", "normal"])

    with pytest.raises(TypeError, match="got ArrayImage 'array 0000'"):
        Arrays(data_dir=tmp_path).download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=tmp_path)
        )
