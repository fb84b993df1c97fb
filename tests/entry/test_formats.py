"""Entries of every format that there was, with the versions that are installed."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import medzoo
from medzoo.entry import FORMAT, MANIFEST, manifest, read_entry, read_manifest
from medzoo.errors import IntegrityError
from medzoo.zoo.load import load_onnx
from tests.entry.crafts.sealing import seal

FROZEN = sorted(path.parent for path in Path(__file__).parents[1].glob(f"frozen/*/{MANIFEST}"))
frozen = pytest.mark.parametrize("folder", FROZEN, ids=lambda folder: folder.name)


@pytest.fixture
def next_format(monkeypatch):
    """A medzoo whose entries are of the next format, in which the name is called otherwise."""
    monkeypatch.setattr(manifest, "FORMAT", FORMAT + 1)
    monkeypatch.setitem(manifest.UPGRADES, FORMAT, lambda old: {**old, "modality": f"{old['name']} of old"})


def golden_of(folder):
    with np.load(folder / "golden.npz") as file:
        return file["input"], file["output"]


def test_there_is_a_frozen_entry_of_each_format():
    assert {read_manifest(folder)["format"] for folder in FROZEN} == set(range(1, FORMAT + 1))


@frozen
def test_a_frozen_entry_gives_its_golden_output(folder):
    model = medzoo.load(folder, verify=True)
    assert model.task.labels[-2:] == ("background", "lesion")


@frozen
def test_bare_keras_loads_a_frozen_entry(folder):
    inputs, output = golden_of(folder)
    network = keras.saving.load_model(folder, safe_mode=True)
    assert network.predict_on_batch(inputs) == pytest.approx(output, abs=1e-4)


@frozen
def test_onnxruntime_runs_a_frozen_entry(folder):
    inputs, output = golden_of(folder)
    assert load_onnx(folder).predict_on_batch(inputs) == pytest.approx(output, abs=2e-3)


def test_the_evaluation_of_a_frozen_entry_is_read():
    model = medzoo.load(FROZEN[0].with_name("format-1-unet"))
    assert model.evaluation["pixel_accuracy"] > 0


def test_an_older_format_is_upgraded_and_said_once(tiny_entry, next_format, caplog):
    modality = read_entry(tiny_entry).manifest["modality"]
    assert modality == "tiny-unet of old"
    read_manifest(tiny_entry)
    assert [record.name for record in caplog.records] == ["medzoo"]
    assert f"has format {FORMAT}, this medzoo writes {FORMAT + 1}" in caplog.text


def test_a_newer_format_is_refused_with_the_medzoo_that_it_needs(tiny_entry):
    seal(tiny_entry, lambda content: content.update(format=FORMAT + 1, medzoo="9.9"))
    with pytest.raises(ValueError, match=rf"{MANIFEST} has format {FORMAT + 1}.*needs medzoo 9\.9 or later; upgrade"):
        medzoo.load(tiny_entry)


@pytest.mark.parametrize("value", [None, "1", 1.0, True, 0, -1, [1]])
def test_a_format_that_is_no_number_of_one_is_refused(tiny_entry, value):
    seal(tiny_entry, lambda content: content.update(format=value))
    with pytest.raises(IntegrityError, match=f"{MANIFEST} is no manifest .* `format`"):
        medzoo.load(tiny_entry)


def test_a_manifest_without_format_is_refused(tiny_entry):
    (tiny_entry / MANIFEST).write_text(json.dumps({"files": {}}))
    with pytest.raises(IntegrityError, match=f"{MANIFEST} is no manifest"):
        medzoo.load(tiny_entry)
