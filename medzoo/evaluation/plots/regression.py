"""Figures of regressions, and the sheet of their errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.plots.common import COLOURS, add_legend, mean_and_spread, single_panel
from medzoo.evaluation.plots.sheets import case_sheet
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.data import Samples
    from medzoo.inference.model import Model

_LINE: dict[str, Any] = {"color": "0.4", "linestyle": "--", "linewidth": 1}


def predicted_figure(evaluation: Evaluation) -> Figure:
    """Draw predicted against true values; perfect answers lie on the diagonal."""
    true, predicted = _values(evaluation)
    name = _name(evaluation)
    title = f"R2 {number(evaluation['r2'])}, Pearson r {number(evaluation['pearson'])}"
    figure, axes = single_panel(title, xlabel=f"True {name}", ylabel=f"Predicted {name}", aspect="equal")
    low, high = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    axes.plot((low, high), (low, high), label="perfect", **_LINE)
    _scatter(axes, true, predicted)
    add_legend(axes)
    return figure


def residuals_figure(evaluation: Evaluation) -> Figure:
    """Draw the errors over the predicted values; a trend or a funnel says what the model gets wrong."""
    true, predicted = _values(evaluation)
    name = _name(evaluation)
    title = f"MAE {number(evaluation['mae'])}, RMSE {number(evaluation['rmse'])}"
    figure, axes = single_panel(title, xlabel=f"Predicted {name}", ylabel=f"Predicted minus true {name}")
    axes.axhline(0, **_LINE)
    _scatter(axes, predicted, predicted - true)
    return figure


def bland_altman_figure(evaluation: Evaluation) -> Figure:
    """Draw the errors over the mean of both values, with the bias and the limits of agreement.

    Source:
        Bland and Altman, "Statistical methods for assessing agreement", 1986.
    """
    true, predicted = _values(evaluation)
    name = _name(evaluation)
    words = {"xlabel": f"Mean of true and predicted {name}", "ylabel": f"Predicted minus true {name}"}
    figure, axes = single_panel("Agreement (Bland and Altman)", 6.2, 4.6, **words)
    _scatter(axes, (true + predicted) / 2, predicted - true)
    lines = {"bias": "-", "lower_limit": "--", "upper_limit": "--"}
    for score, style in lines.items():
        value = evaluation[score]
        if value is None:
            continue
        axes.axhline(value, color="black", linestyle=style, linewidth=1)
        text = f" {score.replace('_', ' ')}\n {number(value)}"
        axes.text(1.0, value, text, transform=axes.get_yaxis_transform(), va="center", fontsize=9)
    return figure


def errors_figure(model: Model, samples: Samples, evaluation: Evaluation) -> Figure:
    """Draw the cases with the largest error, each with its true and its predicted value."""
    order = sorted(range(evaluation.n_cases), key=lambda index: -abs(evaluation.cases[index]["error"]))

    def describe(row: dict[str, Any]) -> str:
        return f"true {number(row['true'])}\npredicted {number(row['predicted'])}"

    return case_sheet(model, samples, evaluation, order, "Largest errors", describe)


def case_sheets(model: Model, samples: Samples, evaluation: Evaluation) -> dict[str, Figure]:
    """Return the pictures of single cases by name."""
    return {"errors": errors_figure(model, samples, evaluation)}


def folds_figure(evaluations: Sequence[Evaluation], words: str) -> Figure:
    """Draw predicted against true values, a colour for each fold."""
    scores = [mean_and_spread(one[score] for one in evaluations) for score in ("r2", "mae")]
    name = _name(evaluations[0])
    title = f"R2 {scores[0]}, MAE {scores[1]}\non the {words}"
    figure, axes = single_panel(title, xlabel=f"True {name}", ylabel=f"Predicted {name}", aspect="equal")
    points = [np.array([(row["true"], row["predicted"]) for row in one.cases]).T for one in evaluations]
    ends = [min(map(np.min, points)), max(map(np.max, points))]
    axes.plot(ends, ends, label="perfect", **_LINE)
    for index, (true, predicted) in enumerate(points):
        axes.scatter(true, predicted, s=14, color=COLOURS[index % len(COLOURS)], alpha=0.7, label=f"fold {index + 1}")
    add_legend(axes)
    return figure


FIGURES: dict[str, Callable[[Evaluation], Figure]] = {
    "predicted": predicted_figure,
    "residuals": residuals_figure,
    "bland_altman": bland_altman_figure,
}
FOLDS = ("predicted", folds_figure)


def _scatter(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    # Many points are shown by their density.
    axes.scatter(x, y, s=14, color=COLOURS[0], alpha=0.7 if len(x) < 500 else 0.3, linewidths=0)


def _values(evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    true, predicted = (np.array([row[name] for row in evaluation.cases]) for name in ("true", "predicted"))
    return true, predicted


def _name(evaluation: Evaluation) -> str:
    unit = f" ({evaluation.unit})" if evaluation.unit else ""
    return f"{evaluation.labels[0]}{unit}"
