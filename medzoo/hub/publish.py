"""Models and zoo entries to the Hugging Face Hub."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.entry import CARD, ESTIMATOR_FILE, MANIFEST, METADATA, ONNX, Entry, read_entry, read_manifest, sha256
from medzoo.entry.safety import check_files
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import with_interval
from medzoo.hub.upload import Publication, check_target, upload
from medzoo.leftovers import scratch_folder
from medzoo.recipe import Recipe
from medzoo.zoo.card.check import check_card
from medzoo.zoo.find import find_entry
from medzoo.zoo.save import read_evaluation, write_model, write_words

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, RepoFile

    from medzoo.estimators.model import EstimatorModel
    from medzoo.zoo_model import ZooModel

# They hold the time, or names that are drawn anew, whenever the same model is saved; weights, golden output and scores
# beside them do not.
_WRITTEN_ANEW = (METADATA, ONNX, ESTIMATOR_FILE, MANIFEST)


def publish(
    model_or_folder: ZooModel | EstimatorModel | str | os.PathLike,
    repo_id: str,
    private: bool = False,
    revision: str | None = None,
    tag: str | None = None,
    create_pr: bool = False,
    evaluation: Evaluation | str | os.PathLike | None = None,
) -> Publication:
    """Publish a model with its card to the Hugging Face Hub: one commit, and a tag for the version.

    Log in once with `hf auth login`. First the card is checked: it must name the licence, the data and its licence,
    the intended use, and hold scores on a test split; all that is missing is listed, and nothing is sent. Only files
    that zoo entries have are sent: no logs, no scans, no names of files or patients. Files of the repository that no
    entry has stay as they are; so does a card that was edited there, as long as this entry has no new one. It may be
    repeated after a broken connection or at any time: what the Hub has is not sent again.

    Args:
        model_or_folder: A model, or the folder of a zoo entry or of a run.
        repo_id: `"owner/name"`; the repository is made if there is none.
        private: Whether only its owners may see it. A private repository stays private without it, too.
        revision: Branch to commit to, made from `main` if there is none; None for `main`.
        tag: Name of this version, such as `"v1"`, for `medzoo.load("owner/name", revision="v1")`.
        create_pr: Whether to propose the commit in a pull request, which takes no right to write.
        evaluation: Scores on a test split, or the folder that `medzoo evaluate` wrote; None for those of the model.

    Returns:
        URL, commit, tag and pull request.

    Raises:
        ValueError: Words or scores are missing, the card was edited on the Hub and would be overwritten, the tag
            names another version, `private` is asked of a public repository, or a name is none that the Hub takes.
        FileNotFoundError: The folder holds no zoo entry, or `evaluation` no evaluation.
        IntegrityError: A file of the entry was changed.
        PermissionError: There is no token, or it may not write there.
        ConnectionError: The connection broke; run it again.

    Example:
        >>> medzoo.publish(model, "me/my-tumor-unet", tag="v1", evaluation=evaluation).url  # doctest: +SKIP
        'https://huggingface.co/me/my-tumor-unet'
    """
    check_target(repo_id, revision, tag, create_pr)
    if isinstance(evaluation, str | os.PathLike):
        evaluation = read_evaluation(evaluation)
    uncompared: tuple[str, ...] = ()
    with scratch_folder("publish") as folder:
        if isinstance(model_or_folder, str | os.PathLike):
            _copy(read_entry(find_entry(model_or_folder)), folder, evaluation, repo_id)
        else:
            _write(model_or_folder, folder, evaluation, repo_id)
            uncompared = _WRITTEN_ANEW
        entry = read_entry(folder)
        check_files(folder, [*entry.manifest["files"], MANIFEST])
        shipment = Shipment(folder, _message(entry, tag), uncompared)
        return upload(shipment, repo_id, private, revision, tag, create_pr)


def _copy(entry: Entry, folder: Path, evaluation: Evaluation | None, repo: str) -> None:
    """Copy the files that the manifest lists, and no others."""
    recorded = Evaluation.from_json(entry.evaluation) if entry.evaluation else None
    _check(entry.recipe, evaluation or recorded)
    for name in entry.manifest["files"]:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(entry.folder / name, folder / name)
    write_words(folder, entry.recipe, entry.manifest, evaluation, repo)


def _write(model: Any, folder: Path, evaluation: Evaluation | None, repo: str) -> None:
    if not isinstance(getattr(model, "recipe", None), Recipe):
        raise TypeError(
            "Expected a medzoo model, or the folder of a zoo entry or of a run. "
            f"Received: {type(model).__name__}. Give a Keras model a recipe: medzoo.ZooModel.wrap(model, recipe)."
        )
    evaluation = evaluation or model.evaluation
    _check(model.recipe, evaluation)
    write_model(model, folder, evaluation, repo=repo)


def _check(recipe: Recipe, evaluation: Evaluation | None) -> None:
    check_card(recipe, evaluation)
    if evaluation and (evaluation.task, evaluation.labels) != (recipe.task.name, recipe.task.labels):
        raise ValueError(
            f"`evaluation` must be of this model, a {recipe.task.name} of {', '.join(recipe.task.labels)}. "
            f"Received: one of a {evaluation.task} of {', '.join(evaluation.labels)}."
        )


def _message(entry: Entry, tag: str | None) -> str:
    """Return the commit's message: which version scores how, on what, and what wrote it."""
    recipe = entry.recipe
    title = f"{recipe.name}{f' {tag}' if tag else ''}, {recipe.task.name}"
    lines = [f"Written by medzoo {entry.manifest['medzoo']}."]
    if entry.evaluation:
        evaluation = Evaluation.from_json(entry.evaluation)
        name, data = entry.manifest["score"], evaluation.data
        if name in evaluation.scores:
            value, interval = with_interval(evaluation.scores[name])
            title += f": {name} {value} ({interval})"
        lines.insert(0, f"{data['name'] or 'Unnamed data'}, {data['split']} split, {evaluation.n_cases} cases.")
    return "\n".join([title, "", *lines])


@dataclass(frozen=True)
class Shipment:
    """A zoo entry to send.

    Args:
        folder: The entry.
        message: Of the commit; its first line is the title.
        uncompared: Files that have other bytes whenever they are written; where all others are, these are taken to be.
        kept: Files that stay as the repository has them.
    """

    folder: Path
    message: str
    uncompared: Collection[str] = ()
    kept: Collection[str] = ()

    @property
    def names(self) -> set[str]:
        """Names of the files that are sent: the manifest and those that it lists."""
        return {*read_manifest(self.folder)["files"], MANIFEST}

    @property
    def title(self) -> str:
        """First line of the message."""
        return self.message.partition("\n")[0]

    @property
    def description(self) -> str:
        """The message behind its first line."""
        return self.message.partition("\n")[2].strip()

    def is_in(self, stored: Mapping[str, RepoFile]) -> bool:
        """Return whether the files of a revision are exactly those of this entry."""
        return stored.keys() == self.names and self._changed(stored) <= {*self.uncompared}

    def operations(self, stored: Mapping[str, RepoFile]) -> list[CommitOperationAdd | CommitOperationDelete]:
        """Return what makes the files of a revision those of this entry.

        Raises:
            ValueError: They are of a model that medzoo did not write.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        foreign = stored.keys() - {CARD}
        if foreign and MANIFEST not in stored:
            raise ValueError(
                f"The repository holds a model that medzoo did not write: it has {min(foreign)} and no {MANIFEST}. "
                "Choose another `repo_id`, or delete its files first. Nothing was sent."
            )
        additions = [CommitOperationAdd(name, self.folder / name) for name in sorted(self._changed(stored))]
        return [*additions, *(CommitOperationDelete(name) for name in sorted(stored.keys() - self.names))]

    def _changed(self, stored: Mapping[str, RepoFile]) -> set[str]:
        # huggingface_hub skips unchanged files, too, but of the large ones not before it has asked to send them.
        return {name for name in self.names if name not in stored or not self.has(stored[name])}

    def has(self, stored: RepoFile) -> bool:
        """Return whether a file of a repository is the one of this entry, or stays in its place."""
        """Return whether a file of a repository is the one of this entry, or stays in its place."""
        return stored.path in self.kept or _is_same(stored, self.folder / stored.path)


def _is_same(stored: RepoFile, path: Path) -> bool:
    if stored.size != path.stat().st_size:
        return False
    if stored.lfs:
        return stored.lfs.sha256 == sha256(path)
    content = path.read_bytes()
    # The name that git gives to a file.
    return stored.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
