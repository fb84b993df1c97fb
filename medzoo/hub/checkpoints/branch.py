"""The branch of a private repository that holds the checkpoints of one run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from medzoo.entry import sha256
from medzoo.errors import IntegrityError
from medzoo.hub.checkpoints.manifest import MANIFEST, Manifest, is_run_file, size_limit
from medzoo.zoo.download.connection import LOGIN, hub_errors
from medzoo.zoo.download.revisions import is_hub_name

# Not the branch that models are published to.
BRANCH = "training"
_AGAIN = "Try again later."


@dataclass(frozen=True)
class Head:
    """What the branch holds at one moment.

    Args:
        commit: Its commit, 40 hexadecimal digits.
        sizes: Size in bytes of each of its files, by name.
    """

    commit: str
    sizes: Mapping[str, int]


class Branch:
    """The branch "training" of a private repository.

    Args:
        repo: The repository, `"owner/name"`.

    Raises:
        ValueError: `repo` is no such name.
    """

    def __init__(self, repo: str):
        if not is_hub_name(repo):
            raise ValueError(f"The repository must be 'owner/name', in characters of the Hub. Received: {repo!r}.")
        self.repo = repo

    def __str__(self) -> str:
        return f"{self.repo} (branch {BRANCH})"

    def look(self) -> Head | None:
        """Return what the branch holds, or None where there is no such branch yet.

        Raises:
            PermissionError: There is no token, or it is not valid.
            ValueError: The repository is public.
            ConnectionError: The Hub was not reached.
        """
        from huggingface_hub import HfApi, errors, get_token

        if get_token() is None:
            # Without one a private repository looks as if it were not there.
            raise PermissionError(f"Checkpoints lie in private repositories, and there is no token. {LOGIN}")
        with hub_errors(self.repo, _AGAIN), suppress(errors.RepositoryNotFoundError, errors.RevisionNotFoundError):
            info = HfApi().model_info(self.repo, revision=BRANCH, files_metadata=True)
            self._refuse_public(info.private)
            return Head(info.sha or "", {file.rfilename: file.size or 0 for file in info.siblings or ()})
        return None

    def open(self) -> Head:
        """Return what the branch holds, and make it where there is none, in a private repository.

        Raises:
            PermissionError: There is no token, or it has no right to write there.
            ValueError: The repository is public.
            ConnectionError: The Hub was not reached.
        """
        from huggingface_hub import HfApi

        if head := self.look():
            return head
        api = HfApi()
        with hub_errors(self.repo, _AGAIN):
            api.create_repo(self.repo, private=True, exist_ok=True)
            # It may have been there, with no such branch.
            self._refuse_public(api.model_info(self.repo).private)
            api.create_branch(self.repo, branch=BRANCH, exist_ok=True)
        return self.look() or Head("", {})

    def manifest(self, head: Head, folder: Path) -> Manifest | None:
        """Fetch the manifest into `folder` and return it; None where nothing was pushed yet.

        Raises:
            IntegrityError: It is no manifest.
            ValueError: It was written by another version of medzoo.
            ConnectionError: The Hub was not reached.
        """
        if MANIFEST not in head.sizes:
            return None
        if head.sizes[MANIFEST] > size_limit(MANIFEST):
            raise IntegrityError(f"{MANIFEST} is too large: {head.sizes[MANIFEST]} bytes.")
        return Manifest.load(self._fetch(MANIFEST, head, folder))

    def fetch(self, manifest: Manifest, head: Head, folder: Path) -> None:
        """Fetch the files of a manifest into `folder` and compare the sha256 of each.

        Raises:
            IntegrityError: A file is not what the manifest promises; none is left of it.
            ConnectionError: The Hub was not reached.
        """
        for name, promised in manifest.files.items():
            # Before a byte of it is fetched.
            if head.sizes.get(name) != promised["size"]:
                raise IntegrityError(f"{name} is not of the size that {MANIFEST} promises.")
        for name, promised in manifest.files.items():
            path = self._fetch(name, head, folder)
            if sha256(path) != promised["sha256"]:
                raise IntegrityError(f"{name} does not have the sha256 that {MANIFEST} promises.")

    def commit(self, manifest: Manifest, head: Head, folder: Path, message: str) -> Head:
        """Let the branch hold the files of a manifest, and no other files of a run, in one commit on top of `head`.

        Files that the branch has already are not sent again.

        Raises:
            PermissionError: The token has no right to write there.
            ConnectionError: The Hub was not reached, or another process pushed in the meantime.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

        manifest.save(folder / MANIFEST)
        names = [*manifest.files, MANIFEST]
        old = [name for name in head.sizes if is_run_file(name) and name not in names]
        additions = [CommitOperationAdd(name, os.fspath(folder / name)) for name in names]
        deletions = [CommitOperationDelete(name) for name in old]
        with hub_errors(self.repo, _AGAIN), _no_bars():
            done = HfApi().create_commit(
                self.repo, [*additions, *deletions], commit_message=message, revision=BRANCH, parent_commit=head.commit
            )
        sizes = {name: size for name, size in head.sizes.items() if name not in old}
        return Head(done.oid, {**sizes, **{name: (folder / name).stat().st_size for name in names}})

    def _fetch(self, name: str, head: Head, folder: Path) -> Path:
        from huggingface_hub import hf_hub_download

        with hub_errors(self.repo, _AGAIN):
            return Path(hf_hub_download(self.repo, name, revision=head.commit, local_dir=folder))

    def _refuse_public(self, private: bool | None) -> None:
        if not private:
            raise ValueError(
                f"{self.repo} is public, and checkpoints are weights of unfinished work. Give the name of a "
                f"repository that is not there yet, or make it private: hf repos settings {self.repo} --private"
            )


@contextmanager
def _no_bars() -> Iterator[None]:
    """Leave the terminal to the progress of the training."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
