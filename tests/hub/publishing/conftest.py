import shutil

import pytest

import medzoo
from medzoo.entry import read_entry
from medzoo.zoo.save import attach_evaluation, read_evaluation


@pytest.fixture
def words(described_entry):
    return read_entry(described_entry).recipe.card


@pytest.fixture
def evaluation(described_entry):
    return read_evaluation(described_entry)


@pytest.fixture
def entry(described_entry, tmp_path):
    """A copy of that entry, to do anything with."""
    return shutil.copytree(described_entry, tmp_path / "tiny-unet")


@pytest.fixture
def with_curves(entry):
    """The entry with one figure more."""
    shutil.copy(entry / "figures" / "confusion.png", entry / "figures" / "training.png")
    attach_evaluation(entry)
    return entry


@pytest.fixture
def model(described_entry, monkeypatch):
    """The model of the entry; its export to ONNX takes no time, and gives other bytes whenever it is saved."""
    exports = iter(range(1000))

    def write_onnx(network, folder, *_):
        # Protobuf takes another `doc_string` at the end of a file.
        number = f"{next(exports):04}".encode()
        (folder / "model.onnx").write_bytes((described_entry / "model.onnx").read_bytes() + b"\x32\x04" + number)

    monkeypatch.setattr("medzoo.zoo.network.write_onnx", write_onnx)
    return medzoo.load(described_entry)
