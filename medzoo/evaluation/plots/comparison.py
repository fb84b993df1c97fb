"""Figures that compare models: two of them, a network and estimators over its features, or the trials of a search."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.plots.common import COLOURS, add_grid, add_legend, count_along, empty_figure, single_panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.evaluation.comparison.compare import Comparison
    from medzoo.evaluation.comparison.estimator_table import EstimatorTable

# A field of a search with more values than this was drawn from a range.
_CHOICES = 10
# Letters of a value at most.
_LONGEST = 20


def differences_figure(comparison: Comparison) -> Figure:
    """Draw the difference of every score between 0 and 1, with its interval."""
    shown = {
        name: score["difference"]
        for name, score in comparison.scores.items()
        if None not in score["difference"].values() and _is_share(score)
    }
    first, second = comparison.models
    words = {"xlabel": f"{second} minus {first}", "yticks": range(len(shown)), "yticklabels": list(shown)}
    figure, axes = single_panel(
        "Differences; filled where the interval leaves out 0", 7, 1.2 + 0.26 * len(shown), **words
    )
    axes.axvline(0, color="0.4", linestyle="--", linewidth=1)
    for row, score in enumerate(shown.values()):
        is_clear = score["low"] > 0 or score["high"] < 0
        colour = COLOURS[1 if is_clear else 0]
        axes.plot((score["low"], score["high"]), (row, row), color=colour, linewidth=1.5)
        axes.plot(score["value"], row, "o", markersize=5, color=colour, mfc=None if is_clear else "white")
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
    axes.invert_yaxis()
    return figure


def _is_share(score: dict) -> bool:
    return all(abs(score[model]["value"]) <= 1 for model in ("first", "second"))


def estimators_figure(table: EstimatorTable) -> Figure:
    """Draw each score with its interval on the same test cases, a panel for each score and a line for each model."""
    figure = empty_figure(2.6 * len(table.names) + 1.2, 1.4 + 0.4 * len(table.rows))
    panels = figure.subplots(1, len(table.names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, table.names, strict=True):
        _draw(axes, table, name)
    panels[0].set_yticks(range(len(table.rows)), [row.name for row in table.rows], parse_math=False)
    panels[0].invert_yaxis()
    figure.suptitle("Network and estimators over its features: test scores with intervals", fontsize=12)
    return figure


def _draw(axes: Axes, table: EstimatorTable, name: str) -> None:
    for place, row in enumerate(table.rows):
        value, low, high = (row.evaluation.scores[name][bound] for bound in ("value", "low", "high"))
        colour = COLOURS[0 if row.inner else 1]
        if low is not None and high is not None:
            axes.plot((low, high), (place, place), color=colour, linewidth=1.5)
        if value is not None:
            axes.plot(value, place, "o", color=colour, mfc=colour if row.name == table.best else "white")
    axes.set_title(name.replace("_", " "), fontsize=11)
    add_grid(axes)


def importance_figure(importances: Mapping[str, float], monitor: str) -> Figure:
    """Draw how much each field decides the score, by a random forest, the largest share on top."""
    names = list(importances)[::-1]
    figure, axes = single_panel(f"Share in what decides {monitor}", 6, 1.2 + 0.35 * len(names), xlim=(0, 1.1))
    axes.barh(range(len(names)), [importances[name] for name in names], color=COLOURS[0])
    for row, name in enumerate(names):
        axes.text(importances[name] + 0.01, row, f"{importances[name]:.0%}", va="center")
    axes.set_yticks(range(len(names)), names, parse_math=False)
    return figure


def trials_figure(scores: Mapping[str, float], monitor: str) -> Figure:
    """Draw the score of each trial in the order of their names, and the best so far.

    Args:
        scores: Score by the name of the trial.
        monitor: Name of the score.
    """
    names = sorted(scores)
    values = [scores[name] for name in names]
    figure, axes = single_panel("Trials in their order", 6, 3.8, xlabel="Trial", ylabel=monitor)
    numbers = [int(name) for name in names]
    axes.plot(numbers, values, "o", color=COLOURS[0], markersize=4, label="trial")
    axes.step(numbers, np.maximum.accumulate(values), where="post", color=COLOURS[1], label="best so far")
    count_along(axes.xaxis)
    add_legend(axes)
    return figure


def parallel_figure(trials: Sequence[tuple[Mapping[str, Any], float]], monitor: str) -> Figure:
    """Draw each trial as a line through its values and its score, the best on top.

    Args:
        trials: Values by the path of their field, and the score, of each trial; the best first.
        monitor: Name of the score.
    """
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    trials = trials[::-1]
    scores = np.array([score for _, score in trials])
    columns = {path: [values[path] for values, _ in trials] for path in trials[0][0]}
    figure = empty_figure(2.2 + 1.9 * len(columns), 4.4)
    axes = figure.add_subplot(xlim=(0, len(columns)), ylim=(-0.05, 1.05), yticks=())
    scales = [_positions(column) for column in columns.values()] + [_continuous(scores)]
    for place, (_, ticks) in enumerate(scales):
        _draw_axis(axes, place, ticks)
    colours = colormaps["viridis"](Normalize(scores[0], scores[-1])(scores))
    for row, colour in enumerate(colours):
        is_best = row == len(scores) - 1
        heights = [positions[row] for positions, _ in scales]
        axes.plot(heights, color=colour, linewidth=3 if is_best else 1, zorder=row + 2)
    axes.set_xticks(range(len(scales)), [*columns, monitor], parse_math=False)
    axes.spines[:].set_visible(False)
    axes.set_title("Each line a trial, the best one thick", fontsize=12)
    return figure


def learning_curve_figure(points: Sequence[tuple[int, float]], monitor: str) -> Figure:
    """Draw the score against the number of training images, and the mean where a number was trained repeatedly.

    Args:
        points: Number of images and score of each training.
        monitor: Name of the score.
    """
    counts = sorted({images for images, _ in points})
    means = [np.mean([score for images, score in points if images == count]) for count in counts]
    figure, axes = single_panel("Learning curve", 5.2, 3.8, xlabel="Training images", ylabel=monitor, xscale="log")
    axes.plot(counts, means, "o-" if len(points) == len(counts) else "-", color=COLOURS[0])
    if len(points) > len(counts):
        axes.plot(*zip(*points, strict=True), "o", color=COLOURS[1], alpha=0.7)
    axes.set_xticks(counts, map(str, counts))
    axes.set_xticks([], minor=True)
    return figure


def _draw_axis(axes: Axes, place: int, ticks: list[tuple[str, float]]) -> None:
    axes.axvline(place, color="0.5", linewidth=1)
    box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}
    for text, height in ticks:
        words = text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
        axes.text(place + 0.03, height, words, fontsize=9, va="center", zorder=1e6, bbox=box, parse_math=False)


def _positions(values: Sequence[Any]) -> tuple[np.ndarray, list[tuple[str, float]]]:
    """Return where the values of a field lie on its axis, from 0 to 1, and the axis's labels with their places."""
    choices = _ordered(values)
    if len(choices) > _CHOICES and all(isinstance(value, int | float) for value in choices):
        return _continuous(np.array(values, float))
    heights = np.linspace(0, 1, len(choices)) if len(choices) > 1 else np.array([0.5])
    ticks = [(_text(choice), height) for choice, height in zip(choices, heights, strict=True)]
    return heights[[choices.index(value) for value in values]], ticks


def _continuous(values: np.ndarray) -> tuple[np.ndarray, list[tuple[str, float]]]:
    # Values that span orders of magnitude were drawn from a logarithmic range.
    is_log = values.min() > 0 and values.max() > 50 * values.min()
    scaled = np.log(values) if is_log else values
    low, high = scaled.min(), scaled.max()
    marks = np.linspace(low, high, 5)
    names = [f"{mark:.3g}" for mark in (np.exp(marks) if is_log else marks)]
    ticks = list(zip(names, np.linspace(0, 1, 5), strict=True))
    return (scaled - low) / (high - low or 1), ticks


def _ordered(values: Sequence[Any]) -> list[Any]:
    distinct = [value for place, value in enumerate(values) if value not in values[:place]]
    return sorted(distinct, key=_rank)


def _rank(value: Any) -> tuple[int, float, str]:
    return (0, value, "") if isinstance(value, int | float) else (1, 0.0, _text(value))


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
