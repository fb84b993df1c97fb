import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import medzoo
from medzoo.entry import MANIFEST, needed_files, read_entry, read_manifest, write_manifest
from medzoo.errors import IntegrityError
from medzoo.zoo.load import check_golden, load_onnx
from medzoo.zoo.network import golden_input


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_loaded_model_gives_the_golden_output_and_carries_its_concepts(tiny_entry, tiny_recipe):
    model = medzoo.load(tiny_entry, verify=True)
    assert isinstance(model, keras.Model)
    assert model.recipe == tiny_recipe
    assert model.task == tiny_recipe.task
    assert model.preprocessing == tiny_recipe.preprocessing
    assert model.evaluation is None
    assert model.compiled


def test_bare_keras_loads_the_folder_without_medzoo(tiny_entry):
    code = (
        "import sys, keras, numpy; "
        f"golden = numpy.load({str(tiny_entry / 'golden.npz')!r}); "
        f"model = keras.saving.load_model({str(tiny_entry)!r}); "
        "assert 'medzoo' not in sys.modules; "
        "assert abs(model.predict_on_batch(golden['input']) - golden['output']).max() < 1e-4"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tiny_entry)


def test_onnx_and_keras_give_the_same_answer(tiny_entry, tiny_recipe):
    inputs = golden_input(tiny_recipe.preprocessing)
    onnx = load_onnx(tiny_entry).predict_on_batch(inputs)
    assert np.abs(onnx - medzoo.load(tiny_entry).predict_on_batch(inputs)).max() < 1e-3


def test_kernels_are_stored_in_half_precision(tiny_entry):
    import h5py

    kinds = set()
    with h5py.File(tiny_entry / "model.weights.h5") as file:
        file.visititems(lambda _, item: kinds.add((item.ndim, item.dtype)) if hasattr(item, "dtype") else None)
    assert kinds == {(4, np.dtype("float16")), (1, np.dtype("float32"))}


@pytest.mark.usefixtures("without_onnx")
def test_saving_does_not_change_the_model(tiny_model, tmp_path):
    before = tiny_model.get_weights()
    medzoo.save(tiny_model, tmp_path / "entry")
    assert all(np.array_equal(a, b) for a, b in zip(before, tiny_model.get_weights(), strict=True))


@pytest.mark.usefixtures("without_onnx")
def test_model_with_nan_is_not_saved(tiny_model, tmp_path):
    kernel = tiny_model.weights[0]
    before = keras.ops.convert_to_numpy(kernel)
    kernel.assign(np.full_like(before, np.nan))
    with pytest.raises(ValueError, match="weights .*kernel of the model are not finite"):
        medzoo.save(tiny_model, tmp_path / "entry")
    kernel.assign(before)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "recipe.json", "model.onnx", MANIFEST])
def test_a_changed_byte_is_an_error_that_names_the_file(tiny_entry, name):
    flip_a_byte(tiny_entry / name)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        read_entry(tiny_entry)


def test_edited_card_is_read_as_it_is(tiny_entry):
    (tiny_entry / "README.md").write_text("An edited card.")
    assert read_entry(tiny_entry).recipe.name == "tiny-unet"
    assert medzoo.load(tiny_entry).task.name == "segmentation"


def test_a_missing_file_is_an_error_that_names_it(tiny_entry):
    (tiny_entry / "model.onnx").unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.onnx is missing"):
        read_entry(tiny_entry)


def test_only_the_files_that_are_asked_for_need_be_there(tiny_entry):
    for name in ("model.weights.h5", "golden.npz", "README.md"):
        (tiny_entry / name).unlink()
    assert read_entry(tiny_entry, ["config.json"]).recipe.name == "tiny-unet"
    flip_a_byte(tiny_entry / "config.json")
    assert read_entry(tiny_entry, []).recipe.name == "tiny-unet"
    with pytest.raises(IntegrityError, match=r"config\.json was changed"):
        read_entry(tiny_entry, ["config.json"])


@pytest.mark.parametrize(
    ("engine", "golden", "expected"),
    [
        ("keras", False, ["README.md", "config.json", "metadata.json", "model.weights.h5", "recipe.json"]),
        ("onnx", False, ["README.md", "golden.npz", "model.onnx", "recipe.json"]),
        ("onnx", True, ["README.md", "golden.npz", "model.onnx", "recipe.json"]),
    ],
)
def test_a_load_needs_few_of_the_files(engine, golden, expected):
    files = ["README.md", "config.json", "figures/roc.png", "golden.npz", "metadata.json", "model.onnx"]
    manifest = {"files": dict.fromkeys([*files, "model.weights.h5", "recipe.json"])}
    assert needed_files(manifest, engine, golden) == expected


def test_an_unknown_engine_needs_nothing():
    with pytest.raises(ValueError, match="Unknown engine 'onxx'. Did you mean 'onnx'"):
        needed_files({"files": {}}, "onxx")


def test_what_no_entry_may_hold_is_not_listed(tiny_entry):
    (tiny_entry / "notes.txt").write_text("Patient 7")
    (tiny_entry / "figures").mkdir()
    (tiny_entry / "figures" / "of patient 7.png").write_bytes(b"")
    entry = read_entry(tiny_entry)
    write_manifest(tiny_entry, entry.recipe, entry.manifest)
    assert read_manifest(tiny_entry)["files"].keys() == entry.manifest["files"].keys()


def test_a_folder_without_manifest_is_no_entry(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a zoo entry"):
        medzoo.load(tmp_path)


def test_other_weights_fail_the_golden_check(tiny_entry):
    model = medzoo.load(tiny_entry)
    model.set_weights([value + 0.1 for value in model.get_weights()])
    with pytest.raises(IntegrityError, match="differs by"):
        check_golden(model, read_entry(tiny_entry))


@pytest.mark.usefixtures("without_onnx")
def test_save_replaces_an_entry_but_nothing_else(tiny_model, tiny_entry, tmp_path):
    assert medzoo.save(tiny_model, tiny_entry) == tiny_entry
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(ValueError, match="no zoo entry"):
        medzoo.save(tiny_model, tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


@pytest.mark.usefixtures("without_onnx")
def test_full_disk_while_saving_leaves_the_old_entry(tiny_model, tiny_entry, monkeypatch):
    before = (tiny_entry / MANIFEST).read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("medzoo.zoo.save.write_manifest", full)
    with pytest.raises(OSError, match="No space left"):
        medzoo.save(tiny_model, tiny_entry)
    assert (tiny_entry / MANIFEST).read_bytes() == before
    assert [path.name for path in tiny_entry.parent.iterdir() if path.name.startswith(".")] == []


def test_entry_without_the_onnx_extra_predicts_with_keras(tiny_model, tmp_path, monkeypatch):
    def missing(*_, **__):
        raise ImportError("No module named 'tf2onnx'")

    monkeypatch.setattr("medzoo.zoo.export.export_onnx", missing)
    monkeypatch.setattr("medzoo.zoo.export._export_in_tensorflow", missing)
    entry = medzoo.save(tiny_model, tmp_path / "entry")
    assert not (entry / "model.onnx").exists()
    assert medzoo.predict(entry, np.zeros((16, 16))).mask.shape == (16, 16)
    with pytest.raises(FileNotFoundError, match=r"medzoo\[onnx\]"):
        medzoo.predict(entry, np.zeros((16, 16)), engine="onnx")


def test_entry_of_a_huge_network_has_no_onnx_and_predicts_with_keras(tiny_model, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("medzoo.zoo.export.MOST_PARAMETERS", 10)
    folder = medzoo.save(tiny_model, tmp_path / "entry")
    assert not (folder / "model.onnx").exists()
    assert "The entry has no model.onnx" in caplog.text
    assert medzoo.predict(folder, np.zeros((16, 16), np.uint8)).mask.shape == (16, 16)
