"""Figures without patient images: confusion matrix and training curves, and what all figures share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import with_spread
from medzoo.files import atomic_file, read_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

DPI = 110

# Okabe and Ito's colours, which stay apart for colour-blind readers.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442")


def confusion_figure(evaluation: Evaluation, counted: str = "Cases", unit: str = "") -> Figure:
    """Draw the confusion matrix: colour and percentage within the true label, and the number of what is counted."""
    counts = np.array(evaluation.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 1.8 + 1.3 * len(counts)
    figure = empty_figure(size + 0.6, size)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        words = f"{shares[row, column]:.1%}\n{counts[row, column]:,}{unit}"
        axes.text(column, row, words, ha="center", va="center", color=colour, fontsize=11)
    # Labels are the user's own words: "$" in them is no formula.
    axes.set_xticks(range(len(counts)), evaluation.labels, parse_math=False)
    axes.set_yticks(range(len(counts)), evaluation.labels, parse_math=False, rotation=90, va="center")
    axes.set(xlabel="Predicted label", ylabel="True label")
    axes.set_title(f"{counted} by true and predicted label", fontsize=12)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, format=lambda share, _: f"{share:.0%}")
    bar.set_label("Share of the true label")
    return figure


def curves_figure(history: str | os.PathLike) -> Figure:
    """Draw the training curves of a `history.csv`, one panel for the loss and one per metric.

    Args:
        history: CSV file with the column `epoch` and, for each panel, `NAME` and usually `val_NAME`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file has no column `epoch`, no other column, or no epoch yet.
    """
    columns = read_columns(history)
    epochs = columns.pop("epoch")
    panels = [name for name in columns if f"val_{name}" in columns] or list(columns)
    panels.sort(key=lambda name: name != "loss")
    figure = empty_figure(4.2 * len(panels), 3.4)
    for axes, name in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _curve(axes, epochs, columns, name)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike, colours: int | None = None) -> Path:
    """Write a PNG, atomically; a palette of so many `colours` makes pictures of scans four times smaller."""
    from PIL import Image

    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=DPI, metadata={"Software": None}, bbox_inches="tight")
        if colours is not None:
            picture = Image.open(temporary).convert("RGB")
            # Other methods turn the thin coloured lines grey; without k-means the greys get a tint.
            picture.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=1).save(temporary, optimize=True)
    return Path(path)


def empty_figure(width: float, height: float) -> Figure:
    """Make a figure of so many inches, apart from pyplot: no window and no global state, safe in a server."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def single_panel(title: str, width: float = 5.2, height: float = 4.6, **words: Any) -> tuple[Figure, Axes]:
    """Make a figure of one panel with a grid; `words` are its axis labels and limits."""
    figure = empty_figure(width, height)
    axes = figure.add_subplot(**words)
    # Titles and labels may hold the user's own words: "$" in them is no formula.
    for text in (axes.set_title(title, fontsize=12), axes.xaxis.label, axes.yaxis.label):
        text.set_parse_math(False)
    add_grid(axes)
    return figure, axes


def add_grid(axes: Axes) -> None:
    """Give a panel a grid, and no frame on top and on the right."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def count_along(axis: Axis) -> None:
    """Mark whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    # Else as matplotlib's own locator.
    axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))


# Inches below a panel that its ticks and its label take.
_BELOW = 0.5


def add_legend(axes: Axes, title: str | None = None) -> Legend:
    """Add a legend below a panel, off its curves, that takes labels literally."""
    figure = axes.get_figure(root=True)
    # About three quarters of the figure are the panel.
    height = 0.75 * figure.get_figheight() if figure else 1.0
    place: dict[str, Any] = {"bbox_to_anchor": (0.5, -_BELOW / height), "borderaxespad": 0}
    legend = axes.legend(frameon=False, fontsize=9, title=title, ncols=1 if title else 2, loc="upper center", **place)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return legend


def mean_and_spread(values: Iterable[float | None]) -> str:
    """Return mean and standard deviation of the values that are not None, as text."""
    numbers = [value for value in values if value is not None]
    return with_spread(float(np.mean(numbers)), float(np.std(numbers))) if numbers else "-"


def _curve(axes: Axes, epochs: np.ndarray, columns: dict[str, np.ndarray], name: str) -> None:
    marker = "o" if len(epochs) == 1 else None
    axes.plot(epochs, columns[name], color="#4c78a8", marker=marker, label="train")
    if f"val_{name}" in columns:
        axes.plot(epochs, columns[f"val_{name}"], color="#e45756", marker=marker, label="valid")
    axes.set_title(name.replace("_", " "), fontsize=12, parse_math=False)
    axes.set_xlabel("Epoch")
    count_along(axes.xaxis)
    add_grid(axes)
    add_legend(axes)


def read_columns(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Return the columns of a `history.csv` as numbers; a cell without a number is NaN.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file has no column `epoch`, no other column, or no epoch yet.
    """
    rows = read_rows(path)
    if not rows or "epoch" not in rows[0] or len(rows[0]) < 2:
        raise ValueError(
            f"{path} must be a training history: a CSV with the column 'epoch', one column per metric and at least "
            "one epoch. It is the history.csv of a folder that `medzoo train` wrote."
        )
    return {name: np.array([_number(row[name]) for row in rows]) for name in rows[0] if name}


def _number(text: str) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
