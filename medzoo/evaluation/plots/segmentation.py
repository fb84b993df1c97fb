"""Figures of segmentations, without patient images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medzoo.evaluation.plots.common import COLOURS, add_legend, single_panel
from medzoo.evaluation.record import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def case_figure(evaluation: Evaluation) -> Figure:
    """Draw how the Dice of the single cases is distributed; cases with an empty true mask have none."""
    values = [row["dice"] for row in evaluation.cases if row["dice"] is not None]
    empty = evaluation.empty_cases["cases"]
    left_out = f", {empty} without a true mask left out" if empty else ""
    title = f"Dice per case ({len(values)} cases{left_out})"
    figure, axes = single_panel(title, 6, 3.6, xlim=(0, 1), xlabel="Dice of a case", ylabel="Cases")
    axes.hist(values, bins=np.linspace(0, 1, 21), color=COLOURS[0], edgecolor="white")
    if values:
        median = float(np.median(values))
        axes.axvline(median, color="black", linestyle="--", label=f"median {median:.2f}")
        add_legend(axes)
    axes.yaxis.get_major_locator().set_params(integer=True)
    return figure
