"""Names and revisions of repositories on the Hub, and where the cache keeps them."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from medzoo.errors import unknown_name
from medzoo.files import cache_folder, read_json, write_json
from medzoo.zoo.download.connection import hub_errors

_log = logging.getLogger("medzoo")

_NAME = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}", re.ASCII)
_NO_NAME = re.compile(r"--|\.\.|\.git$|[.-](/|$)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REFS = "refs.json"
_DEFAULT = "main"


def is_hub_name(name: str) -> bool:
    """Return whether a text may name a repository of the Hub, `"owner/name"`."""
    return bool(_NAME.fullmatch(name)) and not _NO_NAME.search(name)


def cache_of(repo: str) -> Path:
    """Return the folder in which the cache keeps the commits of a repository, which need not exist.

    Raises:
        ValueError: This is no name of a repository.
    """
    if not is_hub_name(repo):
        raise ValueError(f"A repository of the Hub is named 'owner/name'. Received: {repo!r}.")
    return cache_folder() / "hub" / repo.replace("/", "--")


def origin(folder: Path) -> str | None:
    """Return where a folder of the cache comes from, `"owner/name@commit"`; None for any other folder."""
    if folder.parent.parent != cache_folder() / "hub":
        return None
    return f"{folder.parent.name.replace('--', '/', 1)}@{folder.name}"


def resolve(repo: str, revision: str | None = None) -> str:
    """Return the commit, 40 hexadecimal digits, that a revision of a repository stands for.

    Where the Hub is not reached it is the one that was fetched last for this revision.

    Args:
        repo: Repository on the Hub, `"owner/name"`.
        revision: Branch, tag, pull request (`"refs/pr/1"`) or commit; None for the branch `main`.

    Raises:
        FileNotFoundError: There is no such repository, or it is private.
        ValueError: There is no such branch or tag; near matches are in the message.
        PermissionError: The token is not valid.
        ConnectionError: The Hub is not reached, and nothing of this revision was fetched before.

    Example:
        >>> resolve("me/my-tumor-unet", "v1")  # doctest: +SKIP
        '607a30d783dfa663caf39e06633721c8d4cfcd7e'
    """
    revision = revision or _DEFAULT
    if _COMMIT.fullmatch(revision):
        return revision
    last = _remembered(repo).get(revision)
    in_cache = f"Commit {last} is taken, as fetched last" if last else f"The cache {cache_of(repo)} knows none"
    try:
        return _ask(repo, revision, f"{in_cache} for '{revision}'.")
    except ConnectionError as error:
        if last is None:
            raise
        _say(error)
        return last


def remember(repo: str, revision: str | None, commit: str) -> None:
    """Write down which commit a revision stood for, now that the cache has what was needed of it."""
    revision = revision or _DEFAULT
    if revision == commit or _remembered(repo).get(revision) == commit:
        return
    # A cache that can only be read remembers nothing new.
    with suppress(OSError), FileLock(cache_of(repo) / f"{_REFS}.lock"):
        write_json(cache_of(repo) / _REFS, {**_remembered(repo), revision: commit})


def _remembered(repo: str) -> dict[str, str]:
    with suppress(OSError, ValueError):
        refs = read_json(cache_of(repo) / _REFS)
        return {name: commit for name, commit in refs.items() if _COMMIT.fullmatch(commit)}
    return {}


def _say(error: ConnectionError) -> None:
    from huggingface_hub import constants

    # Whoever chose to be offline knows it.
    _log.log(logging.INFO if constants.HF_HUB_OFFLINE else logging.WARNING, "%s", error)


def _ask(repo: str, revision: str, remedy: str) -> str:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        with hub_errors(repo, remedy):
            commit = HfApi().model_info(repo, revision=revision).sha
    except FileNotFoundError as error:
        if isinstance(error.__cause__, RevisionNotFoundError):
            raise unknown_name(f"revision of {repo}", revision, _branches_and_tags(repo)) from error
        raise
    # It becomes the name of a folder.
    if commit is None or not _COMMIT.fullmatch(commit):
        raise ConnectionError(f"The Hub answered {commit!r} for {repo}, which is no commit. Check HF_ENDPOINT.")
    return commit


def _branches_and_tags(repo: str) -> list[str]:
    from huggingface_hub import HfApi

    with hub_errors(repo):
        refs = HfApi().list_repo_refs(repo)
    return [ref.name for ref in (*refs.tags, *refs.branches)]
