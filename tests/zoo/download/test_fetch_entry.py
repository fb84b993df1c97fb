"""Entries of the Hub in the cache."""

import json
import logging

import huggingface_hub
import pytest

import medzoo
from medzoo.entry import MANIFEST, read_manifest
from medzoo.errors import IntegrityError
from medzoo.zoo.download.fetch import fetch_files
from medzoo.zoo.download.revisions import cache_of, is_hub_name, origin, resolve
from medzoo.zoo.find import find_entry

KERAS = {"config.json", "metadata.json", "model.weights.h5"}
DESCRIPTION = {MANIFEST, "README.md", "recipe.json"}

pytestmark = pytest.mark.usefixtures("no_wait")


def upload(hub, folder, repo=None, **options):
    """Put the files of a folder on the Hub as they are, and return the repository and the commit."""
    repo = repo or hub.new_repo("fetched")
    hub.api.create_repo(repo, exist_ok=True)
    return repo, hub.api.upload_folder(repo_id=repo, folder_path=folder, **options).oid


@pytest.fixture(scope="module")
def published(hub, saved_entry):
    """An entry on the Hub that no test changes, and its only commit."""
    return upload(hub, saved_entry)


def files_in(folder):
    return {path.name for path in folder.iterdir()}


def asked_for(hub, *names):
    """Return which of these files were asked for."""
    paths = [request.partition(" ")[2] for request in hub.requests()]
    return {name for name in names if any(path.endswith(f"/{name}") for path in paths)}


def break_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_only_what_keras_needs_is_fetched(published, home):
    assert files_in(find_entry(published[0])) == DESCRIPTION | KERAS


def test_another_engine_adds_its_own_file_only(hub, published, home, saved_entry):
    if not (saved_entry / "model.onnx").is_file():
        pytest.skip("Keras cannot export ONNX on this backend.")
    folder = find_entry(published[0], engine="onnx")
    assert files_in(folder) == DESCRIPTION | {"model.onnx", "golden.npz"}
    hub.forget()
    assert find_entry(published[0], golden=True) == folder
    assert files_in(folder) == DESCRIPTION | KERAS | {"model.onnx", "golden.npz"}
    assert not asked_for(hub, "model.onnx", "recipe.json")


def test_a_description_needs_no_network(published, home):
    assert files_in(find_entry(published[0], engine=None)) == DESCRIPTION


def test_the_folder_is_that_of_the_commit_and_knows_where_it_comes_from(published, home):
    repo, commit = published
    folder = find_entry(repo)
    assert folder == home / "hub" / repo.replace("/", "--") / commit
    assert origin(folder) == f"{repo}@{commit}"
    assert origin(home / "brain-tumor-unet") is None


def test_a_commit_in_the_cache_is_not_asked_for(hub, published, home):
    folder = find_entry(*published)
    hub.forget()
    assert find_entry(*published) == folder
    assert hub.requests() == []


def test_a_branch_in_the_cache_is_asked_for_its_commit_only(hub, published, home):
    find_entry(published[0])
    hub.forget()
    find_entry(published[0])
    assert hub.requests() == [f"GET /api/models/{published[0]}/revision/main"]


def test_a_complete_cache_is_only_read(published, home, monkeypatch):
    find_entry(published[0])
    for name in ("fetch.FileLock", "revisions.FileLock", "revisions.write_json"):
        monkeypatch.setattr(f"medzoo.zoo.download.{name}", lambda *_: pytest.fail("something was written"))
    find_entry(published[0])


def test_a_branch_that_moved_is_fetched_anew_and_a_tag_stays(hub, tiny_entry, home):
    repo, first = upload(hub, tiny_entry)
    hub.api.create_tag(repo, tag="v1")
    find_entry(repo)
    _, second = upload(hub, tiny_entry, repo, path_in_repo="figures", allow_patterns="README.md")
    assert find_entry(repo).name == second
    assert find_entry(repo, "v1").name == first


def test_the_commit_of_a_branch_is_remembered_while_the_hub_is_down(hub, published, home, caplog):
    folder = find_entry(published[0])
    with hub.down():
        assert find_entry(published[0]) == folder
    assert "is taken, as fetched last for 'main'" in caplog.text


def test_a_commit_that_never_arrived_is_not_remembered(hub, tiny_entry, home, monkeypatch):
    repo, first = upload(hub, tiny_entry)
    find_entry(repo)
    upload(hub, tiny_entry, repo, path_in_repo="figures", allow_patterns="README.md")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(huggingface_hub, "hf_hub_download", fail)
        find_entry(repo)
    with hub.down():
        assert resolve(repo) == first


def fail(*_, **__):
    raise OSError(28, "full")


def test_offline_the_cache_serves_and_the_rest_says_why_not(published, home, monkeypatch, caplog):
    folder = find_entry(published[0])
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert find_entry(published[0]) == folder
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    with pytest.raises(ConnectionError, match=r"HF_HUB_OFFLINE.* knows none for 'v2'"):
        find_entry(published[0], "v2")


def test_a_hub_that_is_not_reached_is_a_connection_error(hub, published, home):
    with hub.down(), pytest.raises(ConnectionError, match=r"tester--.*Try again: what has arrived is kept"):
        find_entry(*published)
    assert find_entry(*published).is_dir()


@pytest.mark.parametrize("name", ["model.weights.h5", MANIFEST])
def test_a_file_of_the_cache_that_was_damaged_is_fetched_again(hub, published, home, name):
    folder = find_entry(*published)
    break_byte(folder / name)
    hub.forget()
    find_entry(*published)
    assert read_manifest(folder)
    assert asked_for(hub, *DESCRIPTION, *KERAS) == {name}
    hub.forget()
    find_entry(*published)
    assert hub.requests() == []


def test_what_a_killed_process_left_is_not_taken(published, home):
    repo, commit = published
    leftover = home / "hub" / repo.replace("/", "--") / f".{commit}"
    leftover.mkdir(parents=True)
    (leftover / "model.weights.h5").write_bytes(b"half")
    folder = find_entry(repo)
    assert (folder / "model.weights.h5").stat().st_size > 4
    assert not leftover.exists()


def test_after_a_broken_download_the_next_call_fetches_the_rest(hub, published, home, monkeypatch):
    repo, commit = published
    whole = huggingface_hub.hf_hub_download

    def breaking(repo, name, **options):
        return fail() if name == "model.weights.h5" else whole(repo, name, **options)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(huggingface_hub, "hf_hub_download", breaking)
        find_entry(repo)
    folder = home / "hub" / repo.replace("/", "--") / commit
    arrived = files_in(folder)
    assert MANIFEST in arrived
    assert "model.weights.h5" not in arrived
    hub.forget()
    find_entry(repo)
    assert not asked_for(hub, *arrived)


def test_a_repository_that_is_missing_or_private_says_how_to_log_in(hub, home, tiny_entry, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"no repository tester/none .*hf auth login"):
        find_entry("tester/none")
    repo, _ = upload(hub, tiny_entry)
    hub.api.update_repo_settings(repo, private=True)
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    with pytest.raises(FileNotFoundError, match="or it is private"):
        find_entry(repo)


def test_a_wrong_token_is_refused_and_not_shown(published, home, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(PermissionError, match="hf auth login") as caught:
        find_entry(published[0])
    assert "hf_wrong" not in str(caught.value)


def test_an_unknown_revision_lists_near_ones(hub, tiny_entry, home):
    repo, _ = upload(hub, tiny_entry)
    hub.api.create_tag(repo, tag="v1.0")
    with pytest.raises(ValueError, match=r"Unknown revision of tester/.* 'v1'. Did you mean 'v1.0'.*main"):
        find_entry(repo, "v1")
    with pytest.raises(FileNotFoundError, match="no such branch, tag or commit"):
        find_entry(repo, "0" * 40)


def test_a_repository_without_manifest_holds_no_entry(hub, tiny_entry, home):
    (tiny_entry / MANIFEST).unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no zoo entry: it has no medzoo\.json"):
        find_entry(upload(hub, tiny_entry)[0])


def test_a_manifest_that_is_too_large_is_not_downloaded(hub, tiny_entry, home):
    (tiny_entry / MANIFEST).write_bytes(b" " * 1_000_001)
    repo, _ = upload(hub, tiny_entry, allow_patterns=MANIFEST)
    hub.forget()
    with pytest.raises(IntegrityError, match="too large: expected at most 1,000,000 bytes"):
        find_entry(repo)
    assert not asked_for(hub, MANIFEST)


def test_a_file_whose_sha256_the_hub_gives_otherwise_is_not_downloaded(hub, tiny_entry, home):
    break_byte(tiny_entry / "model.weights.h5")
    repo, _ = upload(hub, tiny_entry)
    hub.forget()
    with pytest.raises(IntegrityError, match=r"model\.weights\.h5 of tester/"):
        find_entry(repo)
    assert not asked_for(hub, "model.weights.h5")


def test_a_file_that_arrives_otherwise_is_not_kept(hub, tiny_entry, home):
    break_byte(tiny_entry / "config.json")
    repo, commit = upload(hub, tiny_entry)
    with pytest.raises(IntegrityError, match=r"config\.json of tester/.*It was not kept"):
        find_entry(repo)
    assert not (home / "hub" / repo.replace("/", "--") / commit / "config.json").exists()


def test_a_file_that_the_repository_lacks_is_named(hub, tiny_entry, home):
    (tiny_entry / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks the file config\.json"):
        find_entry(upload(hub, tiny_entry)[0])


def test_other_files_than_the_pinned_ones_are_refused_before_they_are_fetched(hub, published, home, saved_entry):
    pinned = {name: file for name, file in read_manifest(saved_entry)["files"].items() if name != "README.md"}
    other = {**pinned, "model.weights.h5": {"sha256": "0" * 64, "size": 1}}
    folder = cache_of(published[0]) / published[1]
    hub.forget()
    for _ in range(2):
        with pytest.raises(
            IntegrityError, match=r"model\.weights\.h5 of tester/.* is not the one that this medzoo knows"
        ):
            fetch_files(published[0], folder, pinned=other)
    assert not asked_for(hub, *KERAS)
    assert fetch_files(published[0], folder, pinned=pinned)["files"].keys() > pinned.keys()


def test_an_answer_that_is_no_commit_names_no_folder(published, home, monkeypatch):
    answer = type("Answer", (), {"sha": "../../../etc"})
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: answer)
    with pytest.raises(ConnectionError, match="which is no commit"):
        find_entry(published[0])


def test_a_list_of_commits_that_is_damaged_counts_as_none(hub, published, home):
    find_entry(published[0])
    path = home / "hub" / published[0].replace("/", "--") / "refs.json"
    path.write_text(json.dumps({"main": "../../secrets"}))
    with hub.down(), pytest.raises(ConnectionError, match="knows none for 'main'"):
        find_entry(published[0])
    path.write_text("{")
    assert find_entry(published[0]).is_dir()
    assert json.loads(path.read_text()) == {"main": published[1]}


@pytest.mark.parametrize("name", ["me/x", "Me_1/tumor-unet.v2", "a/b"])
def test_names_of_repositories(name):
    assert is_hub_name(name)


@pytest.mark.parametrize(
    "name", ["x", "/x", "x/", "a/b/c", "../x", "a/..", "a--b/c", "a/b.git", ".a/b", "a/b-", "a b/c", "a\\b/c", "ä/b"]
)
def test_what_is_no_name_of_a_repository(name):
    assert not is_hub_name(name)


@pytest.mark.parametrize("text", ["An edited card.", "", None], ids=["edited", "emptied", "deleted"])
def test_card_that_was_edited_on_the_hub_does_not_block_the_model(hub, saved_entry, home, text):
    repo = hub.new_repo()
    hub.api.create_repo(repo)
    hub.api.upload_folder(repo_id=repo, folder_path=saved_entry)
    if text is None:
        hub.api.delete_file("README.md", repo)
    else:
        hub.api.upload_file(path_or_fileobj=text.encode() or b"\n", path_in_repo="README.md", repo_id=repo)
    folder = find_entry(repo)
    assert medzoo.load(repo).task.name == "segmentation"
    if text:
        assert (folder / "README.md").read_text() == text
        hub.forget()
        find_entry(repo, revision=folder.name)
        assert not hub.requests()
    with hub.down():
        assert find_entry(repo, revision=folder.name) == folder
