"""Figures without patient images: confusion matrix, scores per case, training curves."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medzoo.evaluation.record import Evaluation
from medzoo.io.files import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 110


def confusion_figure(evaluation: Evaluation) -> Figure:
    """Draw the confusion matrix: colour and percentage within the true label, and the number of pixels."""
    counts = np.array(evaluation.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 1.8 + 1.3 * len(counts)
    figure = empty_figure(size + 0.6, size)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        text = f"{shares[row, column]:.1%}\n{counts[row, column]:,} px"
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=11)
    # Labels are the user's own words: "$" in them is no formula.
    axes.set_xticks(range(len(counts)), evaluation.labels, parse_math=False)
    axes.set_yticks(range(len(counts)), evaluation.labels, parse_math=False, rotation=90, va="center")
    axes.set(xlabel="Predicted label", ylabel="True label")
    axes.set_title("Pixels by true and predicted label", fontsize=12)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, format=lambda share, _: f"{share:.0%}")
    bar.set_label("Share of the true label")
    return figure


def case_figure(evaluation: Evaluation) -> Figure:
    """Draw how the Dice of the single cases is distributed; cases with an empty true mask have none."""
    values = [row["dice"] for row in evaluation.cases if row["dice"] is not None]
    figure = empty_figure(6, 3.6)
    axes = figure.add_subplot()
    axes.hist(values, bins=np.linspace(0, 1, 21), color="#4c78a8", edgecolor="white")
    if values:
        median = float(np.median(values))
        axes.axvline(median, color="black", linestyle="--", label=f"median {median:.2f}")
        axes.legend(frameon=False)
    axes.set(xlim=(0, 1), xlabel="Dice of a case", ylabel="Cases")
    axes.yaxis.get_major_locator().set_params(integer=True)
    empty = evaluation.empty_cases["cases"]
    left_out = f", {empty} without a true mask left out" if empty else ""
    axes.set_title(f"Dice per case ({len(values)} cases{left_out})", fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def curves_figure(history: str | os.PathLike) -> Figure:
    """Draw the training curves of a `history.csv`, one panel for the loss and one per metric.

    Args:
        history: CSV file with the column `epoch` and, for each panel, `NAME` and usually `val_NAME`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file has no column `epoch`, no other column, or no epoch yet.
    """
    columns = _read_columns(history)
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


def _curve(axes: Axes, epochs: np.ndarray, columns: dict[str, np.ndarray], name: str) -> None:
    marker = "o" if len(epochs) == 1 else None
    axes.plot(epochs, columns[name], color="#4c78a8", marker=marker, label="train")
    if f"val_{name}" in columns:
        axes.plot(epochs, columns[f"val_{name}"], color="#e45756", marker=marker, label="valid")
    axes.set_title(name.replace("_", " "), fontsize=12, parse_math=False)
    axes.set_xlabel("Epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def _read_columns(path: str | os.PathLike) -> dict[str, np.ndarray]:
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "epoch" not in rows[0] or len(rows[0]) < 2:
        raise ValueError(
            f"{path} must be a training history: a CSV with the column 'epoch', one column per metric and at least "
            "one epoch. It is the history.csv of a folder that `medzoo train` wrote."
        )
    return {name: np.array([_number(row[name]) for row in rows]) for name in rows[0] if name}


def _number(text: str | None) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return float("nan")
