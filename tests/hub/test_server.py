"""The stand-in answers the client of the Hub as medzoo relies on it."""

from contextlib import suppress

import pytest
from httpx2 import HTTPError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

SMALL, LARGE = b"small\n", bytes(range(256)) * 400
CARD = b"---\nlibrary_name: keras\nlicense: mit\ntags:\n- %b\n---\n# A model\n"


@pytest.fixture
def repo(hub):
    """Name of a repository with a small and a large file."""
    name = hub.new_repo("server")
    hub.api.create_repo(name)
    _commit(hub, name, {"recipe.json": SMALL, "model.onnx": LARGE})
    return name


@pytest.fixture
def no_wait(monkeypatch):
    """The client does not wait between its attempts."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def _commit(hub, repo, files, **keywords):
    adds = [CommitOperationAdd(path, content) for path, content in files.items()]
    return hub.api.create_commit(repo, adds, commit_message="Files", **keywords)


def _read(repo, path, folder, **keywords):
    with open(hf_hub_download(repo, path, local_dir=folder, **keywords), "rb") as file:
        return file.read()


@pytest.mark.parametrize(("path", "content"), [("recipe.json", SMALL), ("model.onnx", LARGE)])
def test_a_file_comes_back_at_branch_tag_and_commit(hub, repo, path, content, tmp_path):
    commit = hub.api.model_info(repo).sha
    hub.api.create_tag(repo, tag="v1")
    hub.api.create_branch(repo, branch="next")
    for revision in ("main", "v1", "next", commit):
        assert _read(repo, path, tmp_path / revision, revision=revision) == content
    refs = hub.api.list_repo_refs(repo)
    assert {ref.name: ref.target_commit for ref in refs.branches + refs.tags} == dict.fromkeys(
        ("main", "next", "v1"), commit
    )


def test_a_large_file_comes_from_another_origin_and_a_small_one_does_not(hub, repo, tmp_path):
    hub.forget()
    snapshot_download(repo, local_dir=tmp_path)
    asked = hub.requests()
    assert sum(line.startswith("GET /cdn/") for line in asked) == 1
    assert sum(line.startswith("GET /api/resolve-cache/") and line.endswith("/recipe.json") for line in asked) == 1


def test_the_tree_has_sizes_and_sha256(hub, repo):
    info = hub.api.model_info(repo, files_metadata=True)
    rows = {row.rfilename: row for row in info.siblings}
    assert (rows["recipe.json"].size, rows["recipe.json"].lfs) == (len(SMALL), None)
    assert (rows["model.onnx"].size, rows["model.onnx"].lfs.size) == (len(LARGE), len(LARGE))
    assert {row.path: row.size for row in hub.api.get_paths_info(repo, ["model.onnx", "absent"])} == {
        "model.onnx": len(LARGE)
    }


def test_equal_files_make_no_commit(hub, repo):
    before = hub.api.model_info(repo).sha
    hub.forget()
    assert _commit(hub, repo, {"recipe.json": SMALL, "model.onnx": LARGE}).oid == before
    assert not any("/commit/" in line or line.startswith("PUT") for line in hub.requests())


def test_a_commit_adds_changes_and_deletes(hub, repo):
    operations = [
        CommitOperationAdd("figures/curve.png", LARGE[:300]),
        CommitOperationAdd("recipe.json", b"other"),
        CommitOperationDelete("model.onnx"),
    ]
    hub.api.create_commit(repo, operations, commit_message="Change", commit_description="All at once")
    assert {".gitattributes", "figures/curve.png", "recipe.json"} == set(hub.api.list_repo_files(repo))
    latest, *earlier = hub.api.list_repo_commits(repo)
    assert (latest.title, latest.message, latest.authors) == ("Change", "All at once", ["tester"])
    assert len(earlier) == 2


def test_a_commit_on_an_old_parent_is_refused(hub, repo):
    before = hub.api.model_info(repo).sha
    _commit(hub, repo, {"recipe.json": b"other"})
    with pytest.raises(HfHubHTTPError, match="412"):
        _commit(hub, repo, {"recipe.json": b"third"}, parent_commit=before)


def test_a_pull_request_is_read_and_merged(hub, repo, tmp_path):
    request = _commit(hub, repo, {"recipe.json": b"other"}, create_pr=True)
    assert request.pr_url == f"{hub.url}/{repo}/discussions/1"
    assert _read(repo, "recipe.json", tmp_path / "main") == SMALL
    assert _read(repo, "recipe.json", tmp_path / "pr", revision="refs/pr/1") == b"other"
    hub.api.merge_pull_request(repo, 1)
    assert hub.api.get_discussion_details(repo, 1).status == "merged"
    assert _read(repo, "recipe.json", tmp_path / "merged") == b"other"


def test_a_private_repository_is_not_there_for_others(hub, repo):
    hub.api.update_repo_settings(repo, private=True)
    assert hub.api.model_info(repo).private
    for token in (False, "hf_stranger"):
        with pytest.raises(RepositoryNotFoundError):
            HfApi(hub.url, token=token).model_info(repo)
        assert repo not in [info.id for info in HfApi(hub.url, token=token).list_models()]


@pytest.mark.parametrize(("token", "status"), [("hf_wrong", "401"), ("hf_stranger", "403")])
def test_others_may_not_write(hub, repo, token, status):
    stranger = HfApi(hub.url, token=token)
    with pytest.raises(HfHubHTTPError, match=status):
        stranger.upload_file(path_or_fileobj=SMALL, path_in_repo="recipe.json", repo_id=repo)
    with pytest.raises(HfHubHTTPError, match=status):
        stranger.create_repo(hub.new_repo())


def test_what_is_not_there_has_its_own_error(hub, repo, tmp_path):
    cases = {
        EntryNotFoundError: (repo, "absent.json", "main"),
        RevisionNotFoundError: (repo, "recipe.json", "v9"),
        RepositoryNotFoundError: ("tester/absent", "recipe.json", "main"),
    }
    for error, (name, path, revision) in cases.items():
        with pytest.raises(error):
            hf_hub_download(name, path, revision=revision, local_dir=tmp_path)


def test_repositories_are_found_by_a_tag_of_their_card(hub):
    names = [hub.new_repo("listed") for _ in range(3)]
    for name, tag in zip(names, (b"medzoo-test", b"medzoo-test", b"other"), strict=True):
        hub.api.create_repo(name)
        _commit(hub, name, {"README.md": CARD % tag})
    found = list(hub.api.list_models(filter="medzoo-test", cardData=True))
    assert {info.id for info in found} == set(names[:2])
    assert found[0].card_data.license == "mit"
    assert found[0].library_name == "keras"


def test_a_card_whose_front_matter_is_no_yaml_is_refused(hub, repo):
    with pytest.raises(ValueError, match="Invalid YAML"):
        _commit(hub, repo, {"README.md": b"---\nlicense: [mit\n---\n"})


def test_repositories_are_moved_and_deleted(hub, repo):
    target = hub.new_repo()
    hub.api.move_repo(repo, target)
    assert not hub.api.repo_exists(repo)
    hub.api.delete_repo(target)
    assert not hub.api.repo_exists(target)
    assert hub.api.create_repo(target) == f"{hub.url}/{target}"
    assert hub.api.create_repo(target, exist_ok=True).repo_id == target


def test_a_download_that_is_cut_is_never_taken_for_whole(hub, repo, tmp_path, no_wait):
    arrived = []
    with hub.drop(seed=1):
        for number in range(20):
            with suppress(HTTPError, OSError):
                arrived.append(_read(repo, "model.onnx", tmp_path / str(number)))
    assert 0 < len(arrived) < 20
    assert set(arrived) == {LARGE}


def test_a_hub_that_is_down_answers_again_later(hub, repo):
    with hub.down(), pytest.raises(HTTPError):
        hub.api.model_info(repo)
    assert hub.api.model_info(repo).id == repo
