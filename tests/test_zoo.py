"""The contract of every entry in zoo_cards/: a new folder is tested without a new test."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import medzoo
from benchmarks.zoo import PAGE, described
from medzoo.entry import CARD, FIGURES, GOLDEN, MANIFEST, ONNX, WEIGHTS, Entry, read_entry
from medzoo.evaluation.record import Evaluation
from medzoo.zoo.card.render import render_card
from medzoo.zoo.export import MOST_EMBEDDED
from medzoo.zoo.find import registry_rows
from medzoo.zoo.listing.models import ModelInfo
from medzoo.zoo.load import GOLDEN_TOLERANCE, check_golden, load_onnx

ROOT = Path(__file__).parent.parent / "zoo_cards"


@pytest.fixture(params=sorted(path.parent.name for path in ROOT.glob(f"*/{MANIFEST}")))
def entry(request) -> Entry:
    return read_entry(ROOT / request.param)


def golden(entry):
    with np.load(entry.folder / GOLDEN) as file:
        return file["input"], file["output"]


def test_there_are_entries():
    assert list(ROOT.glob(f"*/{MANIFEST}"))


def test_golden_output_on_this_backend(entry):
    assert check_golden(medzoo.load(entry.folder), entry) <= GOLDEN_TOLERANCE


def test_golden_output_tells_something(entry):
    _, output = golden(entry)
    # Of a single probability there is no spread.
    assert output.std() > 0.01 or (output.size == 1 and 1e-3 < output.item() < 1 - 1e-3)


@pytest.mark.one_backend
def test_onnx_gives_the_golden_output(entry):
    inputs, output = golden(entry)
    assert np.abs(load_onnx(entry.folder).predict_on_batch(inputs) - output).max() < 1e-3


# That bare Keras loads an entry on every backend is tried with a small one in `tests/zoo/test_entry.py`. All entries in
# one process, since Keras takes longer to start than to load them.
@pytest.mark.one_backend
def test_bare_keras_loads_each_entry_without_medzoo(tmp_path):
    code = (
        "import sys, keras, numpy\n"
        "for folder in sys.argv[1:]:\n"
        f"    golden = numpy.load(folder + '/{GOLDEN}')\n"
        "    output = keras.saving.load_model(folder).predict_on_batch(golden['input'])\n"
        "    assert abs(output - golden['output']).max() < 1e-4, folder\n"
        "assert 'medzoo' not in sys.modules\n"
    )
    folders = [str(path.parent) for path in ROOT.glob(f"*/{MANIFEST}")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", code, *folders], check=True, env=environment, cwd=tmp_path)


def test_card_is_current_and_complete(entry):
    evaluation = Evaluation.from_json(entry.evaluation)
    figures = sorted((entry.folder / FIGURES).glob("*.png"))
    text = render_card(entry.recipe, evaluation, entry.manifest["parameters"], figures)
    assert (entry.folder / CARD).read_text() == text, "Write it again: medzoo card zoo_cards/NAME"
    for words in ("## Intended use", "## Limits", "## Scores", "## Data", "Licence", "model-index"):
        assert words in text
    assert evaluation.data["split"] == "test"


def test_licences_of_weights_and_data_are_named(entry):
    assert all(entry.manifest["license"].values())


def test_manifest_lists_every_file(entry):
    files = {path.relative_to(entry.folder).as_posix() for path in entry.folder.rglob("*") if path.is_file()}
    assert files == {*entry.manifest["files"], MANIFEST}


def test_folder_carries_the_name_of_the_recipe(entry):
    assert entry.folder.name == entry.recipe.name == entry.manifest["name"]


def test_small_weights_go_into_the_wheel_and_large_ones_have_no_onnx(entry):
    is_small = entry.manifest["files"][WEIGHTS]["size"] <= MOST_EMBEDDED
    assert (ONNX in entry.manifest["files"]) == is_small


def test_the_zoo_stays_within_its_sizes():
    weights = [path.stat().st_size for path in ROOT.glob(f"*/{WEIGHTS}")]
    assert sum(size for size in weights if size <= MOST_EMBEDDED) <= 40e6
    assert sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file()) <= 220e6


def test_the_page_of_the_zoo_has_a_row_for_every_entry_with_its_score():
    lines = PAGE.read_text().splitlines()
    for row in registry_rows().values():
        start = f"| {' | '.join(described(ModelInfo.from_row(row)))} |"
        assert any(line.startswith(start) for line in lines), "Write it again: python benchmarks/zoo.py --write"
