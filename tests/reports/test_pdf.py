"""The page: its text, its fonts and its pictures."""

import re
from dataclasses import replace

import numpy as np
import pytest

import medzoo
from medzoo.reports import fonts, pdf
from medzoo.reports.findings import find
from medzoo.reports.words import write

pypdf = pytest.importorskip("pypdf")
pytest.importorskip("reportlab")


def pages(path):
    return [page.extract_text() for page in pypdf.PdfReader(path).pages]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", ["outlines", "classes", "values"])
def test_a_picture_takes_one_page_whose_text_can_be_extracted(language, kind, picture, answer, request, tmp_path):
    prediction = answer(request.getfixturevalue(kind), picture)
    findings = medzoo.report(prediction, tmp_path / "a.pdf", "brain-tumor-unet", language)
    (text,) = pages(tmp_path / "a.pdf")
    words = write(findings, language)
    for sentence in (*words.seen, *words.meaning, *words.next, words.ui["notice"]):
        assert re.sub(r"\s", "", sentence) in re.sub(r"\s", "", text)
    assert findings["model"]["sha256"] in re.sub(r"\s", "", text)
    assert text.count(words.ui["notice"]) == 2


def test_all_fonts_are_embedded(outlines, picture, answer, tmp_path):
    medzoo.report(answer(outlines, picture), tmp_path / "a.pdf")
    fonts = [
        font.get_object()
        for page in pypdf.PdfReader(tmp_path / "a.pdf").pages
        for font in page["/Resources"]["/Font"].values()
    ]
    used = [font for font in fonts if font["/BaseFont"] != "/Helvetica"]
    assert used
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used)


def test_pictures_are_the_scan_and_the_marks(outlines, picture, volume, answer, tmp_path):
    for number, scan in enumerate((picture, volume)):
        medzoo.report(answer(outlines, scan), tmp_path / f"{number}.pdf")
        (page,) = pypdf.PdfReader(tmp_path / f"{number}.pdf").pages
        assert len(page.images) == 2


def test_a_scale_bar_stands_only_where_the_spacing_is_known(outlines):
    dark = np.zeros((64, 64, 3), np.uint8)
    assert not pdf.annotated(dark, ("background", "tumor"), (), None).any()
    assert pdf.annotated(dark, ("background", "tumor"), (), 0.5).any()


def test_names_of_strangers_are_text_and_no_markup(outlines, picture, answer, tmp_path):
    odd = picture.rename(picture.parent / "<b>a&b é中.png")
    task = replace(outlines.task, labels=("background", "<font size=99>&amp; $x_{$"))
    outlines.task = task
    outlines.recipe = replace(outlines.recipe, task=task)
    with pytest.raises(ValueError, match="lacks 1 characters of this report: 中.*--font"):
        medzoo.report(answer(outlines, odd), tmp_path / "a.pdf")
    assert not (tmp_path / "a.pdf").exists()
    plain = odd.rename(odd.parent / "<b>a&b é.png")
    medzoo.report(answer(outlines, plain), tmp_path / "a.pdf")
    (text,) = pages(tmp_path / "a.pdf")
    assert "<font size=99>&amp; $x_{$" in text


def test_chinese_needs_a_font_that_is_found_or_named(outlines, picture, answer, tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "installed", lambda language: [])
    with pytest.raises(FileNotFoundError, match="apt install fonts-wqy-microhei"):
        medzoo.report(answer(outlines, picture), tmp_path / "a.pdf", lang="zh-TW")
    latin = fonts.font_files(None, "en")[0]
    with pytest.raises(ValueError, match="lacks .* characters"):
        medzoo.report(answer(outlines, picture), tmp_path / "a.pdf", lang="zh-TW", font=latin)
    with pytest.raises(FileNotFoundError, match="There is no font"):
        medzoo.report(answer(outlines, picture), tmp_path / "a.pdf", lang="zh-TW", font=tmp_path / "none.ttf")
    assert not list(tmp_path.glob("a.*"))


def test_a_font_that_only_fills_gaps_is_not_taken(monkeypatch, tmp_path):
    from reportlab.pdfbase import ttfonts

    latin = fonts.font_files(None, "en")[0]
    monkeypatch.setattr(fonts, "installed", lambda language: [latin])
    assert fonts.font_files(None, "zh-TW") == [latin]

    class GapFont:
        def __init__(self, name, path):
            self.face = type("Face", (), {"charToGlyph": {ord("中"): 1}})

    monkeypatch.setattr(ttfonts, "TTFont", GapFont)
    with pytest.raises(FileNotFoundError, match="No TrueType font"):
        fonts.font_files(None, "zh-TW")


def test_chinese_is_written_where_a_font_is_installed(outlines, picture, answer, tmp_path):
    try:
        fonts.font_files(None, "zh-TW")
    except FileNotFoundError:
        pytest.skip("No Chinese TrueType font is installed.")
    findings = medzoo.report(answer(outlines, picture), tmp_path / "a.pdf", lang="zh-TW")
    text = re.sub(r"\s", "", "".join(pages(tmp_path / "a.pdf")))
    assert re.sub(r"\s", "", write(findings, "zh-TW").meaning[0]) in text


def test_a_path_that_is_no_pdf_and_an_unknown_language_are_refused(outlines, picture, answer, tmp_path):
    with pytest.raises(ValueError, match=r"Expected one of: \.pdf"):
        medzoo.report(answer(outlines, picture), tmp_path / "a.txt")
    with pytest.raises(ValueError, match="Unknown lang 'fr'"):
        medzoo.report(answer(outlines, picture), tmp_path / "a.pdf", lang="fr")


def test_a_volume_of_many_slices_is_a_montage(outlines, answer, tmp_path):
    import nibabel

    voxels = np.random.default_rng(0).integers(0, 256, (16, 16, 300)).astype(np.uint8)
    nibabel.Nifti1Image(voxels, np.eye(4)).to_filename(tmp_path / "many.nii.gz")
    prediction = answer(outlines, tmp_path / "many.nii.gz")
    medzoo.report(prediction, tmp_path / "a.pdf")
    assert len(pypdf.PdfReader(tmp_path / "a.pdf").pages) <= 2
    assert find(prediction)["structures"][0]["pixels"] > 1000
