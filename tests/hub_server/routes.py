"""What is asked where: the endpoints that huggingface_hub 2.4 uses when Xet is off."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.hub_server import accounts, discussions, downloads, large_files, listings, refs, trees, uploads
from tests.hub_server.messages import HttpError

NAME = "([^/]+/[^/]+)"
REPO = f"/api/(models|datasets|spaces)/{NAME}"
# The pages of models have no prefix.
PAGE = f"/(?:(datasets|spaces)/)?{NAME}"
REVISION, PATH, HASH = "([^/]+)", "(.+)", "([0-9a-f]{64})"

ROUTES: list[tuple[str, str, Callable]] = [
    ("GET", "/api/whoami-v2", accounts.whoami),
    ("POST", "/api/validate-yaml", accounts.validate_card),
    ("POST", "/api/repos/create", accounts.create),
    ("DELETE", "/api/repos/delete", accounts.delete),
    ("POST", "/api/repos/move", accounts.move),
    ("PUT", f"{REPO}/settings", accounts.change_settings),
    ("GET", "/api/(models|datasets|spaces)", listings.list_repositories),
    ("GET", REPO, listings.show),
    ("GET", f"{REPO}/revision/{REVISION}", listings.show),
    ("GET", f"{REPO}/tree/{REVISION}(?:/{PATH})?", trees.tree),
    ("POST", f"{REPO}/paths-info/{REVISION}", trees.paths),
    ("GET", f"{REPO}/refs", refs.show),
    ("GET", f"{REPO}/commits/{REVISION}", refs.history),
    ("POST", f"{REPO}/tag/{REVISION}", refs.create_tag),
    ("DELETE", f"{REPO}/tag/{REVISION}", refs.delete_tag),
    ("POST", f"{REPO}/branch/{REVISION}", refs.create_branch),
    ("DELETE", f"{REPO}/branch/{REVISION}", refs.delete_branch),
    ("POST", f"{REPO}/preupload/{REVISION}", uploads.preupload),
    ("POST", f"{REPO}/commit/{REVISION}", uploads.commit),
    ("POST", rf"{PAGE}\.git/info/lfs/objects/batch", large_files.batch),
    ("PUT", f"/lfs/{HASH}", large_files.receive),
    ("POST", "/lfs-verify", large_files.verify),
    ("GET", f"{REPO}/discussions", discussions.show_all),
    ("GET", rf"{REPO}/discussions/(\d+)", discussions.show),
    ("POST", rf"{REPO}/discussions/(\d+)/merge", discussions.merge),
    ("GET", f"{PAGE}/resolve/{REVISION}/{PATH}", downloads.resolve),
    ("GET", f"/api/resolve-cache/(models|datasets|spaces)/{NAME}/{REVISION}/{PATH}", downloads.small_file),
    ("GET", f"/cdn/{HASH}", downloads.large_file),
]


def find_route(method: str, path: str) -> tuple[Callable, tuple[Any, ...]]:
    """Return the function that answers, and the parts of the path that it is given."""
    method = "GET" if method == "HEAD" else method
    for asked, pattern, function in ROUTES:
        match = re.fullmatch(pattern, path) if asked == method else None
        if match:
            return function, match.groups()
    raise HttpError(404, "Sorry, we can't find the page you are looking for.")
