"""A repository on the Hub as publishing sees it: whose it is, and what its branches, tags and pull requests hold."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medzoo.entry import is_entry_file

if TYPE_CHECKING:
    from huggingface_hub import Discussion, GitRefs, HfApi, RepoFile

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
        return self.api.model_info(self.name, revision=revision).sha

    def files(self, revision: str) -> dict[str, RepoFile]:
        """Return the files of a revision that zoo entries have; others are nobody's business here."""
        rows = self.api.list_repo_tree(self.name, recursive=True, revision=revision)
        return {row.path: row for row in rows if is_entry_file(row.path)}

    def pull_requests(self, author: str, title: str) -> list[Discussion]:
        """Return the open pull requests of a user with this title."""
        found = self.api.get_repo_discussions(
            self.name, author=author, discussion_type="pull_request", discussion_status="open"
        )
        return [discussion for discussion in found if discussion.title == title]
