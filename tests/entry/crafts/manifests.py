"""Manifests that list, promise or are what no manifest does."""

import pickle

from tests.entry.crafts.sealing import Touch, seal

# What nests deeper than any reader follows.
DEEP = "[" * 100_000 + "]" * 100_000


def listing(name, size=10):
    """A manifest that lists one more file."""
    return lambda folder, secret, marker: seal(
        folder, lambda manifest: manifest["files"].update({name: {"sha256": "0" * 64, "size": size}})
    )


def promising(name, **promise):
    """A manifest that promises something else of a file."""
    return lambda folder, secret, marker: seal(folder, lambda manifest: manifest["files"][name].update(promise))


def pickled(folder, secret, marker):
    (folder / "model.pkl").write_bytes(pickle.dumps(Touch(marker)))
    listing("model.pkl")(folder, secret, marker)


def changed(name):
    def craft(folder, secret, marker):
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)

    return craft


def long_manifest(folder, secret, marker):
    seal(folder, lambda manifest: manifest.update(note="x" * 2_000_000))


def sealed_text(content):
    return lambda folder, secret, marker: (folder / "medzoo.json").write_text(content)


# Name of a craft -> the craft, and what the message says.
MANIFESTS = {
    "a pickle": (pickled, r"'model\.pkl'"),
    "a file above the folder": (listing("../outside.json"), r"'\.\./outside\.json'"),
    "a file above a folder in it": (listing("figures/../../outside.png"), r"'figures/\.\./\.\./outside\.png'"),
    "an absolute path": (listing("/tmp/outside.json"), "'/tmp/outside.json'"),
    "a path of Windows": (listing("figures\\..\\..\\outside.png"), r"outside\.png"),
    "a name in capitals": (listing("README.MD"), r"'README\.MD'"),
    "names equal but for case": (
        lambda folder, *_: seal(
            folder,
            lambda manifest: manifest["files"].update(
                {name: {"sha256": "0" * 64, "size": 1} for name in ("figures/roc.png", "figures/ROC.png")}
            ),
        ),
        r"medzoo\.json.*upper and lower case",
    ),
    "an escape sequence in a name": (listing("\x1b[2J.png"), r"'\.png'"),
    "a file of a petabyte": (
        promising("model.weights.h5", size=10**15),
        r"size of model\.weights\.h5; expected at most",
    ),
    "a negative size": (promising("README.md", size=-1), r"size of README\.md; expected at most"),
    "a size that is no number": (promising("README.md", size=True), r"size of README\.md; expected at most"),
    "a sha256 that is none": (promising("README.md", sha256="../" * 20), r"no sha256 .* for README\.md"),
    "another sha256": (promising("config.json", sha256="0" * 64), r"config\.json"),
    "no weights": (
        lambda folder, *_: seal(folder, lambda manifest: manifest["files"].pop("model.weights.h5")),
        r"medzoo\.json does not list model\.weights\.h5",
    ),
    "no task": (lambda folder, *_: seal(folder, lambda manifest: manifest.pop("task")), r"medzoo\.json has no `task`"),
    "a licence that is a list": (
        lambda folder, *_: seal(folder, lambda manifest: manifest["license"].update(weights=["mit"])),
        r"medzoo\.json has no `license\.weights`, or one of a wrong type",
    ),
    "files that are a list": (
        lambda folder, *_: seal(folder, lambda manifest: manifest.update(files=["config.json"])),
        r"medzoo\.json has no `files`, or one of a wrong type",
    ),
    "a manifest that was changed": (changed("medzoo.json"), r"medzoo\.json"),
    "a file that was changed": (changed("recipe.json"), r"recipe\.json"),
    "a manifest of 2 MB": (long_manifest, r"medzoo\.json .*too large"),
    "a manifest nested deep": (sealed_text(DEEP), r"medzoo\.json is not valid JSON: it is nested too deep"),
    "a manifest with NaN": (sealed_text('{"format": NaN}'), r"medzoo\.json is not valid JSON: it holds NaN"),
    "a number of a million digits": (sealed_text("1" * 900_000), r"medzoo\.json is not valid JSON: .*digits"),
    "a name twice": (sealed_text('{"format": 1, "format": 2}'), r"medzoo\.json is not valid JSON: .*'format' twice"),
    "no JSON": (sealed_text("<html>"), r"medzoo\.json is not valid JSON"),
}
