"""Figures and the folder they are written to."""

import csv
import sys

import cv2
import numpy as np
import pytest

from medzoo.data import Samples
from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.plots import classification, common, regression, segmentation
from medzoo.evaluation.plots import segmentation as overlays
from medzoo.evaluation.plots.figures import MODULES
from medzoo.evaluation.record import Evaluation, save_report
from medzoo.files import read_json
from medzoo.io import Scan
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
    texts = [text.get_text() for text in segmentation.FIGURES["confusion"](evaluate(model, samples)).axes[0].texts]
    assert texts == ["97.5%\n156 px", "2.5%\n4 px", "25.0%\n8 px", "75.0%\n24 px"]


def test_confusion_figure_takes_labels_literally(model, make_samples, tmp_path):
    masks = np.eye(8)[None]
    model.task = Segmentation(labels=("background", "$x_{$ <b>"))
    figure = segmentation.FIGURES["confusion"](evaluate(model, make_samples(masks, masks, labels=model.task.labels)))
    assert common.save_figure(figure, tmp_path / "confusion.png").stat().st_size > 0


def test_case_figure_says_how_many_cases_are_left_out(model, samples):
    assert panel_titles(segmentation.case_figure(evaluate(model, samples))) == [
        "Dice per case (2 cases, 1 without a true mask left out)"
    ]


def test_case_figure_of_empty_cases_only_is_drawn(model, samples, tmp_path):
    figure = segmentation.case_figure(evaluate(model, samples[2:]))
    assert common.save_figure(figure, tmp_path / "cases.png").exists()


def test_curves_figure_has_a_panel_for_every_validated_column(history):
    assert panel_titles(common.curves_figure(history)) == ["loss", "dice"]


def test_curves_figure_without_validation_has_a_panel_for_every_column(history):
    history.write_text("epoch,loss,dice\n1,0.5,0.2\n")
    assert panel_titles(common.curves_figure(history)) == ["loss", "dice"]


@pytest.mark.parametrize("text", ["", "epoch,loss\n", "loss,dice\n1,2\n", "epoch\n1\n"])
def test_curves_figure_refuses_what_is_no_history(history, text):
    history.write_text(text)
    with pytest.raises(ValueError, match=r"history\.csv must be a training history"):
        common.curves_figure(history)


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
    pixels = cv2.imread(str(common.save_figure(figure, tmp_path / "worst.png", colours=128))).astype(int)
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
    assert not (tmp_path / "run" / "cases.csv").exists()


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


@pytest.fixture
def classified(grade_model, grade_samples):
    return evaluate(grade_model, grade_samples)


@pytest.fixture
def measured(value_model, value_samples):
    return evaluate(value_model, value_samples)


def legend_texts(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_confusion_figure_of_a_classification_counts_cases(classified):
    texts = [text.get_text() for text in common.confusion_figure(classified).axes[0].texts]
    assert texts[3:6] == ["0.0%\n0", "50.0%\n1", "50.0%\n1"]


def test_roc_figure_names_every_label_with_its_area(classified):
    texts = legend_texts(classification.roc_figure(classified))
    assert [text.partition(":")[0] for text in texts] == ["none", "mild", "severe"]
    assert texts[0].startswith("none: 1.000 (")


def test_roc_figure_of_two_labels_marks_the_thresholds(binary_model, binary_samples):
    texts = legend_texts(classification.roc_figure(evaluate(binary_model, binary_samples)))
    assert texts[:2] == [texts[0], "in use: threshold 0.500"]
    assert texts[0].startswith("ill: 0.875")


def test_curves_of_labels_that_do_not_occur_are_left_out(grade_model, grade_samples):
    evaluation = evaluate(grade_model, grade_samples[:4])
    texts = legend_texts(classification.precision_recall_figure(evaluation))
    assert [text.partition(":")[0] for text in texts] == ["none", "mild"]


def test_reliability_figure_draws_a_point_for_every_bin_that_holds_cases(classified):
    line = classification.reliability_figure(classified).axes[0].lines[1]
    assert line.get_xdata().tolist() == classified.calibration["confidence"]


def test_regression_figures_name_target_and_unit(measured):
    for name, draw in regression.FIGURES.items():
        axes = draw(measured).axes[0]
        assert "density (mg/ml)" in axes.get_xlabel(), name
        assert "density (mg/ml)" in axes.get_ylabel(), name


def test_bland_altman_figure_draws_bias_and_limits(measured):
    lines = regression.bland_altman_figure(measured).axes[0].lines
    heights = [line.get_ydata()[0] for line in lines]
    assert heights == [measured[name] for name in ("bias", "lower_limit", "upper_limit")]


def test_bland_altman_figure_of_one_case_has_no_limits(value_model, value_samples):
    figure = regression.bland_altman_figure(evaluate(value_model, value_samples[:1]))
    assert len(figure.axes[0].lines) == 1


def test_sheet_shows_wrong_answers_with_true_and_predicted_label(grade_model, grade_samples, classified):
    figure = classification.errors_figure(grade_model, grade_samples, classified)
    assert [title.split(" (")[0] for title in panel_titles(figure)] == ["case_3.png\ntrue mild\npredicted severe"]
    assert figure.get_suptitle().endswith("(1 of 6 cases)")


def test_sheet_of_a_classifier_without_errors_is_empty(grade_model, grade_samples):
    right = grade_samples[:3]
    figure = classification.errors_figure(grade_model, right, evaluate(grade_model, right))
    assert panel_titles(figure) == [""]


def test_sheet_shows_the_largest_error_first(value_model, value_samples, measured):
    titles = panel_titles(regression.errors_figure(value_model, value_samples, measured))
    assert titles[0].startswith("case_3.png\ntrue 76.000\npredicted 80.000")


def test_sheet_shows_the_chosen_slice_of_a_volume(value_model):
    volume = np.zeros((5, 8, 8, 1), np.uint8)
    volume[3, 4:] = 255
    scan = Scan(volume, volume.shape[:3], source="volume")
    samples = Samples((scan,), (50.0,), ("a",), ("",), ("density",), (3,))
    figure = regression.errors_figure(value_model, samples, evaluate(value_model, samples))
    assert figure.axes[0].images[0].get_array()[4:].min() == 1


@pytest.mark.parametrize("task", ["grade", "value", "binary"])
def test_report_of_every_task_is_whole(task, request, tmp_path):
    model, samples = (request.getfixturevalue(f"{task}_{part}") for part in ("model", "samples"))
    evaluation = evaluate(model, samples)
    paths = save_report(evaluation, tmp_path / "run", model=model, samples=samples)
    assert {path.stem for path in paths} == {*MODULES[evaluation.task].FIGURES, "errors"}
    assert all(cv2.imread(str(path)) is not None for path in paths)
    assert Evaluation.from_json(read_json(tmp_path / "run" / "evaluation.json")) == evaluation


def test_report_writes_the_cases_as_csv(grade_model, grade_samples, classified, tmp_path):
    save_report(classified, tmp_path, model=grade_model, samples=grade_samples)
    with open(tmp_path / "cases.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(classified.cases[0])
    assert (rows[3]["true"], float(rows[3]["confidence"])) == ("mild", classified.cases[3]["confidence"])


def test_csv_leaves_empty_what_is_not_known(model, samples, tmp_path):
    save_report(evaluate(model, samples), tmp_path, model=model, samples=samples)
    with open(tmp_path / "cases.csv", newline="", encoding="utf-8") as file:
        assert [row["dice"] for row in csv.DictReader(file)] == ["1.0", "0.666667", ""]


def volume_case(samples, true, spacing, orientation=None):
    """A volume that is bright where it is annotated."""
    pixels = ((true > 0) * np.uint8(255))[..., None]
    scan = Scan(pixels, true.shape, source="volume", spacing=spacing, orientation=orientation)
    return Samples((scan,), (type(samples.targets[0])(true),), ("volume",), ("",), samples.labels)


def test_overlay_of_a_volume_shows_its_most_annotated_planes_enlarged(model, samples):
    true = np.zeros((20, 40, 40), np.uint8)
    true[8:10, 12:16, 10:14] = true[9, 12:18, 10:16] = 1
    rows = volume_case(samples, true, (4.0, 1.0, 1.0), np.array([[0, 1], [1, 1], [2, 1]]))
    axial, coronal, sagittal = overlays.overlay_figure(model, rows, evaluate(model, rows)).axes
    # The slice with the most of it has 6 x 6 pixels; what the network of 8 x 8 pixels outlines is 10 x 10.
    assert axial.collections[0].get_paths()[0].get_extents().width == 6
    assert max(axial.images[0].get_array().shape) < 30
    assert [panel.get_title() for panel in (coronal, sagittal)] == ["coronal", "sagittal"]
    assert coronal.get_aspect() == sagittal.get_aspect() == 4
    # The head is on top.
    assert coronal.get_ylim()[0] < coronal.get_ylim()[1]
    # Slices of which nobody knows where they lie have no such names.
    rows = volume_case(samples, true, None)
    _, second, third = overlays.overlay_figure(model, rows, evaluate(model, rows)).axes
    assert {second.get_title(), third.get_title()} == {""}


def test_overlay_of_several_labels_has_a_colour_and_a_name_for_each(make_model_of, write_grey):
    def answer(images):
        return np.concatenate([images == 0, images == 100, images == 200], -1).astype(np.float32)

    true = np.zeros((2, 8, 8), np.uint8)
    true[0, 2:5, 2:5], true[1, 3:6, 3:6] = 1, 2
    rows = write_grey((100, 200), true, ("background", "$cyst", "tumor"))
    model = make_model_of(Segmentation(rows.labels), answer)
    figure = overlays.overlay_figure(model, rows, evaluate(model, rows))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["annotated", "predicted", "$cyst", "tumor"]
    colours = [tuple(panel.collections[0].get_edgecolor()[0]) for panel in figure.axes]
    assert len(set(colours)) == 2
    assert all(len(panel.collections) == 2 for panel in figure.axes)


def test_legends_lie_below_their_curves(classified, history):
    figures = (classification.roc_figure(classified), classification.reliability_figure(classified))
    for figure in (*figures, common.curves_figure(history)):
        figure.draw_without_rendering()
        for axes in figure.axes:
            if legend := axes.get_legend():
                assert legend.get_window_extent().y1 <= axes.get_window_extent().y0
