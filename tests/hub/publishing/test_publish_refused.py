"""What is refused, and that nothing is sent then."""

import logging
from dataclasses import replace

import pytest

from medzoo.errors import IntegrityError
from medzoo.hub.publish import publish
from tests.hub.publishing.repositories import another_version, sent


def test_tag_of_another_version_is_refused_before_anything_is_sent(hub, entry):
    repo = hub.new_repo()
    first = publish(entry, repo, tag="v1")
    another_version(entry)
    hub.forget()
    with pytest.raises(ValueError, match=rf"another version as 'v1', at {first.commit}.*it has: v1"):
        publish(entry, repo, tag="v1")
    assert not sent(hub)


def test_private_is_refused_where_the_repository_is_public(hub, described_entry):
    repo = hub.new_repo()
    hub.api.create_repo(repo)
    hub.forget()
    with pytest.raises(ValueError, match="is public, and `private` is asked for"):
        publish(described_entry, repo, private=True)
    assert not sent(hub)


def test_missing_words_and_scores_are_listed_without_a_request(hub, saved_entry):
    hub.forget()
    with pytest.raises(ValueError, match=r"(?s)card\.license.*card\.data\.source.*card\.intended_use.*test split"):
        publish(saved_entry, hub.new_repo())
    assert not hub.requests()


def test_evaluation_of_other_labels_is_refused(hub, described_entry, evaluation):
    other = replace(evaluation, labels=("background", "tumor"))
    with pytest.raises(ValueError, match="must be of this model, a segmentation of background, lesion"):
        publish(described_entry, hub.new_repo(), evaluation=other)


def test_changed_file_is_refused_without_a_request(hub, entry):
    (entry / "golden.npz").write_bytes(b"other")
    hub.forget()
    with pytest.raises(IntegrityError, match=r"golden\.npz was changed"):
        publish(entry, hub.new_repo())
    assert not hub.requests()


def test_repository_with_a_model_of_others_is_refused(hub, described_entry):
    repo = hub.new_repo()
    hub.api.create_repo(repo)
    hub.api.upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id=repo)
    with pytest.raises(ValueError, match=r"a model that medzoo did not write: it has config\.json"):
        publish(described_entry, repo)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repo_id": "tumor-unet"}, "must be 'owner/name'"),
        ({"repo_id": "me/../tumor"}, "must be 'owner/name'"),
        ({"tag": "v 1"}, "`tag` must be a name"),
        ({"tag": "0" * 40}, "`tag` must be a name"),
        ({"tag": "v1..2"}, "`tag` must be a name"),
        ({"revision": "refs/pr/1"}, "`revision` must be a name"),
        ({"revision": "0123456789" * 4}, "`revision` must be a name"),
        ({"create_pr": True, "tag": "v1"}, "takes neither"),
        ({"create_pr": True, "revision": "trial"}, "takes neither"),
    ],
)
def test_names_that_the_hub_does_not_take_are_refused_first(described_entry, options, message):
    with pytest.raises(ValueError, match=message):
        publish(described_entry, **{"repo_id": "me/tumor", **options})


@pytest.mark.parametrize("tag", ["main", "trial"])
def test_tag_with_the_name_of_a_branch_is_refused(hub, described_entry, tag):
    repo = hub.new_repo()
    publish(described_entry, repo, revision="trial")
    with pytest.raises(ValueError, match=f"has a branch '{tag}'"):
        publish(described_entry, repo, tag=tag)


def test_branch_with_the_name_of_a_tag_is_refused(hub, described_entry):
    repo = hub.new_repo()
    publish(described_entry, repo, tag="v1")
    with pytest.raises(ValueError, match="has a tag 'v1'"):
        publish(described_entry, repo, revision="v1")


def test_foreign_object_is_a_type_error():
    with pytest.raises(TypeError, match=r"Received: list.*ZooModel\.wrap"):
        publish([1], "me/tumor")


def test_without_a_token_the_login_is_named(hub, described_entry, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(PermissionError, match="hf auth login"):
        publish(described_entry, hub.new_repo())


@pytest.mark.parametrize("token", ["hf_wrong", "hf_stranger"])
def test_token_that_may_not_write_is_refused_and_never_shown(hub, described_entry, monkeypatch, caplog, capfd, token):
    repo = hub.new_repo()
    hub.api.create_repo(repo)
    monkeypatch.setenv("HF_TOKEN", token)
    with caplog.at_level(logging.DEBUG), pytest.raises(PermissionError) as caught:
        publish(described_entry, repo)
    assert token not in f"{caught.value} {caught.value.__cause__} {caplog.text} {capfd.readouterr()}"


def test_token_is_not_in_what_a_publication_says(hub, described_entry, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        published = publish(described_entry, hub.new_repo(), tag="v1")
    assert "hf_test" not in f"{published} {caplog.text} {capfd.readouterr()}"
