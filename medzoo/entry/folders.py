"""Where the zoo entries on this machine lie."""

from __future__ import annotations

from pathlib import Path

from medzoo.entry.manifest import MANIFEST
from medzoo.files import cache_folder

_PACKAGE = Path(__file__).resolve().parents[1]
# In a checkout beside the package, in the wheel inside of it.
ZOO_FOLDERS = (_PACKAGE.parent / "zoo_cards", _PACKAGE / "zoo_cards")


def entry_folders() -> dict[str, Path]:
    """Return the folders of the zoo entries on this machine by name: of the checkout, the wheel and the cache."""
    folders: dict[str, Path] = {}
    for root in (*ZOO_FOLDERS, cache_folder()):
        for manifest in sorted(root.glob(f"*/{MANIFEST}")):
            folders.setdefault(manifest.parent.name, manifest.parent)
    return folders
