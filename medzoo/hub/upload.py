"""The files of a zoo entry to the Hub: one commit, one tag."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.entry import CARD, MANIFEST, is_entry_file, sha256
from medzoo.entry.untrusted import parse_checked_json
from medzoo.errors import IntegrityError
from medzoo.leftovers import scratch_folder
from medzoo.zoo.download.connection import AGAIN, hub_errors
from medzoo.zoo.download.revisions import is_hub_name

if TYPE_CHECKING:
    from huggingface_hub import Discussion, GitRefs, HfApi, RepoFile

    from medzoo.hub.publish import Shipment

_log = logging.getLogger("medzoo")


@dataclass(frozen=True)
class Repository:
    """A repository of models.

    Args:
        api: Client of the Hub.
        name: `"owner/name"`.
    """

    api: HfApi
    name: str

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self.api.endpoint}/{self.name}"

    def make(self, private: bool) -> None:
        """Make it if there is none, and check who may see it.

        Raises:
            ValueError: It is there, and public, while `private` is asked for.
        """
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            info = self.api.model_info(self.name)
        except RepositoryNotFoundError:
            self.api.create_repo(self.name, private=private, exist_ok=True)
            info = self.api.model_info(self.name)
        if private and not info.private:
            raise ValueError(
                f"{self.name} is public, and `private` is asked for. Make it private on {self.url}/settings first, or "
                "choose another name. Nothing was sent."
            )
        if info.private and not private:
            _log.warning("%s is private and stays so. Make it public on %s/settings", self.name, self.url)

    def refs(self) -> GitRefs:
        """Return its branches and tags."""
        return self.api.list_repo_refs(self.name)

    def commit_of(self, revision: str) -> str:
        """Return the commit of a tag, or of a pull request as `"refs/pr/1"`."""
        return self.api.model_info(self.name, revision=revision).sha or ""

    def files(self, revision: str) -> dict[str, RepoFile]:
        """Return the files of a revision that zoo entries have; others are left alone."""
        from huggingface_hub import RepoFile

        rows = self.api.list_repo_tree(self.name, recursive=True, revision=revision)
        return {row.path: row for row in rows if isinstance(row, RepoFile) and is_entry_file(row.path)}

    def read(self, name: str, revision: str) -> bytes:
        """Return the content of a small file of a revision."""
        with scratch_folder("publish") as scratch:
            return Path(self.api.hf_hub_download(self.name, name, revision=revision, local_dir=scratch)).read_bytes()

    def promised_card(self, revision: str) -> str | None:
        """Return the sha256 of the card that medzoo wrote, as the manifest of a revision says; None if it does not."""
        try:
            manifest = parse_checked_json(self.read(MANIFEST, revision).decode(), MANIFEST)
            return manifest["files"][CARD]["sha256"]
        except (ValueError, KeyError, TypeError):
            return None

    def pull_requests(self, author: str, title: str) -> list[Discussion]:
        """Return the open pull requests of a user with this title."""
        requests = self.api.get_repo_discussions(
            self.name, author=author, discussion_type="pull_request", discussion_status="open"
        )
        return [discussion for discussion in requests if discussion.title == title]


# How often a commit is tried anew because others committed in between.
_ATTEMPTS = 5
_NAME = re.compile(r"(?!refs/)\w[\w./-]{0,99}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Publication:
    """Where a published model lies.

    Args:
        url: Page of the repository.
        commit: Its commit, 40 hexadecimal digits: the `revision` that never changes.
        tag: Name of the version, or None.
        pull_request: Page of the pull request, or None.
    """

    url: str
    commit: str
    tag: str | None = None
    pull_request: str | None = None


def check_target(repo: str, revision: str | None, tag: str | None, create_pr: bool) -> None:
    """Refuse names that the Hub would not take, or that could stand for two things.

    Raises:
        ValueError: There is such a name.
    """
    if not isinstance(repo, str) or not is_hub_name(repo):
        raise ValueError(f"`repo_id` must be 'owner/name', such as 'me/my-tumor-unet'. Received: {repo!r}.")
    for argument, name in (("revision", revision), ("tag", tag)):
        if name is not None and (not _NAME.fullmatch(name) or ".." in name or _COMMIT.fullmatch(name)):
            raise ValueError(f"`{argument}` must be a name such as 'v1.0', and no commit. Received: {name!r}.")
    if create_pr and (revision or tag):
        raise ValueError(
            "A pull request goes to `main` and is no version before it is merged: `create_pr` takes neither `revision` "
            f"nor `tag`. Received: revision={revision!r}, tag={tag!r}."
        )


def upload(
    shipment: Shipment,
    repo: str,
    private: bool = False,
    revision: str | None = None,
    tag: str | None = None,
    create_pr: bool = False,
) -> Publication:
    """Make a branch hold exactly the files of a zoo entry, beside those that are no files of entries.

    What is there is not sent: the version that `tag` names, the open pull request, the commit, files of it, and large
    files that an interrupted attempt has sent. So it can be repeated.

    Args:
        shipment: The entry.
        repo: `"owner/name"`; made if there is none.
        private: Whether it must be private.
        revision: Branch; made from `main` if there is none.
        tag: Name of the version.
        create_pr: Whether to propose the commit as a pull request.

    Raises:
        ValueError: The tag names another version, `private` is asked of a public repository, or the repository holds
            a model that medzoo did not write.
        IntegrityError: The Hub did not take all files.
        PermissionError: There is no token, or it may not write here.
        ConnectionError: The connection broke.
    """
    from huggingface_hub import HfApi

    with hub_errors(repo):
        api = HfApi()
        user = api.whoami()["name"]
        repository = Repository(api, repo)
        repository.make(private)
        if tag and (commit := _tagged(repository, shipment, tag)):
            return Publication(repository.url, commit, tag)
        if create_pr and (proposed := _proposed(repository, shipment, user)):
            return proposed
        publication = _commit(repository, shipment, revision or "main", create_pr)
        return _tag(repository, publication.commit, tag) if tag else publication


def _tagged(repository: Repository, shipment: Shipment, tag: str) -> str | None:
    """Return the commit of a tag that names this very version, or None if there is no such tag."""
    refs = repository.refs()
    tags = sorted(other.name for other in refs.tags)
    if tag in (branch.name for branch in refs.branches):
        raise ValueError(f"{repository.name} has a branch '{tag}'. Choose another `tag`. Nothing was sent.")
    if tag not in tags:
        return None
    commit = repository.commit_of(tag)
    if not _is_at(repository, shipment, commit):
        raise ValueError(
            f"{repository.name} has another version as '{tag}', at {commit}. Choose a `tag` that it does not have yet; "
            f"it has: {', '.join(tags)}. Nothing was sent."
        )
    return commit


def _proposed(repository: Repository, shipment: Shipment, user: str) -> Publication | None:
    """Return the open pull request of the user with this very content, as a repeated call finds it."""
    for request in repository.pull_requests(user, shipment.title):
        reference = request.git_reference
        if reference and _is_at(repository, shipment, reference):
            commit = repository.commit_of(reference)
            return Publication(repository.url, commit, pull_request=request.url)
    return None


def _commit(repository: Repository, shipment: Shipment, branch: str, create_pr: bool) -> Publication:
    """Commit what differs, and once more on top of what others commit meanwhile."""
    from huggingface_hub.errors import HfHubHTTPError

    for _ in range(_ATTEMPTS):
        head = _head(repository, branch)
        stored = repository.files(head)
        shipment = _with_edited_card(repository, shipment, stored, head)
        if shipment.is_in(stored):
            return Publication(repository.url, head)
        try:
            done = repository.api.create_commit(
                repository.name,
                shipment.operations(stored),
                commit_message=shipment.title,
                commit_description=shipment.description,
                revision=branch,
                # Files are deleted only from what was looked at.
                parent_commit=head,
                create_pr=create_pr,
            )
        except HfHubHTTPError as error:
            if error.response.status_code != 412:
                raise
        else:
            _check_arrival(repository, shipment, done.oid)
            return Publication(repository.url, done.oid, pull_request=done.pr_url)
    raise ConnectionError(f"Others commit to {repository.name} all the time. {AGAIN}")


def _is_at(repository: Repository, shipment: Shipment, revision: str) -> bool:
    stored = repository.files(revision)
    try:
        return _with_edited_card(repository, shipment, stored, revision).is_in(stored)
    except ValueError:
        # Another card, and an edit of another one.
        return False


def _with_edited_card(
    repository: Repository, shipment: Shipment, stored: Mapping[str, RepoFile], revision: str
) -> Shipment:
    """Return the shipment without its card where the repository has an edited one; refuse a new one in its place."""
    shipment = replace(shipment, kept=())
    if not {CARD, MANIFEST} <= stored.keys() or shipment.has(stored[CARD]):
        return shipment
    promised = repository.promised_card(revision)
    if promised == hashlib.sha256(repository.read(CARD, revision)).hexdigest():
        return shipment
    if promised == sha256(shipment.folder / CARD):
        _log.warning("%s of %s was edited there and stays as it is.", CARD, repository.name)
        return replace(shipment, kept=(CARD,))
    raise ValueError(
        f"{CARD} of {repository.name} was edited there, and this entry has a new one, which would overwrite it. Take "
        f"the edit into this entry (medzoo card FOLDER --words FILE), delete {repository.url}/blob/main/{CARD}, and "
        "publish again. Nothing was sent."
    )


def _check_arrival(repository: Repository, shipment: Shipment, commit: str) -> None:
    arrived = repository.files(commit)
    if not shipment.is_in(arrived):
        missing = ", ".join(sorted(shipment.names - arrived.keys())) or "some file as it was sent"
        raise IntegrityError(
            f"{repository.name} did not take {missing} into {commit}. Look into its .gitignore, and publish again."
        )


def _head(repository: Repository, branch: str) -> str:
    refs = repository.refs()
    for ref in refs.branches:
        if ref.name == branch:
            return ref.target_commit
    if branch in (tag.name for tag in refs.tags):
        raise ValueError(f"{repository.name} has a tag '{branch}'. Choose another `revision`. Nothing was sent.")
    repository.api.create_branch(repository.name, branch=branch, exist_ok=True)
    return repository.commit_of(branch)


def _tag(repository: Repository, commit: str, tag: str) -> Publication:
    repository.api.create_tag(repository.name, tag=tag, revision=commit, exist_ok=True)
    if (other := repository.commit_of(tag)) != commit:
        raise ValueError(
            f"Somebody else tagged {other} of {repository.name} as '{tag}' just now. The model is there as {commit}; "
            "publish it again with another `tag`."
        )
    return Publication(repository.url, commit, tag)
