"""Cards of classification and regression."""

from dataclasses import replace

import numpy as np
import pytest
from huggingface_hub import ModelCard

from medzoo.data import from_arrays
from medzoo.evaluation.evaluate import evaluate
from medzoo.task import Classification, Regression
from medzoo.zoo.listing.models import entry_row
from medzoo.zoo.load import load
from medzoo.zoo.save import save
from medzoo.zoo_model import ZooModel

IMAGES = np.random.default_rng(0).uniform(0, 1, (8, 16, 16)).astype(np.float32)
ENCODER = {"name": "plain", "filters": [8]}
CASES = {
    "classification": (
        Classification(("benign", "malignant"), temperature=1.5),
        {"name": "classifier", "encoder": ENCODER},
        ["benign", "malignant"] * 4,
        ("balanced_accuracy", "result.label", "temperature of 1.500", "ROC curves."),
    ),
    "regression": (
        Regression("lvef", "%", mean=50, std=10),
        {"name": "regressor", "encoder": ENCODER},
        np.linspace(30, 70, 8).tolist(),
        ("r2", "result.value", "Bland-Altman"),
    ),
}


@pytest.mark.usefixtures("without_onnx")
@pytest.mark.parametrize("name", CASES)
def test_an_entry_of_the_task_has_its_scores_figures_and_usage_on_the_card(name, tiny_recipe, tmp_path):
    task, builder, targets, words = CASES[name]
    model = ZooModel.from_recipe(replace(tiny_recipe, name="tiny", task=task, builder=builder))
    model.evaluation = evaluate(
        model, from_arrays(IMAGES, targets, labels=task.labels), split="test", data_name="Noise"
    )
    folder = save(model, tmp_path / "tiny", exact=True)
    card = ModelCard.load(folder / "README.md")
    assert card.data.eval_results[0].dataset_name == "Noise"
    assert task.main_score in card.data.metrics
    for word in words:
        assert word in card.content
    assert entry_row(folder)["score"] == pytest.approx(model.evaluation[task.main_score])
    loaded = load(folder)
    assert loaded.task == task
    assert loaded.evaluation == model.evaluation.anonymous
