"""What one call does to an entry, and what is kept of it for the next call."""

import os
import shutil
import sys
import threading
from collections import Counter

import cv2
import numpy as np
import pytest

import medzoo
from medzoo.entry import GOLDEN
from medzoo.errors import IntegrityError
from medzoo.zoo import load as load_module
from medzoo.zoo.load import load_onnx
from medzoo.zoo.predict import OpenedEntries
from tests.entry.crafts.sealing import seal
from tests.test_architecture import loaded_after

IMAGE = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)
COUNTED = {"locate", "check_manifest", "sha256", "check_files", "onnx_model", "keras_model"}


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """Nothing is open yet."""
    opened = OpenedEntries()
    monkeypatch.setattr("medzoo.zoo.predict._opened", opened)
    return opened


@pytest.fixture
def counted(monkeypatch):
    """A function that returns how often functions were called, and of which files the sha256 was taken."""

    def counted(call):
        counts, hashed = Counter(), Counter()

        def count(frame, event, _):
            name, file = frame.f_code.co_name, frame.f_code.co_filename
            if event == "call" and name in COUNTED and os.sep + "medzoo" + os.sep in file:
                counts[name] += 1
                hashed.update([os.path.basename(frame.f_locals["path"])] if name == "sha256" else [])

        sys.setprofile(count)
        try:
            call()
        finally:
            sys.setprofile(None)
        return counts, hashed

    return counted


@pytest.fixture
def needs_onnx(saved_entry):
    if not (saved_entry / "model.onnx").is_file():
        pytest.skip("Keras cannot export ONNX on this backend.")


@pytest.fixture(scope="module")
def published(hub, saved_entry):
    repo = hub.new_repo("opened")
    hub.api.create_repo(repo)
    hub.api.upload_folder(repo_id=repo, folder_path=saved_entry)
    hub.api.create_tag(repo, tag="v1")
    return f"{repo}@v1"


@pytest.mark.parametrize("engine", ["auto", "onnx", "keras"])
def test_an_entry_is_found_read_and_hashed_once_and_then_kept(counted, needs_onnx, tiny_entry, engine):
    counts, hashed = counted(lambda: medzoo.predict(tiny_entry, IMAGE, engine=engine))
    assert counts["locate"] == counts["check_manifest"] == counts["check_files"] == 1
    assert set(hashed.values()) == {1}
    counts, _ = counted(lambda: medzoo.predict(tiny_entry, IMAGE, engine=engine))
    assert counts == {"locate": 1}


def test_loading_finds_reads_and_hashes_an_entry_once(counted, tiny_entry):
    counts, hashed = counted(lambda: medzoo.load(tiny_entry, verify=True))
    assert counts["locate"] == counts["check_manifest"] == counts["check_files"] == 1
    assert set(hashed.values()) == {1}


def test_an_entry_of_the_hub_is_hashed_once_by_every_process(counted, needs_onnx, published, home, monkeypatch):
    for _ in range(2):
        # As a new process begins; the first one fetches the entry.
        monkeypatch.setattr("medzoo.zoo.predict._opened", OpenedEntries())
        counts, hashed = counted(lambda: medzoo.predict(published, IMAGE))
        assert (counts["locate"], counts["check_manifest"], counts["onnx_model"]) == (1, 1, 1)
        assert set(hashed.values()) == {1}
        counts, _ = counted(lambda: medzoo.predict(published, IMAGE))
        assert counts == {"locate": 1}


def test_a_changed_file_is_noticed(needs_onnx, tiny_entry):
    medzoo.predict(tiny_entry, IMAGE)
    path = tiny_entry / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"model\.onnx was changed"):
        medzoo.predict(tiny_entry, IMAGE)


@pytest.mark.parametrize("name", ["model.onnx", "medzoo.json", "recipe.json"])
def test_a_deleted_file_is_noticed(needs_onnx, tiny_entry, name):
    medzoo.predict(tiny_entry, IMAGE)
    (tiny_entry / name).unlink()
    with pytest.raises((FileNotFoundError, ValueError)):
        medzoo.predict(tiny_entry, IMAGE)


def test_an_entry_that_replaces_another_is_noticed(counted, needs_onnx, tiny_entry, tmp_path):
    medzoo.predict(tiny_entry, IMAGE)
    shutil.copytree(tiny_entry, tmp_path / "other", copy_function=shutil.copy2)
    shutil.rmtree(tiny_entry)
    (tmp_path / "other").rename(tiny_entry)
    counts, _ = counted(lambda: medzoo.predict(tiny_entry, IMAGE))
    assert counts["onnx_model"] == 1


def test_a_deleted_entry_is_noticed(needs_onnx, tiny_entry):
    medzoo.predict(tiny_entry, IMAGE)
    shutil.rmtree(tiny_entry)
    with pytest.raises(FileNotFoundError, match="is not a zoo entry"):
        medzoo.predict(tiny_entry, IMAGE)


def test_what_a_user_loads_is_never_what_is_kept(tiny_entry):
    before = medzoo.predict(tiny_entry, IMAGE, engine="keras").probabilities
    model = medzoo.load(tiny_entry)
    model.set_weights([0 * weight for weight in model.get_weights()])
    assert np.array_equal(medzoo.predict(tiny_entry, IMAGE, engine="keras").probabilities, before)
    assert not np.array_equal(medzoo.predict(model, IMAGE).probabilities, before)


def test_the_models_of_the_last_entries_only_are_kept(counted, needs_onnx, tiny_entry, tmp_path, monkeypatch):
    monkeypatch.setattr("medzoo.zoo.predict._opened", OpenedEntries(most=2))
    folders = [shutil.copytree(tiny_entry, tmp_path / str(number)) for number in range(3)]
    for folder in (*folders[:2], folders[0], folders[2]):
        medzoo.predict(folder, IMAGE)
    again = (folders[0], folders[2], folders[1])
    opened = [counted(lambda folder=folder: medzoo.predict(folder, IMAGE))[0]["onnx_model"] for folder in again]
    assert opened == [0, 0, 1]


@pytest.mark.parametrize("engine", ["onnx", "keras"])
def test_threads_share_what_is_opened_and_get_their_own_answers(needs_onnx, tiny_entry, engine):
    images = [np.full((16, 16), value, np.uint8) for value in (0, 80, 160, 240)]
    expected = [medzoo.predict(tiny_entry, image, engine=engine).probabilities for image in images]
    answers = [None] * len(images)

    def work(number):
        answers[number] = [medzoo.predict(tiny_entry, images[number], engine=engine).probabilities for _ in range(5)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for given, wanted in zip(answers, expected, strict=True):
        assert all(np.allclose(answer, wanted, atol=1e-6) for answer in given)


LOADED = """
import sys
unwanted = ("data", "features", "estimators", "evaluation", "training", "models", "graph", "losses", "metrics")
loaded = [name for name in sys.modules if name.startswith(tuple(f"medzoo.{part}" for part in unwanted))]
assert not loaded, loaded
"""


@pytest.mark.parametrize(
    "code",
    [
        "import sys, medzoo\nmedzoo.predict(*sys.argv[1:3], engine='onnx').mask",
        "import sys\nfrom medzoo.cli import main\ntry:\n    main(['predict', *sys.argv[1:3], '-o', sys.argv[3]])\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code",
    ],
    ids=["python", "command"],
)
def test_prediction_by_onnx_loads_nothing_of_data_training_and_evaluation(needs_onnx, tiny_entry, tmp_path, code):
    cv2.imwrite(str(tmp_path / "scan.png"), IMAGE)
    loaded_after(code + LOADED, tiny_entry, tmp_path / "scan.png", tmp_path / "out")


@pytest.fixture
def other_network(tiny_entry, tmp_path, monkeypatch):
    """An entry with another golden output, for which its manifest vouches."""
    monkeypatch.setenv("MEDZOO_HOME", str(tmp_path / "home"))
    with np.load(tiny_entry / GOLDEN) as file:
        np.savez(tiny_entry / GOLDEN, input=file["input"], output=file["output"] + np.float32(0.1))
    seal(tiny_entry)
    return tiny_entry


def test_an_export_of_another_network_is_refused_each_time(needs_onnx, other_network):
    for _ in range(2):
        with pytest.raises(IntegrityError, match="model.onnx is not the network of this entry: .* 1.0e-01"):
            load_onnx(other_network)


def test_an_export_is_compared_once_for_its_content(needs_onnx, tiny_entry, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDZOO_HOME", str(tmp_path / "home"))
    load_onnx(tiny_entry)
    monkeypatch.setattr(load_module, "_difference", lambda *_: pytest.fail("It was compared again."))
    load_onnx(tiny_entry)


def test_a_cache_that_cannot_be_written_stops_no_prediction(needs_onnx, tiny_entry, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MEDZOO_HOME", str(tmp_path / "file"))
    load_onnx(tiny_entry)


@pytest.fixture
def large(needs_onnx, tiny_entry, home):
    """An entry without `model.onnx`, as large ones are."""
    seal(tiny_entry, lambda manifest: manifest["files"].pop("model.onnx"))
    (tiny_entry / "model.onnx").unlink()
    return tiny_entry


@pytest.mark.parametrize("engine", ["auto", "onnx"])
def test_a_large_entry_is_exported_at_its_first_use(large, saved_entry, home, monkeypatch, opened, engine):
    expected = medzoo.predict(saved_entry, IMAGE, engine="onnx").probabilities
    np.testing.assert_allclose(medzoo.predict(large, IMAGE, engine=engine).probabilities, expected, atol=1e-4)
    monkeypatch.setattr("medzoo.zoo.export.export_entry", lambda *_: pytest.fail("It was exported again."))
    monkeypatch.setattr("medzoo.zoo.predict._opened", OpenedEntries())
    medzoo.predict(large, IMAGE, engine=engine)
    assert [path.name for path in (home / "exported").rglob("*") if path.is_file()] == ["model.onnx"]


def test_a_second_prediction_of_a_large_entry_needs_no_keras(large, tmp_path):
    cv2.imwrite(str(tmp_path / "scan.png"), IMAGE)
    medzoo.predict(large, IMAGE)
    code = "import sys, medzoo\nmedzoo.predict(*sys.argv[1:3]).mask\nassert 'keras' not in sys.modules" + LOADED
    loaded_after(code, large, tmp_path / "scan.png", "")


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", None])
def test_a_damaged_export_is_named_and_made_again(large, home, monkeypatch, damage):
    medzoo.predict(large, IMAGE)
    (exported,) = (home / "exported").rglob("model.onnx")
    exported.write_bytes(damage(exported.read_bytes()) if damage else other_export(exported))
    monkeypatch.setattr("medzoo.zoo.predict._opened", OpenedEntries())
    with pytest.raises(IntegrityError, match="model.onnx"):
        medzoo.predict(large, IMAGE)
    assert medzoo.predict(large, IMAGE).mask.shape == (16, 16)


def other_export(path):
    """Return an export whose largest kernel is another one."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(path)
    kernel = max(model.graph.initializer, key=lambda tensor: len(tensor.SerializeToString()))
    values = onnx.numpy_helper.to_array(kernel)
    kernel.CopyFrom(onnx.numpy_helper.from_array(values + values.dtype.type(0.5), kernel.name))
    return model.SerializeToString()


def test_a_large_entry_answers_by_keras_where_nothing_exports(large, home, monkeypatch):
    monkeypatch.setattr(load_module.importlib.util, "find_spec", lambda name: None)
    assert medzoo.predict(large, IMAGE).mask.shape == (16, 16)
    assert not (home / "exported").exists()
    with pytest.raises(FileNotFoundError, match=r"medzoo\[onnx\]"):
        medzoo.predict(large, IMAGE, engine="onnx")


def test_weights_of_more_than_ten_megabytes_are_saved_without_onnx(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("medzoo.zoo.network.MOST_EMBEDDED", 1000)
    assert not (medzoo.save(tiny_model, tmp_path / "entry") / "model.onnx").exists()
