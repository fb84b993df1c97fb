"""Figures of a cross-validation."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text

from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.plots.classification import folds_figure, mean_roc
from medzoo.evaluation.plots.figures import fold_figures, losses_figure, mean_losses


def write_history(path, losses):
    rows = [f"{epoch},{loss},{loss + 1},0.5" for epoch, loss in enumerate(losses, 1)]
    path.write_text("\n".join(["epoch,loss,val_loss,val_dice", *rows]) + "\n")
    return path


@pytest.fixture
def histories(tmp_path):
    """Losses of a fold of three epochs and of one that stopped after two."""
    return [write_history(tmp_path / "a.csv", [3, 2, 1]), write_history(tmp_path / "b.csv", [5, 4])]


def lines_of(figure):
    return [[line for line in axes.get_lines() if line.get_label() != "perfect"] for axes in figure.axes]


def test_mean_of_losses_is_cut_at_the_shortest_fold():
    runs = [{"loss": [3, 2, 1], "val_loss": [1, 1, 1]}, {"loss": [5, 4], "val_loss": [3, 3]}]
    found = mean_losses(runs)
    assert found["loss"][0].tolist() == [4, 3]
    assert found["val_loss"][1].tolist() == [1, 1]


def test_losses_show_all_epochs_of_each_fold_and_the_mean_up_to_the_shortest(histories):
    folds, mean = lines_of(losses_figure(histories))
    assert [len(line.get_xdata()) for line in folds] == [3, 3, 2, 2]
    assert [line.get_ydata().tolist() for line in mean] == [[4, 3], [5, 4]]


def test_losses_of_one_epoch_are_drawn_as_points(tmp_path):
    path = write_history(tmp_path / "a.csv", [3])
    folds, _ = lines_of(losses_figure([path, path]))
    assert all(line.get_marker() == "o" for line in folds)


def test_mean_roc_is_that_of_the_curves_at_equal_false_positive_rates(binary_model, binary_samples):
    found = evaluate(binary_model, binary_samples)
    perfect = replace(found, curves={"ill": {"roc": {"fpr": [0, 0, 1], "tpr": [0, 1, 1]}}})
    none = replace(found, curves={"ill": {"roc": {"fpr": [0, 1], "tpr": [0, 1]}}})
    mean, spread = mean_roc([perfect, none], "ill")
    grid = np.linspace(0, 1, 101)
    assert mean[1:] == pytest.approx((1 + grid[1:]) / 2)
    assert spread[1:] == pytest.approx((1 - grid[1:]) / 2)
    assert (mean[0], spread[0]) == (0, 0)


def test_a_fold_without_positive_cases_has_no_curve_and_no_part_in_the_mean(binary_model, binary_samples):
    found = evaluate(binary_model, binary_samples)
    empty = evaluate(binary_model, binary_samples[:4])
    assert np.array_equal(mean_roc([found, empty], "ill")[0], mean_roc([found], "ill")[0])
    assert folds_figure([found, empty], "held-out set").axes


def test_roc_has_a_panel_for_each_of_several_labels(grade_model, grade_samples):
    found = evaluate(grade_model, grade_samples)
    titles = [axes.get_title() for axes in folds_figure([found, found], "held-out set").axes]
    assert titles == ["none", "mild", "severe"]


@pytest.mark.parametrize(
    ("network", "cases", "name"),
    [
        ("binary_model", "binary_samples", "roc"),
        ("value_model", "value_samples", "predicted"),
        ("model", "samples", "dice"),
    ],
)
def test_every_task_has_its_figures(request, network, cases, name, histories):
    found = evaluate(request.getfixturevalue(network), request.getfixturevalue(cases))
    assert list(fold_figures({"valid": [found, found]}, histories)) == [f"{name}_valid", "loss"]
    figures = fold_figures({"valid": [found, found], "test": [found, found]}, histories)
    assert list(figures) == [f"{name}_valid", f"{name}_test", "loss"]
    words = [text.get_text() for text in figures[f"{name}_test"].findobj(Text)]
    assert any("held-out set" in text for text in words)
