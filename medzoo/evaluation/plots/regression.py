"""Figures of regressions, without patient images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medzoo.evaluation.plots.common import COLOURS, add_legend, single_panel
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE = {"color": "0.4", "linestyle": "--", "linewidth": 1}


def predicted_figure(evaluation: Evaluation) -> Figure:
    """Draw predicted against true values; perfect answers lie on the diagonal."""
    true, predicted = _values(evaluation)
    name = _name(evaluation)
    title = f"R2 {number(evaluation['r2'])}, Pearson r {number(evaluation['pearson'])}"
    figure, axes = single_panel(title, xlabel=f"True {name}", ylabel=f"Predicted {name}", aspect="equal")
    low, high = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    axes.plot((low, high), (low, high), label="perfect", **_LINE)
    _scatter(axes, true, predicted)
    add_legend(axes, loc="upper left")
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


def _scatter(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    # Many points are shown by their density.
    axes.scatter(x, y, s=14, color=COLOURS[0], alpha=0.7 if len(x) < 500 else 0.3, linewidths=0)


def _values(evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.array([row[name] for row in evaluation.cases]) for name in ("true", "predicted"))


def _name(evaluation: Evaluation) -> str:
    unit = f" ({evaluation.unit})" if evaluation.unit else ""
    return f"{evaluation.labels[0]}{unit}"
