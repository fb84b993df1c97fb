"""Figures of a search."""

import numpy as np
import pytest

from medzoo.evaluation.plots.common import save_figure
from medzoo.evaluation.plots.comparison import (
    importance_figure,
    learning_curve_figure,
    parallel_figure,
    trials_figure,
)


def test_a_learning_curve_goes_from_few_images_to_many_through_the_means():
    (axes,) = learning_curve_figure([(100, 0.8), (10, 0.4), (10, 0.6), (100, 0.7)], "val_dice").axes
    line, points = axes.get_lines()
    assert line.get_xdata() == pytest.approx([10, 100])
    assert line.get_ydata() == pytest.approx([0.5, 0.75])
    assert len(points.get_xdata()) == 4


def test_the_best_so_far_never_falls():
    (axes,) = trials_figure({"0001": 0.3, "0000": 0.5, "0002": 0.6}, "val_dice").axes
    assert axes.get_lines()[1].get_ydata() == pytest.approx([0.5, 0.5, 0.6])


def test_the_best_trial_is_the_thick_line_through_its_values():
    trials = [
        ({"rate": 1e-2, "loss": "dice"}, 0.9),
        ({"rate": 1e-3, "loss": None}, 0.4),
        ({"rate": 1e-1, "loss": None}, 0),
    ]
    (axes,) = parallel_figure(trials, "val_dice").axes
    thick = [line for line in axes.get_lines() if line.get_linewidth() == 3]
    assert [list(line.get_ydata()) for line in thick] == [[0.5, 0, 1]]
    assert {text.get_text() for text in axes.texts} >= {"0.001", "0.01", "0.1", "dice", "null", "0.9"}


def test_a_range_over_orders_of_magnitude_is_drawn_by_its_logarithm():
    rates = np.geomspace(1e-5, 1e-1, 21)
    (axes,) = parallel_figure([({"rate": float(rate)}, 1 - rate) for rate in rates], "val_dice").axes
    assert "0.001" in {text.get_text() for text in axes.texts}


def test_importances_are_written_beside_their_bars():
    (axes,) = importance_figure({"optimizer.learning_rate": 0.9, "builder.dropout": 0.1}, "val_dice").axes
    assert [text.get_text() for text in axes.texts] == ["10%", "90%"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["builder.dropout", "optimizer.learning_rate"]


def test_one_trial_and_dollars_in_values_can_be_drawn(tmp_path):
    save_figure(parallel_figure([({"weights": "$HOME/$x.h5"}, 0.5)], "val_dice"), tmp_path / "parallel.png")
    assert (tmp_path / "parallel.png").is_file()
