"""The fonts of a report: TrueType fonts that can be embedded and have all characters of its language."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from string import ascii_letters, digits

# The package of Debian whose font has the characters of Traditional Chinese.
_CHINESE = "fonts-wqy-microhei"


def register(font: str | os.PathLike | None, language: str, text: str) -> tuple[str, str]:
    """Make the fonts of a report known to reportlab, and return their names: regular and bold.

    Raises:
        FileNotFoundError: No font is found.
        ValueError: Characters are missing in it.
    """
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    paths = font_files(font, language)
    names = []
    for number, path in enumerate(paths):
        try:
            face = TTFont(f"medzoo-{language}-{number}-{path.stem}", str(path))
        except TTFError as error:
            raise ValueError(
                f"{path} cannot be embedded ({error}). Give a font with TrueType outlines: --font FILE.ttf."
            ) from error
        missing = sorted(
            {letter for letter in text if not letter.isspace() and ord(letter) not in face.face.charToGlyph}
        )
        if missing:
            raise ValueError(
                f"The font {path} lacks {len(missing)} characters of this report: {' '.join(missing[:20])}. "
                f"Give another one: --font FILE, for example that of the Debian package {_CHINESE}."
            )
        pdfmetrics.registerFont(face)
        names.append(face.fontName)
    return names[0], names[-1]


def font_files(font: str | os.PathLike | None, language: str) -> list[Path]:
    """Return the files of the regular and, where there is one, the bold font."""
    if font is not None:
        if not Path(font).is_file():
            raise FileNotFoundError(f"There is no font {font}.")
        return [Path(font)]
    if not language.startswith("zh"):
        import matplotlib

        folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        return [folder / "DejaVuSans.ttf", folder / "DejaVuSans-Bold.ttf"]
    for path in installed(language):
        if path.suffix.lower() in (".ttf", ".ttc") and _is_whole(path):
            return [path]
    raise FileNotFoundError(
        f"No TrueType font with the characters of '{language}' is found on this machine. Install one "
        f"(Debian: apt install {_CHINESE}), or give one: --font FILE."
    )


def installed(language: str) -> list[Path]:
    """Return the fonts of a language that fontconfig knows."""
    try:
        listed = subprocess.run(
            ["fc-list", f":lang={language.lower()}", "file"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return sorted(Path(line.strip().rstrip(":")) for line in listed.splitlines() if line.strip())


def _is_whole(path: Path) -> bool:
    """Whether a font can be embedded and has Latin letters and digits, too, which those that only fill gaps lack."""
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    try:
        face = TTFont("medzoo-look", str(path)).face
    except TTFError:
        return False
    return all(ord(letter) in face.charToGlyph for letter in ascii_letters + digits)
