"""Publishing again: after nothing or something has changed, a broken connection, others in between."""

import shutil
from contextlib import ExitStack

import pytest
from huggingface_hub import HfApi

from medzoo.errors import IntegrityError
from medzoo.hub.publish import publish
from tests.hub.publishing.repositories import (
    another_version,
    break_at,
    files_of,
    names_at,
    rewrite,
    sent,
    titles,
    uploads,
)


# The files of a model are written anew each time.
@pytest.mark.parametrize("source", ["described_entry", "model"])
def test_what_is_unchanged_sends_nothing_and_returns_the_commit(hub, source, request):
    source, repo = request.getfixturevalue(source), hub.new_repo()
    first = publish(source, repo, tag="v1")
    hub.forget()
    assert publish(source, repo, tag="v1") == first
    assert publish(source, repo).commit == first.commit
    assert not sent(hub)


def test_second_version_does_not_send_the_weights_again(hub, entry):
    repo = hub.new_repo()
    publish(entry, repo)
    hub.forget()
    publish(another_version(entry), repo)
    assert not [request for request in hub.requests() if request.endswith("/objects/batch")]


def test_earlier_version_under_its_tag_is_found_and_not_put_on_top(hub, entry):
    repo = hub.new_repo()
    first = publish(entry, repo, tag="v1")
    kept = shutil.copytree(entry, entry.parent / "kept")
    second = publish(another_version(entry), repo, tag="v2")
    assert publish(kept, repo, tag="v1").commit == first.commit
    assert hub.api.model_info(repo).sha == second.commit


def test_pull_request_leaves_main_and_is_opened_once(hub, entry):
    repo = hub.new_repo()
    first = publish(entry, repo)
    another_version(entry)
    proposed = publish(entry, repo, create_pr=True)
    assert proposed.pull_request == f"{hub.url}/{repo}/discussions/1"
    assert hub.api.model_info(repo).sha == first.commit
    assert hub.api.model_info(repo, revision="refs/pr/1").sha == proposed.commit
    assert publish(entry, repo, create_pr=True) == proposed


def test_connection_lost_behind_the_weights_goes_on_without_sending_them_again(hub, entry, monkeypatch):
    repo, preupload = hub.new_repo(), HfApi.preupload_lfs_files
    with (entry / "model.onnx").open("ab") as file:
        # Protobuf takes a `doc_string` at the end; so the Hub has no such file yet.
        file.write(b"\x32\x04lost")
    rewrite(entry)
    with monkeypatch.context() as patch, ExitStack() as lost:

        def preupload_and_lose(*arguments, **options):
            preupload(*arguments, **options)
            lost.enter_context(hub.down())

        patch.setattr(HfApi, "preupload_lfs_files", preupload_and_lose)
        hub.forget()
        with pytest.raises(ConnectionError, match="Run it again: what has arrived is not sent again"):
            publish(entry, repo, tag="v1")
    assert uploads(hub)
    assert len(titles(hub, repo)) == 1
    hub.forget()
    published = publish(entry, repo, tag="v1")
    assert not uploads(hub)
    assert hub.api.model_info(repo, revision="v1").sha == published.commit


def test_connection_lost_behind_the_commit_goes_on_with_the_tag(hub, described_entry, monkeypatch):
    repo = hub.new_repo()
    with monkeypatch.context() as patch:
        break_at(patch, hub, "create_tag")
        with pytest.raises(ConnectionError, match="Run it again"):
            publish(described_entry, repo, tag="v1")
    commit = hub.api.model_info(repo).sha
    published = publish(described_entry, repo, tag="v1")
    assert published.commit == commit == hub.api.model_info(repo, revision="v1").sha
    assert len(titles(hub, repo)) == 2


def test_hub_that_is_down_is_a_connection_error_that_names_it(hub, described_entry):
    with hub.down(), pytest.raises(ConnectionError, match=f"{hub.url}.*Run it again"):
        publish(described_entry, hub.new_repo())


def test_commit_of_somebody_else_meanwhile_is_looked_at_anew(hub, with_curves, described_entry, monkeypatch):
    repo = hub.new_repo()
    publish(with_curves, repo)
    create_commit = HfApi.create_commit

    def second_to_come(self, *arguments, **options):
        monkeypatch.setattr(HfApi, "create_commit", create_commit)
        hub.api.upload_file(path_or_fileobj=b"Theirs.", path_in_repo="figures/theirs.png", repo_id=repo)
        return create_commit(self, *arguments, **options)

    monkeypatch.setattr(HfApi, "create_commit", second_to_come)
    published = publish(described_entry, repo)
    assert names_at(hub, repo, published.commit) == files_of(described_entry) | {".gitattributes"}
    assert len(titles(hub, repo)) == 4


def test_file_that_the_hub_leaves_out_is_missed(hub, described_entry, monkeypatch):
    repo, create_commit = hub.new_repo(), HfApi.create_commit

    def without_recipe(self, repo_id, operations, **options):
        # As a `.gitignore` of the repository does, without a word.
        kept = [operation for operation in operations if operation.path_in_repo != "recipe.json"]
        return create_commit(self, repo_id, kept, **options)

    monkeypatch.setattr(HfApi, "create_commit", without_recipe)
    with pytest.raises(IntegrityError, match=r"did not take recipe\.json into .*\.gitignore"):
        publish(described_entry, repo, tag="v1")
    assert not hub.api.list_repo_refs(repo).tags


def test_tag_of_somebody_else_meanwhile_is_told(hub, entry, monkeypatch):
    repo = hub.new_repo()
    first = publish(entry, repo)
    create_tag = HfApi.create_tag

    def second_to_come(self, *arguments, **options):
        create_tag(hub.api, repo, tag="v2", revision=first.commit)
        return create_tag(self, *arguments, **options)

    monkeypatch.setattr(HfApi, "create_tag", second_to_come)
    with pytest.raises(ValueError, match=f"Somebody else tagged {first.commit}"):
        publish(another_version(entry), repo, tag="v2")


def edit_card(hub, repo, text="---\nlicense: mit\n---\nAn edited card."):
    hub.api.upload_file(path_or_fileobj=text.encode(), path_in_repo="README.md", repo_id=repo)


def card_of(hub, repo):
    with open(hub.api.hf_hub_download(repo, "README.md")) as file:
        return file.read()


def test_edited_card_stays_where_the_entry_has_no_new_one(hub, described_entry, caplog):
    repo = hub.new_repo()
    publish(described_entry, repo)
    edit_card(hub, repo)
    publish(described_entry, repo, tag="v1")
    assert publish(described_entry, repo, tag="v1").tag == "v1"
    assert "An edited card." in card_of(hub, repo)
    assert "was edited there and stays" in caplog.text


def test_edited_card_is_not_overwritten_by_a_new_one_until_it_is_deleted(hub, entry):
    repo = hub.new_repo()
    publish(entry, repo)
    edit_card(hub, repo)
    another_version(entry)
    with pytest.raises(ValueError, match=r"README\.md of .* was edited there.*Nothing was sent"):
        publish(entry, repo)
    assert "An edited card." in card_of(hub, repo)
    hub.api.delete_file("README.md", repo)
    publish(entry, repo)
    assert "a second time" in card_of(hub, repo)
