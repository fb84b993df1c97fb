"""How an attacker changes an entry: any file of it, and a manifest that vouches for all.

A craft is a function of the entry's folder, a `secret`, which is a file outside of it, and a `marker`, a file that code
in the entry would make.
"""

import hashlib
import json
from pathlib import Path


def digest(manifest):
    content = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def seal(folder, change=lambda manifest: None):
    """Write a manifest in which the sha256 and size of each listed file are right, and then `change` it."""
    path = folder / "medzoo.json"
    manifest = json.loads(path.read_text())
    for name in manifest["files"]:
        data = (folder / name).read_bytes()
        manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    change(manifest)
    path.write_text(json.dumps({**manifest, "sha256": digest(manifest)}))


class Touch:
    """Makes the marker when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (Path(self.marker),)


def text(name, content):
    """Another text in a file."""

    def craft(folder, secret, marker):
        (folder / name).write_text(content)
        seal(folder)

    return craft
