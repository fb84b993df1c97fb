"""Figures and the folder they are written to."""

import sys

import cv2
import numpy as np
import pytest

from medzoo.evaluation import Evaluation, evaluate, overlays, plots, save_report
from medzoo.io.files import read_json
from medzoo.task import Segmentation

HISTORY = "epoch,loss,val_loss,dice,val_dice,learning_rate\n1,0.9,0.8,0.1,0.2,0.001\n2,0.5,,0.4,nan,0.0005\n"


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(HISTORY)
    return path


def panel_titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_confusion_figure_shows_shares_and_counts(model, samples):
    texts = [text.get_text() for text in plots.confusion_figure(evaluate(model, samples)).axes[0].texts]
    assert texts == ["97.5%\n156 px", "2.5%\n4 px", "25.0%\n8 px", "75.0%\n24 px"]


def test_confusion_figure_takes_labels_literally(model, make_samples, tmp_path):
    masks = np.eye(8)[None]
    model.task = Segmentation(labels=("background", "$x_{$ <b>"))
    figure = plots.confusion_figure(evaluate(model, make_samples(masks, masks, labels=model.task.labels)))
    assert plots.save_figure(figure, tmp_path / "confusion.png").stat().st_size > 0


def test_case_figure_says_how_many_cases_are_left_out(model, samples):
    assert panel_titles(plots.case_figure(evaluate(model, samples))) == [
        "Dice per case (2 cases, 1 without a true mask left out)"
    ]


def test_case_figure_of_empty_cases_only_is_drawn(model, samples, tmp_path):
    figure = plots.case_figure(evaluate(model, samples[2:]))
    assert plots.save_figure(figure, tmp_path / "cases.png").exists()


def test_curves_figure_has_a_panel_for_every_validated_column(history):
    assert panel_titles(plots.curves_figure(history)) == ["loss", "dice"]


def test_curves_figure_without_validation_has_a_panel_for_every_column(history):
    history.write_text("epoch,loss,dice\n1,0.5,0.2\n")
    assert panel_titles(plots.curves_figure(history)) == ["loss", "dice"]


@pytest.mark.parametrize("text", ["", "epoch,loss\n", "loss,dice\n1,2\n", "epoch\n1\n"])
def test_curves_figure_refuses_what_is_no_history(history, text):
    history.write_text(text)
    with pytest.raises(ValueError, match=r"history\.csv must be a training history"):
        plots.curves_figure(history)


def test_pick_cases_orders_by_dice_then_size_and_leaves_empty_ones_out():
    rows = [(0.5, 9), (0.0, 3), (None, 0), (0.9, 9), (0.0, 8)]
    cases = [{"dice": dice, "true_pixels": pixels} for dice, pixels in rows]
    assert overlays.pick_cases(cases, best=False, count=3) == [4, 1, 0]
    assert overlays.pick_cases(cases, best=True, count=2) == [3, 0]


def test_overlay_titles_name_file_and_dice_of_the_worst_case_first(model, samples):
    figure = overlays.overlay_figure(model, samples, evaluate(model, samples))
    assert panel_titles(figure) == ["case_1.png\nDice 0.67", "case_0.png\nDice 1.00"]


def test_overlay_outlines_truth_solid_and_prediction_dashed(model, samples):
    figure = overlays.overlay_figure(model, samples, evaluate(model, samples), count=1)
    truth, prediction = figure.axes[0].collections
    assert truth.get_paths()[0].get_extents().width == 4
    assert prediction.get_paths()[0].get_extents().width == 2
    assert truth.get_linestyle() != prediction.get_linestyle()


def test_overlay_keeps_its_colours_in_the_file(model, samples, tmp_path):
    figure = overlays.overlay_figure(model, samples, evaluate(model, samples))
    pixels = cv2.imread(str(plots.save_figure(figure, tmp_path / "worst.png", colours=128))).astype(int)
    blue, green, red = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    assert (green - red).max() > 150
    assert (red - blue).max() > 150


def test_overlay_refuses_other_samples(model, samples):
    with pytest.raises(ValueError, match="3 samples of the evaluation"):
        overlays.overlay_figure(model, samples[::-1], evaluate(model, samples))


def test_report_without_samples_holds_no_images(model, samples, history, tmp_path):
    paths = save_report(evaluate(model, samples), tmp_path / "run", history=history)
    names = {path.relative_to(tmp_path / "run").as_posix() for path in paths}
    assert names == {"figures/confusion.png", "figures/dice_per_case.png", "figures/training.png"}
    assert not (tmp_path / "run" / "overlays").exists()


def test_report_with_samples_adds_overlays(model, samples, tmp_path):
    paths = save_report(evaluate(model, samples), tmp_path / "run", model=model, samples=samples)
    assert {path.name for path in paths if path.parent.name == "overlays"} == {"best.png", "worst.png"}
    assert all(cv2.imread(str(path)) is not None for path in paths)


def test_report_keeps_the_record(model, samples, tmp_path):
    evaluation = evaluate(model, samples)
    save_report(evaluation, tmp_path / "run")
    assert Evaluation.from_json(read_json(tmp_path / "run" / "evaluation.json")) == evaluation


def test_report_leaves_other_files_and_no_temporary_ones(model, samples, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "weights.h5").write_bytes(b"weights")
    save_report(evaluate(model, samples), tmp_path / "run")
    found = {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert found == {"weights.h5", "evaluation.json", "confusion.png", "dice_per_case.png"}


def test_figures_do_not_touch_pyplot(model, samples, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    save_report(evaluate(model, samples), tmp_path / "run", model=model, samples=samples)
    assert "matplotlib.pyplot" not in sys.modules
