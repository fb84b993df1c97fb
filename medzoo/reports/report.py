"""A prediction to a report: a page with pictures and words as PDF, and the findings as JSON beside it."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.errors import require, unknown_name
from medzoo.evaluation.gradcam.explanation import Explanation, draw_heatmap, draw_montage, evident_slices
from medzoo.files import write_rows
from medzoo.inference import MaskPrediction, Prediction
from medzoo.inference.prediction import answer_name
from medzoo.inference.scans import READ_ERRORS, predict_scans
from medzoo.inference.segmentation import draw_overlay
from medzoo.io import as_image
from medzoo.io.answers import earlier, numbered, write_file, write_together
from medzoo.io.channels import with_channels
from medzoo.io.formats import check_suffix
from medzoo.reports.findings import find, spread
from medzoo.reports.pdf import annotated, write_pdf
from medzoo.reports.words import LANGUAGES, Words, write
from medzoo.transforms.intensity import to_display
from medzoo.zoo.load import load, load_onnx, open_entry

if TYPE_CHECKING:
    from medzoo.reports.language_model import LanguageModel, Said

PDF, RECORD = ".pdf", ".findings.json"


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
    """Write a report on one scan: `path`, and beside it the findings as `NAME.findings.json`.

    The words come from templates over the findings. A language model may add its own; what it says is checked against
    the findings, and nothing leaves this machine unless one is given. Both files appear together or not at all, and
    replace only an earlier report on the same scan.

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
        The findings.

    Raises:
        ValueError: The path does not end in .pdf, the language or the model is unknown, or the font lacks characters.
        FileNotFoundError: There is no font with the characters of the language.
        FileExistsError: A file stands in the way that is no report on this scan, or was changed since.
        ImportError: reportlab is not installed.

    Example:
        >>> result = medzoo.predict("brain-tumor-unet", "scan.png")
        >>> medzoo.report(result, "report.pdf", model="brain-tumor-unet", lang="de")
    """
    check_suffix(path, (PDF,))
    path = Path(path)
    made = _Report(prediction, model, lang, explanation, uncertainty, language_model, font)
    made.save(path.parent, path.name[: -len(PDF)])
    return made.findings


class _Report:
    """A report that is ready to be written under any name."""

    def __init__(
        self,
        prediction: Prediction,
        model: str | os.PathLike | None,
        lang: str,
        explanation: Explanation | None,
        uncertainty: Mapping[str, Any] | None,
        language_model: LanguageModel | None,
        font: str | os.PathLike | None,
    ):
        # Before a language model is asked.
        require("reportlab", "report")
        if lang not in LANGUAGES:
            raise unknown_name("lang", lang, LANGUAGES)
        self.findings = find(prediction, model, uncertainty)
        self._prediction, self._font = prediction, font
        self._words = write(self.findings, lang)
        self._pictures = _pictures(prediction, self._words, explanation)
        self._notes: list[tuple[str, str]] = []
        if language_model is not None:
            # The picture with the marks, or else with the evidence.
            said = language_model.say(self.findings, lang, self._pictures[min(1, len(self._pictures) - 1)][1])
            self.findings["language_model"] = said.to_json()
            self._notes = _notes(said, self._words)

    def save(self, folder: Path, name: str, **facts: Any) -> Path:
        """Write the PDF and its findings, with further facts in their JSON, and return the path of the PDF.

        Raises:
            NameTakenError: Files of this name are no report on this scan, or were changed.
        """

        def pdf(path: Path) -> None:
            pictures, scan = self._pictures, self._prediction.name
            write_pdf(path, self._words, self.findings, pictures, scan, self._notes, self._font)

        told = {"source": self._prediction.source, **self.findings, **facts}
        return write_together(folder, name, {"pdf": (PDF, pdf)}, RECORD, lambda: told)["pdf"]


def _notes(said: Said, words: Words) -> list[tuple[str, str]]:
    """Return the paragraphs of a language model with their headings, or why there are none."""
    if said.dropped:
        return [(words.ui["model"], words.ui["dropped"] % (said.model, said.dropped))]
    writer = words.ui["written_by"] % said.model
    return [(f"{words.ui[part]} ({writer})", text) for part, text in said.parts.items()]


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

    A scan whose report is there already, made of the same files by the same model in the same language, is not
    predicted again: a run that was killed goes on.

    Args:
        model: Name or folder of the entry.
        scans: Paths, or what else `medzoo.predict` takes one by one.
        output: A PDF for a single scan; else a folder for a PDF and the findings of each, and `reports.csv` with a row
            for each, written at the end.
        lang: See `report`.
        explain: Whether to show the evidence (Grad-CAM).
        language_model: See `report`.
        font: See `report`.
        on_error: Called with a scan that cannot be read and its error; None raises it.

    Yields:
        The path of each PDF, and what its JSON says.

    Raises:
        ValueError: As of `medzoo.predict` and `report`.
        FileExistsError: The PDF that is asked for is there, and is no report on this scan.
        ImportError: reportlab is not installed.
    """
    require("reportlab", "report")
    if explain:
        # It takes Keras, which a report without it does not.
        from medzoo.evaluation.gradcam.explain import explain as explain_scan
    # One that is not needed, since all reports are there, is not loaded.
    network = functools.cache(lambda: load(model) if explain else _fast(model))
    entry = open_entry(model, engine=None)
    channels = entry.recipe.preprocessing.channel_names or ()
    made_by = {
        "model": entry.manifest["sha256"],
        "lang": lang,
        "explained": explain,
        "language_model": language_model and language_model.model,
    }
    folder = Path(output).parent if _is_pdf(output) else Path(output)
    rows: list[dict[str, Any]] = []
    for scan in scans:
        try:
            image = as_image(with_channels(scan, channels))
            pixels = hashlib.sha256(b"".join(map(bytes, image.contents()))).hexdigest()
            made_of = {**made_by, "scan": pixels}
            names = [Path(output).stem] if _is_pdf(output) else numbered(answer_name(image.source))
            found = (found for name in names if (found := _written(folder, name, image.source, made_of)))
            # Of a PDF that another scan or program has, `write_together` says so.
            path, facts = next(found, (Path(output), None))
            if facts is None:
                (prediction,) = predict_scans(network(), [image])
                seen: Any = explain_scan(network(), image) if explain else None
                uncertainty = spread(network(), prediction)
                new = _Report(prediction, model, lang, seen, uncertainty, language_model, font)
                new.save(folder, path.stem, made_of=made_of, row=prediction.to_row())
                facts = earlier(folder, path.stem, RECORD) or {}
        except READ_ERRORS as error:
            if on_error is None:
                raise
            on_error(scan, error)
            rows.append({"source": str(scan), "error": str(error)})
            continue
        rows.append({"report": path.name, **facts["row"], "error": None})
        yield path, facts
    if not _is_pdf(output) and rows:
        write_file(folder / "reports.csv", lambda path: write_rows(path, rows))


def _fast(model: str | os.PathLike) -> Any:
    try:
        return load_onnx(model)
    except FileNotFoundError:
        # An entry without an export, on a machine that cannot make one.
        return load(model)


def _is_pdf(path: str | os.PathLike) -> bool:
    return os.fspath(path).lower().endswith(PDF)


def _written(
    folder: Path, name: str, source: str, made_of: Mapping[str, Any]
) -> tuple[Path, dict[str, Any] | None] | None:
    """Return where a report is to lie, and what its JSON says if it lies there already; None where another one lies."""
    path = folder / f"{name}{PDF}"
    facts = earlier(folder, name, RECORD)
    if facts is None:
        # Whoever else has the name: `write_together` says so, or the next number is tried.
        is_free = not (path.exists() or path.with_name(f"{name}{RECORD}").exists())
        return (path, None) if is_free else None
    if not _is_same(facts["source"], source):
        return None
    # By another model, in another language, or of a file that has changed, it is replaced.
    return path, facts if facts.get("made_of") == made_of else None


def _is_same(first: str, second: str) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:
        return first == second
