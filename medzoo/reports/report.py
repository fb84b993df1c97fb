"""A prediction to a report: the findings as JSON, and a page with pictures and words as PDF."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.entry import sha256
from medzoo.errors import unknown_name
from medzoo.evaluation.gradcam.explanation import Explanation, draw_heatmap, draw_montage, evident_slices
from medzoo.files import read_json, write_json, write_rows
from medzoo.inference import MaskPrediction, Prediction
from medzoo.inference.scans import READ_ERRORS, predict_scans
from medzoo.inference.segmentation import draw_overlay
from medzoo.io.answers import numbered
from medzoo.io.formats import check_suffix
from medzoo.reports.findings import find, spread
from medzoo.reports.pdf import annotated, write_pdf
from medzoo.reports.words import LANGUAGES, Words, write
from medzoo.transforms.intensity import to_display
from medzoo.zoo.load import load, load_onnx, open_entry

if TYPE_CHECKING:
    from medzoo.reports.language_model import LanguageModel


def report(
    prediction: Prediction,
    path: str | os.PathLike,
    model: str | os.PathLike | None = None,
    lang: str = "en",
    explanation: Explanation | None = None,
    uncertainty: Mapping[str, Any] | None = None,
    language_model: LanguageModel | None = None,
    font: str | os.PathLike | None = None,
) -> dict[str, Any]:
    """Write a report on one scan: `path`, and beside it the findings with the suffix `.json`.

    The words come from templates over the findings. A language model may add its own; what it says is checked against
    the findings, and nothing leaves this machine unless one is given.

    Args:
        prediction: What `medzoo.predict` returned.
        path: Where to write the PDF; ends in `.pdf`.
        model: The zoo entry that answered, a name or folder: its card says how often it errs. None for no such words.
        lang: "en", "de" or "zh-TW" (Traditional Chinese).
        explanation: What `medzoo.explain` says of the scan, for a picture of the evidence.
        uncertainty: What `medzoo.reports.findings.spread` returns, for words about it.
        language_model: Who is asked for words of its own.
        font: Path of a TrueType font that has all characters; None takes one of this machine.

    Returns:
        The findings, as they stand in the JSON.

    Raises:
        ValueError: The path does not end in .pdf, the language or the model is unknown, or the font lacks characters.
        FileNotFoundError: There is no font with the characters of the language.
        ImportError: reportlab is not installed.

    Example:
        >>> result = medzoo.predict("brain-tumor-unet", "scan.png")
        >>> medzoo.report(result, "report.pdf", model="brain-tumor-unet", lang="de")
    """
    check_suffix(path, (".pdf",))
    if lang not in LANGUAGES:
        raise unknown_name("lang", lang, LANGUAGES)
    findings = find(prediction, model, uncertainty)
    words = write(findings, lang)
    pictures = _pictures(prediction, words, explanation)
    notes = []
    if language_model is not None:
        # The one with the marks, or else with the evidence.
        said = language_model.say(findings, lang, pictures[min(1, len(pictures) - 1)][1])
        findings["language_model"] = said.to_json()
        who = (language_model.model,)
        if said.dropped:
            notes = [(words.ui["model"], words.ui["dropped"] % (*who, said.dropped))]
        else:
            notes = [(f"{words.ui[part]} ({words.ui['written_by'] % who})", said.parts[part]) for part in said.parts]
    write_pdf(path, words, findings, pictures, prediction.name, notes, font)
    write_json(Path(path).with_suffix(".json"), findings)
    return findings


def _pictures(prediction: Prediction, words: Words, explanation: Explanation | None) -> list[tuple[str, np.ndarray]]:
    """Return the pictures of a report with their headings: the scan, what is marked, and the evidence."""
    scan = prediction.full_scan
    mask = prediction.displayed_mask if isinstance(prediction, MaskPrediction) else None
    shown = mask if mask is not None else explanation.displayed if explanation is not None else None
    slices = _slices(scan.shape[0], shown) if scan.is_volume else None

    def drawn(draw: Any) -> np.ndarray:
        if slices is None:
            return draw(...)
        return draw_montage([draw(index) for index in slices], [str(index) for index in slices])

    labels = prediction.task.labels
    width = scan.spacing[-1] if scan.spacing else None
    # A montage has its tiles side by side, at the scale of the slices.
    pictures = [(words.ui["scan"], annotated(drawn(lambda index: to_display(scan.array[index])), labels, (), width))]
    if mask is not None:
        overlay = drawn(lambda index: draw_overlay(to_display(scan.array[index]), mask[index]))
        present = [index for index in range(1, len(labels)) if (mask == index).any()]
        pictures.append((words.ui["overlay"], annotated(overlay, labels, present, width)))
    if explanation is not None:
        evidence = drawn(lambda index: draw_heatmap(to_display(scan.array[index]), explanation.displayed[index]))
        pictures.append((words.ui["evidence"], annotated(evidence, labels, (), None)))
    return pictures


def _slices(depth: int, shown: np.ndarray | None) -> list[int]:
    """Return the slices of a volume to show: those with the most to see, or a few evenly through it."""
    if shown is None or not shown.any():
        return np.unique(np.linspace(0, depth - 1, min(depth, 9) + 2)[1:-1].round().astype(int)).tolist()
    return evident_slices((shown > 0).astype(np.float32) if shown.dtype == np.uint8 else shown)


def report_scans(
    model: str | os.PathLike,
    scans: Iterable[Any],
    output: str | os.PathLike,
    lang: str = "en",
    explain: bool = True,
    language_model: LanguageModel | None = None,
    font: str | os.PathLike | None = None,
    on_error: Callable[[Any, Exception], None] | None = None,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Predict scans with a zoo entry, and write a report on each.

    A scan whose report is there already, made of the same file by the same model in the same language, is not done
    again: a run that was killed goes on.

    Args:
        model: Name or folder of the entry.
        scans: Paths, or what else `medzoo.predict` takes one by one.
        output: A PDF for a single scan; else a folder for a PDF and a JSON of each, and `reports.csv`.
        lang: See `report`.
        explain: Whether to show the evidence (Grad-CAM).
        language_model: See `report`.
        font: See `report`.
        on_error: Called with a scan that cannot be read and its error; None raises it.

    Yields:
        The path and the findings of each report.

    Raises:
        ValueError: As of `medzoo.predict` and `report`.
    """
    if explain:
        # It takes Keras, which a report without it does not.
        from medzoo.evaluation.gradcam.explain import explain as explain_scan
    network: Any = load(model) if explain else _fast(model)
    rows = []
    for scan in scans:
        try:
            (prediction,) = predict_scans(network, [scan])
            key = _key(model, prediction, lang, language_model)
            path, findings = _place(Path(output), prediction, key)
            if findings is None:
                seen: Any = explain_scan(network, scan) if explain else None
                uncertainty = spread(network, prediction)
                findings = report(prediction, path, model, lang, seen, uncertainty, language_model, font)
                findings["made_of"] = key
                write_json(path.with_suffix(".json"), findings)
        except READ_ERRORS as error:
            if on_error is None:
                raise
            on_error(scan, error)
            continue
        rows.append({"report": path.name, **prediction.to_row()})
        if not _is_pdf(output):
            write_rows(Path(output) / "reports.csv", rows)
        yield path, findings


def _fast(model: str | os.PathLike) -> Any:
    try:
        return load_onnx(model)
    except FileNotFoundError:
        # An entry without an export, on a machine that cannot make one.
        return load(model)


def _is_pdf(path: str | os.PathLike) -> bool:
    return os.fspath(path).lower().endswith(".pdf")


def _key(
    model: str | os.PathLike, prediction: Prediction, lang: str, language_model: LanguageModel | None
) -> dict[str, Any]:
    """Return what a report is made of: where this is the same, it is not made again."""
    source = Path(prediction.source)
    return {
        "scan": sha256(source) if source.is_file() else os.path.abspath(source),
        "model": open_entry(model, engine=None).manifest["sha256"],
        "lang": lang,
        "language_model": language_model and language_model.model,
    }


def _place(output: Path, prediction: Prediction, key: Mapping[str, Any]) -> tuple[Path, dict[str, Any] | None]:
    """Return where a report is to lie, and its findings if it lies there already.

    Raises:
        FileExistsError: The PDF that is asked for is there, and medzoo did not write it.
    """
    names = [output] if _is_pdf(output) else (output / f"{name}.pdf" for name in numbered(prediction.name))
    for path in names:
        record = path.with_suffix(".json")
        if not path.exists() and not record.exists():
            return path, None
        with suppress(ValueError, FileNotFoundError, AttributeError):
            findings = read_json(record)
            made_of = findings.get("made_of")
            if made_of == key and path.exists():
                return path, findings
            # A report on the same scan, by another model or in another language, is replaced.
            if made_of and (made_of["scan"] == key["scan"] or _is_pdf(output)):
                return path, None
    raise FileExistsError(f"{output} is there, and is no report of medzoo. Move it, or give another path.")
