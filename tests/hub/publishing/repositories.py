"""What tests of publishing ask of a repository, and do to an entry."""

from huggingface_hub import HfApi

from medzoo.entry import read_entry, read_manifest
from medzoo.recipe import Recipe
from medzoo.zoo.save import attach_evaluation, write_words

SENDING = ("POST", "PUT", "DELETE")


def names_at(hub, repo, revision=None):
    rows = hub.api.list_repo_tree(repo, recursive=True, revision=revision)
    return {row.path for row in rows if hasattr(row, "size")}


def titles(hub, repo, revision=None):
    return [commit.title for commit in hub.api.list_repo_commits(repo, revision=revision)]


def files_of(entry):
    return {*read_entry(entry).manifest["files"], "medzoo.json"}


def sent(hub):
    return [request for request in hub.requests() if request.startswith(SENDING)]


def uploads(hub):
    return [request for request in hub.requests() if request.startswith("PUT")]


def rewrite(entry):
    """Let the manifest tell of files as they are now."""
    manifest = read_manifest(entry)
    write_words(entry, Recipe.load(entry / "recipe.json"), manifest)


def another_version(folder):
    attach_evaluation(folder, words={"summary": "Finds drawn lesions a second time."})
    return folder


def break_at(monkeypatch, hub, method):
    """Let the connection be lost from the call of a method of the client on."""
    original = getattr(HfApi, method)

    def broken(*arguments, **options):
        with hub.down():
            return original(*arguments, **options)

    monkeypatch.setattr(HfApi, method, broken)
