import shutil

import pytest

import medzoo
from medzoo.data.synthetic import make_coco
from medzoo.evaluation.save import save_report
from medzoo.hub.save import attach_evaluation

WORDS = {
    "summary": "Finds drawn lesions.",
    "modality": "drawing",
    "license": "apache-2.0",
    "intended_use": "To see that publishing works.",
    "limits": "No patient was drawn.",
    "data": {"name": "Synthetic scans", "license": "apache-2.0", "source": "https://example.org/scans"},
}


@pytest.fixture(scope="session")
def described_entry(saved_entry, tmp_path_factory):
    """The tiny entry with words and scores: all that publishing asks for. Not to be changed."""
    folder = tmp_path_factory.mktemp("described")
    make_coco(folder / "test", 4, size=32)
    test = medzoo.data.read(folder / "test")
    evaluation = medzoo.evaluate(medzoo.load(saved_entry), test, split="test", data_name="Synthetic scans")
    save_report(evaluation, folder / "run")
    shutil.copytree(saved_entry, folder / "tiny-unet")
    attach_evaluation(folder / "tiny-unet", folder / "run", WORDS)
    return folder / "tiny-unet"


@pytest.fixture
def no_wait(monkeypatch):
    """The client of the Hub does not wait between its attempts."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
