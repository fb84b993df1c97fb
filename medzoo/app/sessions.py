"""One user of the page: the files that came, the answer, and what is deleted when the user leaves."""

from __future__ import annotations

import functools
import logging
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from medzoo.app.uploads import lay_out
from medzoo.app.view import EVIDENCE, View
from medzoo.errors import printable
from medzoo.files import write_json
from medzoo.inference import MaskPrediction, Prediction
from medzoo.inference.scans import READ_ERRORS, several
from medzoo.reports.findings import find
from medzoo.reports.words import Words, write
from medzoo.zoo.load import load, open_entry
from medzoo.zoo.predict import predict

if TYPE_CHECKING:
    from medzoo.evaluation.gradcam.explanation import Explanation

_logger = logging.getLogger("medzoo")
# A network in Keras takes memory; the same is asked for again.
_network = functools.lru_cache(maxsize=2)(load)
_explaining = threading.Lock()


class Session:
    """What one user sent, and the answer.

    Args:
        folder: Where files may lie until the session is closed.

    Attributes:
        token: Stands in addresses for this session; nobody can guess it.
        scans: What can be predicted of what came.
        number: Which of them was.
        files: Paths of the answer's files by their kind: `"mask"`, `"json"`, `"pdf"`.
    """

    def __init__(self, folder: Path):
        self.token = secrets.token_hex(16)
        self.scans: list[Any] = []
        self.files: dict[str, Path] = {}
        self.view: View | None = None
        self.prediction: Prediction | None = None
        self._folder = folder / self.token
        self._uploads = self._folder / "files"
        self._came: dict[str, tuple[int, int]] = {}
        self._model = ""
        self.number = 0

    def receive(self, files: list[str], most_bytes: int) -> None:
        """Take the files of an upload in place of the earlier ones.

        Raises:
            ValueError: As of `lay_out`.
        """
        self.close()
        self._came = {path: _identity(path) for path in files}
        self._uploads.mkdir(parents=True)
        lay_out(files, self._uploads, most_bytes)

    def predict(self, model: str, number: int = 0) -> None:
        """Predict one of the scans.

        Args:
            model: Name of a zoo entry.
            number: Which of `scans`.

        Raises:
            ValueError: A scan cannot be read, or does not fit the model.
            FileNotFoundError: No scan came.
        """
        self.view = self.prediction = None
        self.files = {}
        self.number = 0
        if not self._uploads.is_dir():
            raise FileNotFoundError("There is no scan yet. Drop a file first.")
        self.scans = self._find(model)
        self.number = min(number, len(self.scans) - 1)
        prediction = cast("Prediction", predict(model, self.scans[self.number], progress=False))
        self.prediction, self.view, self._model = prediction, View(prediction), model

    def _find(self, model: str) -> list[Any]:
        """Return the scans that came. A single file is one whatever it holds: its reader says what is wrong with it."""
        files = [path for path in self._uploads.rglob("*") if path.is_file()]
        if len(files) == 1:
            return [str(files[0])]
        channels = open_entry(model, engine=None).recipe.preprocessing.channel_names or ()
        scans = several(self._uploads, channels=channels)
        return [str(self._uploads)] if scans is None else list(scans)

    @property
    def names(self) -> list[str]:
        """Names of the scans, as they came."""
        names = [str(scan).replace(str(self._uploads), "").strip("/") or "series" for scan in self.scans]
        return [printable(name) for name in names]

    def words(self, language: str) -> Words:
        """Return what is said of the answer.

        Raises:
            FileNotFoundError: There is none.
        """
        if self.prediction is None:
            raise FileNotFoundError("There is no answer yet. Drop a file first.")
        return write(find(self.prediction, self._model), language)

    def explain(self) -> None:
        """Add the evidence (Grad-CAM) to the view; the first time of a model takes some seconds."""
        from medzoo.evaluation.gradcam.explain import explain

        with _explaining:
            view, prediction = self.view, self.prediction
            if view is not None and prediction is not None and EVIDENCE not in view.layers:
                view.explain(cast("Explanation", explain(_network(self._model), prediction.scan)))

    def write_files(self, language: str) -> None:
        """Write mask, JSON and report of the answer, for downloads."""
        from medzoo.reports.report import report

        if self.prediction is None:
            return
        answers = self._folder / "answers"
        self.files = dict(self.prediction.save_all(answers))
        self.files.pop("overlay", None)
        # Without the path of this machine.
        self.files["json"] = answers / f"{self.prediction.name}_answer.json"
        write_json(self.files["json"], {**self.prediction.to_json(), "source": self.prediction.name})
        self._write_seg()
        path = answers / f"{self.prediction.name}_{language}.pdf"
        try:
            report(self.prediction, path, self._model, language)
            self.files["pdf"] = path
        except (ImportError, ValueError, OSError) as error:
            # Without reportlab or a font there is no report, but all else.
            _logger.warning("%s", error)

    def _write_seg(self) -> None:
        """Write the mask of a DICOM scan as a Segmentation, too, where highdicom and all that it needs are there."""
        if "mask" not in self.files or self.prediction is None or not self.prediction.scan.frames:
            return
        path = self.files["mask"].with_name(f"{self.prediction.name}_seg.dcm")
        try:
            self.files["seg"] = cast("MaskPrediction", self.prediction).save(path)
        except (ImportError, ValueError) as error:
            _logger.warning("%s", error)

    def close(self) -> None:
        """Delete all that the user sent, and what was made of it."""
        self.view = self.prediction = None
        self.scans, self.files = [], {}
        shutil.rmtree(self._folder, ignore_errors=True)
        # Gradio lays equal files of two users at one path: what came there since is another user's.
        for path, identity in self._came.items():
            with suppress(OSError):
                if _identity(path) == identity:
                    os.unlink(path)
        self._came = {}


def _identity(path: str) -> tuple[int, int]:
    """Return what tells a file from another one that took its path."""
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns


class Sessions:
    """The users of a page, by a key that the page has for each.

    Args:
        folder: Where their files may lie.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._lock = threading.Lock()
        self._of: dict[str, Session] = {}

    def of(self, key: str) -> Session:
        """Return the session of a user, a new one at first."""
        with self._lock:
            return self._of.setdefault(key, Session(self._folder))

    def file(self, token: str, kind: str) -> Path | None:
        """Return a file of the answer in the session with a token; None where there is none."""
        with self._lock:
            found = [session for session in self._of.values() if secrets.compare_digest(session.token, token)]
        return found[0].files.get(kind) if found else None

    def close(self, key: str) -> None:
        """Delete the session of a user who left."""
        with self._lock:
            session = self._of.pop(key, None)
        if session is not None:
            session.close()


# A folder in a path, up to the last name of it.
_FOLDERS = re.compile(r"(?<![\w.:/])/(?:[^\s/:'\"]+/)+")


def told(action: Callable[[], Any]) -> str:
    """Run an action; return "" or, where it fails, a sentence for the user, without a path of this machine."""
    try:
        action()
    except READ_ERRORS as error:
        return _FOLDERS.sub("", printable(str(error)))
    except Exception:
        _logger.exception("The page met an error.")
        return "Something went wrong here that should not. The operator finds the reason in the log of the server."
    return ""
