"""Pinned files from the Hub, checked byte by byte."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from medzoo.entry import sha256 as sha256_of
from medzoo.errors import IntegrityError
from medzoo.hub_answers import HubError, patient

_HEX_DIGITS = 64


class Pin(NamedTuple):
    """One version of one file.

    Args:
        repo: Repository on the Hub, `"timm/resnet18.tv_in1k"`.
        file: File in it.
        revision: Commit, or `"main"` where the sha256 alone says which version it is.
        sha256: SHA-256 of the file; None where the commit alone says so, then the one that the Hub reports counts.
    """

    repo: str
    file: str
    revision: str
    sha256: str | None


def fetch(repo: str, file: str, revision: str, sha256: str | None) -> Path:
    """Return the path of a file of the Hub, downloaded once into the cache of huggingface_hub.

    `HF_HOME`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` hold as for every download from the Hub.

    Args:
        repo: See `Pin`.
        file: See `Pin`.
        revision: See `Pin`.
        sha256: See `Pin`.

    Raises:
        FileNotFoundError: The file is not in the cache and cannot be fetched; the message says from where to fetch it
            by other means.
        IntegrityError: The file does not have its sha256.

    Example:
        >>> fetch(*Pin("timm/resnet18.tv_in1k", "model.safetensors", "bbd144b3...", None))  # doctest: +SKIP
    """
    path = _download(repo, file, revision)
    expected = sha256 or _reported(path, repo, file, revision)
    if (received := sha256_of(path)) != expected:
        raise IntegrityError(
            f"{path.resolve()} is not the file {file} of {repo} that medzoo expects: sha256 {expected}. "
            f"Received: {received}. Delete the file and try again."
        )
    return path


def _download(repo: str, file: str, revision: str) -> Path:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    try:
        with patient():
            return Path(hf_hub_download(repo, file, revision=revision))
    except HubError as error:
        cached = try_to_load_from_cache(repo, file, revision=revision)
        if not isinstance(cached, str):
            raise _not_fetched(repo, file, revision, error) from error
        return Path(cached)
    except Exception as error:
        # A full disk has a clear message of its own. All else comes from the internet or the Hub, in many classes of
        # three packages.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _not_fetched(repo, file, revision, error) from error


def _not_fetched(repo: str, file: str, revision: str, error: Exception) -> FileNotFoundError:
    from huggingface_hub import hf_hub_url

    return FileNotFoundError(
        f"{file} of {repo} is not in the cache and could not be fetched ({_first_line(error)}). "
        f"Fetch {hf_hub_url(repo, file, revision=revision)} on a machine with a network and give its path: "
        f"weights='{file}'."
    )


def _reported(path: Path, repo: str, file: str, revision: str) -> str:
    """Return the sha256 that the Hub reported for a file, which is the name that the cache stores it under."""
    name = path.resolve().name
    if len(name) == _HEX_DIGITS:
        return name
    # The cache does not keep it on file systems without symbolic links.
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    return str(get_hf_file_metadata(hf_hub_url(repo, file, revision=revision)).etag)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
