"""A report as PDF: pictures, findings and words on A4, by reportlab, with fonts that are embedded."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import cv2
import numpy as np

from medzoo.errors import printable, require
from medzoo.files import atomic_file
from medzoo.inference.segmentation import LABEL_COLORS
from medzoo.reports.fonts import register
from medzoo.reports.words import Words

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

_MARGIN, _GAP = 48, 8
_BLUE = "#1f4e79"


def write_pdf(
    path: str | os.PathLike,
    words: Words,
    findings: Mapping[str, Any],
    pictures: Sequence[tuple[str, np.ndarray]],
    name: str,
    notes: Iterable[tuple[str, str]] = (),
    font: str | os.PathLike | None = None,
) -> None:
    """Write a report.

    Args:
        path: Where to write; the file appears whole or not at all.
        words: The words of the findings.
        findings: The findings.
        pictures: A heading and an RGB picture `(height, width, 3)` uint8 for each.
        name: Name of the scan for the reader.
        notes: Further paragraphs, each under a heading, such as those of a language model.
        font: Path of a TrueType font; None takes one that is found on this machine.

    Raises:
        ImportError: reportlab is not installed.
        FileNotFoundError: There is no font with the characters of the language; the message says how to get one.
        ValueError: The font lacks characters; the message lists them.
    """
    require("reportlab", "report")
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import SimpleDocTemplate

    notes = list(notes)
    texts = [*words.seen, *words.meaning, *words.next, *words.ui.values(), *(text for note in notes for text in note)]
    regular, bold = register(font, words.language, "".join([*texts, *_texts_of(findings), printable(name)]))
    story = _story(words, findings, pictures, printable(name), notes, (regular, bold), A4[0] - 2 * _MARGIN)

    def footer(canvas: Any, document: Any) -> None:
        canvas.setFont(regular, 8)
        canvas.drawString(_MARGIN, 26, words.ui["notice"])
        canvas.drawRightString(A4[0] - _MARGIN, 26, f"{words.ui['page']} {document.page}")

    with atomic_file(path) as temporary:
        margins = {"leftMargin": _MARGIN, "rightMargin": _MARGIN, "topMargin": 34, "bottomMargin": 40}
        title = {"title": words.ui["title"], "author": "medzoo", "lang": words.language}
        document = SimpleDocTemplate(str(temporary), pagesize=A4, **margins, **title)
        canvas = functools.partial(Canvas, initialFontName=regular)
        document.build(story, onFirstPage=footer, onLaterPages=footer, canvasmaker=canvas)


def _story(
    words: Words,
    findings: Mapping[str, Any],
    pictures: Sequence[tuple[str, np.ndarray]],
    name: str,
    notes: Sequence[tuple[str, str]],
    fonts: tuple[str, str],
    width: float,
) -> list[Flowable]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import KeepTogether, Paragraph, Spacer

    regular, bold = fonts
    wrap = {"wordWrap": "CJK"} if words.language.startswith("zh") else {}
    body = ParagraphStyle("body", fontName=regular, fontSize=8.8, leading=11.8, spaceAfter=3, **wrap)
    small = ParagraphStyle("small", parent=body, fontSize=8, leading=11, textColor="#444444", spaceAfter=2)
    head = ParagraphStyle("head", parent=body, fontName=bold, fontSize=11, leading=14, spaceBefore=5, textColor=_BLUE)
    title = ParagraphStyle("title", parent=head, fontSize=16, leading=20, spaceBefore=0)
    ui = words.ui
    story: list[Flowable] = [
        Paragraph(escape(ui["title"]), title),
        Paragraph(escape(ui["notice"]), ParagraphStyle("notice", parent=body, fontName=bold, textColor="#b00020")),
        *(Paragraph(line, small) for line in _facts(words, findings, name)),
        Spacer(1, _GAP),
        _pictures(pictures, small, width),
        Paragraph(escape(ui["findings"]), head),
        _table(words, findings, body, width),
    ]
    for heading, paragraphs in ((ui[part], getattr(words, part)) for part in ("seen", "meaning", "next")):
        first, *rest = [Paragraph(escape(text), body) for text in paragraphs] or [Spacer(1, 1)]
        # A heading never stands alone at the foot of a page.
        story += [KeepTogether([Paragraph(escape(heading), head), first]), *rest]
    for heading, text in notes:
        story += [KeepTogether([Paragraph(escape(heading), head), Paragraph(escape(text), body)])]
    return story


def _facts(words: Words, findings: Mapping[str, Any], name: str) -> list[str]:
    ui, model = words.ui, findings["model"]
    lines = [f"{ui['file']}: {name}  |  {ui['date']}: {date.today().isoformat()}"]
    if model:
        lines.append(f"{ui['model']}: {model['name']}, medzoo {model['medzoo']}, sha256 {model['sha256']}")
        if model["data"]:
            licence = f" ({model['data_license']})" if model["data_license"] else ""
            lines.append(f"{ui['trained_on']}: {model['data']}{licence}")
    return [escape(printable(line)) for line in lines]


def _pictures(pictures: Sequence[tuple[str, np.ndarray]], style: Any, width: float) -> Flowable:
    from reportlab.platypus import Image, Paragraph, Table

    each = width / max(len(pictures), 2) - _GAP
    heads, images = [], []
    for heading, pixels in pictures:
        height = each * pixels.shape[0] / pixels.shape[1]
        scale = min(1, 200 / height)
        data = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
        images.append(Image(io.BytesIO(data), width=each * scale, height=height * scale))
        heads.append(Paragraph(escape(heading), style))
    table = Table([heads, images], colWidths=[each + _GAP] * len(pictures), hAlign="LEFT")
    whole = (0, 0), (-1, -1)
    table.setStyle([("VALIGN", *whole, "TOP"), ("LEFTPADDING", *whole, 0), ("FONTNAME", *whole, style.fontName)])
    return table


def _table(words: Words, findings: Mapping[str, Any], style: Any, width: float) -> Flowable:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Paragraph, Table

    rows = _rows(words, findings)
    cells = [[Paragraph(escape(printable(str(cell))), style) for cell in row] for row in rows]
    table = Table(cells, colWidths=[width / len(rows[0])] * len(rows[0]), repeatRows=1)
    table.setStyle(
        [
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, HexColor(_BLUE)),
            ("LINEBELOW", (0, 1), (-1, -1), 0.25, HexColor("#bbbbbb")),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            # Else the PDF names Helvetica, which is not embedded.
            ("FONTNAME", (0, 0), (-1, -1), style.fontName),
        ]
    )
    return table


def _rows(words: Words, findings: Mapping[str, Any]) -> list[list[str]]:
    """Return the table of the findings, its head first."""
    ui = words.ui
    if "probabilities" in findings:
        shares = sorted(findings["probabilities"].items(), key=lambda item: -item[1])
        return [[ui["label"], ui["probability"]], *([label, words.percent(share)] for label, share in shares)]
    if "value" in findings:
        unit = f" {findings['unit']}" if findings["unit"] else ""
        return [[ui["label"], ui["value"]], [findings["target"], f"{words.number(findings['value'])}{unit}"]]
    rows = [[ui[name] for name in ("label", "regions", "size", "longest", "perpendicular", "confidence")]]
    for found in findings["structures"]:
        if not found["count"]:
            rows.append([found["label"], "0", "-", "-", "-", "-"])
            continue
        largest = found["regions"][0]
        lengths = [f"{words.number(largest[name])} {largest['unit']}" for name in ("longest", "perpendicular")]
        rows.append(
            [found["label"], str(found["count"]), words.size(found), *lengths, words.percent(found["confidence"])]
        )
    return rows


def _texts_of(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for key, item in value.items() for text in (printable(str(key)), *_texts_of(item))]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts_of(item)]
    return [printable(value)] if isinstance(value, str) else []


def annotated(
    picture: np.ndarray, labels: Sequence[str], shown: Sequence[int], mm_per_pixel: float | None
) -> np.ndarray:
    """Draw a legend of labels and, where the size of a pixel is known, a scale bar under a picture.

    Args:
        picture: RGB `(height, width, 3)` uint8, at least 256 px high after it is enlarged by a whole factor.
        labels: Names of the labels, the background first.
        shown: Indices of the labels that the picture shows.
        mm_per_pixel: Width of a pixel in mm.
    """
    factor = max(1, -(-384 // max(picture.shape[:2])))
    drawn = np.repeat(np.repeat(picture, factor, 0), factor, 1).copy()
    height, width = drawn.shape[:2]
    scale = max(height, width) / 640
    if mm_per_pixel:
        length = next(mm for mm in (100, 50, 20, 10, 5, 2, 1) if mm / mm_per_pixel * factor < width / 3 or mm == 1)
        pixels = round(length / mm_per_pixel * factor)
        left, bottom = round(12 * scale), height - round(14 * scale)
        cv2.line(drawn, (left, bottom), (left + pixels, bottom), (255, 255, 255), max(2, round(3 * scale)))
        _label(drawn, f"{length} mm", (left, bottom - round(8 * scale)), (255, 255, 255), scale)
    for row, index in enumerate(shown):
        colour = LABEL_COLORS[(index - 1) % len(LABEL_COLORS)]
        _label(drawn, labels[index], (round(12 * scale), round((24 + 24 * row) * scale)), colour, scale)
    return drawn


def _label(picture: np.ndarray, text: str, place: tuple[int, int], colour: tuple[int, ...], scale: float) -> None:
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.65 * scale
    # OpenCV's font has ASCII only; the table beside the picture has the names as they are.
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(picture, plain, place, font, size, (0, 0, 0), max(2, round(4 * scale)), cv2.LINE_AA)
    cv2.putText(picture, plain, place, font, size, colour, max(1, round(1.5 * scale)), cv2.LINE_AA)
