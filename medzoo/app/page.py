"""The page itself, by Gradio: which parts it has, and what each of them calls."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from typing import Any

from medzoo.app.sessions import Session, Sessions, told
from medzoo.app.view import EVIDENCE, MASK, PLANES, PROBABILITY, SCAN, Window
from medzoo.entry import CARD, size_limit
from medzoo.reports.words import LANGUAGES, PARTS
from medzoo.zoo.load import open_entry

_NOTICE = "Research use only. Not a diagnosis."
_LAYERS = {"Mask": MASK, "Probability": PROBABILITY, "Evidence (Grad-CAM)": EVIDENCE, "Scan only": SCAN}
_KINDS = {"mask": "Mask", "json": "Answer as JSON", "pdf": "Report as PDF", "seg": "DICOM segmentation"}
CSS = """
.planes {display: flex; flex-wrap: wrap; gap: 8px; justify-content: center}
.planes figure {margin: 0; flex: 1 1 280px; max-width: 640px; text-align: center}
.planes img {width: 100%; max-height: 70vh; object-fit: contain; background: #000}
.notice p {font-weight: 600}
.error {border-left: 4px solid #d55e00; padding: 8px 12px}
.downloads a {display: inline-block; margin: 4px 12px 4px 0; text-decoration: underline}
"""


def make_page(gradio: Any, sessions: Sessions, names: Sequence[str], max_upload: int) -> Any:
    """Return the page: its parts from top to bottom, and then what calls what."""
    most_bytes = max_upload * 1_000_000
    # What a user left open is deleted at the latest a day after.
    with gradio.Blocks(title="medzoo", analytics_enabled=False, delete_cache=(3600, 86400)) as page:
        gradio.Markdown(f"# medzoo\n{_NOTICE}", elem_classes="notice")
        with gradio.Row():
            with gradio.Column(scale=1, min_width=280):
                model = gradio.Dropdown(list(names), value=names[0], label="Model", elem_id="model")
                with gradio.Accordion("What is known of this model", open=False):
                    card = gradio.Markdown(_card(names[0]), elem_id="card")
                files = gradio.File(
                    label="Scan",
                    file_count="multiple",
                    elem_id="files",
                    height=140,
                )
                gradio.Markdown("PNG, JPEG, TIFF, DICOM or NIfTI; several files or a zip for a series.")
                scan = gradio.Dropdown([], label="Scan", visible=False, elem_id="scan")
            with gradio.Column(scale=3, min_width=320):
                status = gradio.HTML(elem_id="status")
                picture = gradio.HTML(elem_id="picture")
                slices = [
                    gradio.Slider(0, 1, 0, step=1, label=f"Slice, {plane}", visible=False, elem_id=plane)
                    for plane in PLANES
                ]
                layer = gradio.Radio(list(_LAYERS), value="Mask", label="Over the scan", elem_id="layer")
                with gradio.Row():
                    opacity = gradio.Slider(0, 1, 0.4, step=0.05, label="Opacity")
                    center = gradio.Slider(0, 255, 127.5, label="Window: level")
                    width = gradio.Slider(1, 255, 255, label="Window: width")
                downloads = gradio.HTML(elem_id="downloads")
                language = gradio.Dropdown(list(LANGUAGES), value="en", label="Language of findings and report")
                findings = gradio.HTML(elem_id="findings")
        controls = [*slices, layer, opacity, center, width]
        shown = [status, picture, scan, *slices, layer, center, width, findings, downloads]

        def answer(session: Session, error: str, lang: str) -> tuple[Any, ...]:
            return _answer(gradio, session, error, lang)

        def received(paths: list[str] | None, name: str, lang: str, request: gradio.Request) -> tuple[Any, ...]:
            session = sessions.of(request.session_hash)

            def run() -> None:
                session.receive(paths or [], most_bytes)
                session.predict(name)

            # The box is empty again, ready for the next scan.
            return (*answer(session, told(run), lang), None)

        def again(name: str, which: int | None, lang: str, request: gradio.Request) -> tuple[Any, ...]:
            session = sessions.of(request.session_hash)
            return answer(session, told(lambda: session.predict(name, which or 0)) if session.scans else "", lang)

        def redrawn(
            axial: int,
            coronal: int,
            sagittal: int,
            over: str,
            strength: float,
            middle: float,
            range_: float,
            request: gradio.Request,
        ) -> tuple[str, str]:
            session = sessions.of(request.session_hash)
            error = told(session.explain) if _LAYERS[over] == EVIDENCE else ""
            slices = (axial, coronal, sagittal)
            return _status(session, error), _picture(session, slices, over, strength, Window(middle, range_))

        def written(lang: str, request: gradio.Request) -> tuple[str, str]:
            session = sessions.of(request.session_hash)
            error = told(lambda: session.write_files(lang))
            return (_status(session, error) if error else gradio.skip()), _downloads(session)

        def left(request: gradio.Request) -> None:
            sessions.close(request.session_hash)

        # Typed here, since Gradio reads the annotations, which `from __future__` makes texts of.
        for handler in (received, again, redrawn, written, left):
            handler.__annotations__["request"] = gradio.Request
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        plain = {"api_visibility": "private"}
        write = {"fn": written, "inputs": [language], "outputs": [status, downloads], **quiet}
        files.upload(received, [files, model, language], [*shown, files], **plain).then(**write)
        model.change(_card, model, card, **quiet)
        for part in (model, scan):
            part.input(again, [model, scan, language], shown, **plain).then(**write)
        language.input(again, [model, scan, language], shown, **quiet).then(**write)
        # Side by side: evidence takes seconds, for which the sliders of other users would stand still.
        redraw = {**quiet, "trigger_mode": "always_last", "concurrency_limit": None}
        for control in controls:
            control.input(redrawn, controls, [status, picture], **redraw)
        page.unload(left)
    return page


def _answer(gradio: Any, session: Session, error: str, lang: str) -> tuple[Any, ...]:
    """Return the new state of all that shows an answer."""
    view = session.view
    several = gradio.update(
        choices=[(name, number) for number, name in enumerate(session.names)],
        value=session.number if session.scans else None,
        visible=len(session.scans) > 1,
    )
    hidden = [gradio.update(visible=False) for _ in PLANES]
    if view is None:
        return _status(session, error), "", several, *hidden, gradio.skip(), gradio.skip(), gradio.skip(), "", ""
    window, first = view.window, view.first
    slices = [
        gradio.update(visible=True, maximum=view.depth(plane) - 1, value=first[axis])
        if plane in view.planes and view.depth(plane) > 1
        else gradio.update(visible=False, value=0)
        for axis, plane in enumerate(PLANES)
    ]
    possible = [name for name, layer in _LAYERS.items() if layer in view.layers or layer in (SCAN, EVIDENCE)]
    chosen = possible[0] if MASK in view.layers else "Scan only"
    reach = max(view.highest - view.lowest, window.width)
    step = 1 if reach > 20 else reach / 100
    return (
        _status(session, error),
        _picture(session, first, chosen, 0.4, window),
        several,
        *slices,
        gradio.update(choices=possible, value=chosen),
        gradio.update(minimum=view.lowest, maximum=view.lowest + reach, step=step, value=window.center),
        gradio.update(minimum=step, maximum=reach, step=step, value=window.width),
        _findings(session, lang),
        "",
    )


def _picture(session: Session, indices: Sequence[int], layer: str, opacity: float, window: Window) -> str:
    view = session.view
    if view is None:
        return ""
    figures = []
    for plane, index in zip(view.planes, indices, strict=False):
        png = base64.b64encode(view.draw(plane, int(index), _LAYERS[layer], opacity, window)).decode()
        place = f"{plane}, slice {int(index)} (0 to {view.depth(plane) - 1})" if view.scan.is_volume else "picture"
        image = f'<img alt="{layer} over the scan, {place}" src="data:image/png;base64,{png}">'
        figures.append(f"<figure>{image}<figcaption>{place if view.scan.is_volume else ''}</figcaption></figure>")
    return f'<div class="planes">{"".join(figures)}</div>'


def _status(session: Session, error: str) -> str:
    if error:
        return f'<p class="error" role="alert">{html.escape(error)}</p>'
    if session.prediction is None:
        return ""
    return f'<p role="status">{html.escape(session.prediction.name)}: {html.escape(session.prediction.summary)}</p>'


def _findings(session: Session, lang: str) -> str:
    words = session.words(lang)
    parts = [
        f"<h3>{html.escape(words.ui[part])}</h3>"
        + "".join(f"<p>{html.escape(text)}</p>" for text in getattr(words, part))
        for part in PARTS
    ]
    return f'<div lang="{lang}">{"".join(parts)}<p class="notice">{html.escape(words.ui["notice"])}</p></div>'


def _downloads(session: Session) -> str:
    links = [
        f'<a href="answers/{session.token}/{kind}" download>{_KINDS[kind]}</a>'
        for kind in _KINDS
        if kind in session.files
    ]
    return f'<nav class="downloads" aria-label="Downloads">{"".join(links)}</nav>' if links else ""


def _card(name: str) -> str:
    """Return the card of a model without its front matter and pictures, which lie beside it."""
    with open(open_entry(name, engine=None).folder / CARD, "rb") as file:
        text = file.read(size_limit(CARD)).decode(errors="replace")
    return re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text.partition("\n---\n")[2] or text).strip()
