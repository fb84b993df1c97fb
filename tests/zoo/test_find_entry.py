import shutil

import pytest

import medzoo
from medzoo.entry import read_manifest
from medzoo.errors import IntegrityError
from medzoo.zoo.find import find_entry
from medzoo.zoo.load import load_recipe


@pytest.fixture
def cached(tiny_entry, home):
    """The cache, which holds one entry."""
    shutil.copytree(tiny_entry, home / "tiny-unet")
    return home


@pytest.fixture(scope="module")
def published(hub, saved_entry):
    """A repository of an entry, with the tag v1, and its only commit."""
    repo = hub.new_repo("registry")
    hub.api.create_repo(repo)
    commit = hub.api.upload_folder(repo_id=repo, folder_path=saved_entry).oid
    hub.api.create_tag(repo, tag="v1")
    return repo, commit


@pytest.fixture
def row(published, saved_entry, monkeypatch):
    """The row of that repository in the registry, under the name "far-unet"."""
    files = {name: file for name, file in read_manifest(saved_entry)["files"].items() if name != "README.md"}
    row = {"name": "far-unet", "repo": published[0], "revision": published[1], "files": files}
    monkeypatch.setattr("medzoo.zoo.find.registry_rows", lambda: {"far-unet": row})
    return row


def test_an_entry_in_the_cache_is_found_by_name(cached):
    assert find_entry("tiny-unet") == cached / "tiny-unet"


def test_an_unknown_name_lists_near_matches_and_the_command(cached):
    with pytest.raises(ValueError, match=r"'tiny-unett'. Did you mean 'tiny-unet'.*medzoo list"):
        medzoo.load("tiny-unett")


def test_a_name_is_not_taken_for_an_unrelated_folder_of_the_working_directory(cached, tmp_path, monkeypatch):
    (tmp_path / "work" / "tiny-unet").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    assert find_entry("tiny-unet") == cached / "tiny-unet"


@pytest.mark.parametrize("how", ["{}", "{}@v1", "{}@{}"])
def test_a_repository_is_found_on_the_hub_at_any_revision(published, home, how):
    assert find_entry(how.format(*published)).name == published[1]


def test_a_revision_may_stand_behind_the_name_or_beside_it_but_not_both(published, home):
    assert find_entry(published[0], "v1") == find_entry(f"{published[0]}@v1")
    with pytest.raises(ValueError, match="Give one revision"):
        find_entry(f"{published[0]}@v1", "v1")


def test_a_folder_comes_before_a_repository_of_its_name(hub, published, tiny_entry, tmp_path, monkeypatch):
    repo = published[0]
    shutil.copytree(tiny_entry, tmp_path / repo)
    monkeypatch.chdir(tmp_path)
    hub.forget()
    assert medzoo.load(repo).task.labels == ("background", "lesion")
    assert hub.requests() == []


def test_a_file_or_another_folder_that_is_there_is_no_repository(hub, published, home, tmp_path, monkeypatch):
    (tmp_path / published[0]).mkdir(parents=True)
    (tmp_path / "tester" / "model.bin").touch()
    monkeypatch.chdir(tmp_path)
    hub.forget()
    for name in (published[0], "tester/model.bin"):
        with pytest.raises(FileNotFoundError, match=f"{name} is not a zoo entry"):
            medzoo.load(name)
    assert hub.requests() == []


def test_what_is_neither_folder_nor_repository_says_so(hub, home):
    with pytest.raises(FileNotFoundError, match=r"no folder runs/tumr here.* no repository runs/tumr"):
        find_entry("runs/tumr")


def test_a_name_of_the_registry_is_fetched_as_pinned_and_then_found_without_a_request(hub, row, home):
    folder = find_entry("far-unet")
    assert folder.name == row["revision"]
    hub.forget()
    assert find_entry("far-unet") == folder
    assert hub.requests() == []


def test_another_file_than_the_registry_knows_is_refused(row, home):
    row["files"] = {**row["files"], "config.json": {"sha256": "0" * 64, "size": 1}}
    with pytest.raises(IntegrityError, match=r"config\.json"):
        find_entry("far-unet")
    # Whoever names a version asks for what that one has.
    assert find_entry("far-unet@v1").name == row["revision"]


def test_an_entry_on_this_machine_comes_before_the_registry(hub, row, home, tiny_entry):
    shutil.copytree(tiny_entry, home / "far-unet")
    hub.forget()
    assert find_entry("far-unet") == home / "far-unet"
    assert hub.requests() == []
    assert find_entry("far-unet", "v1").name == row["revision"]


def test_a_name_without_repository_has_no_revisions(cached):
    with pytest.raises(ValueError, match=r"Only a model of the Hub has revisions.*'tiny-unet' at 'v1'"):
        find_entry("tiny-unet", "v1")


def test_the_recipe_of_a_repository_is_fetched_without_its_networks(hub, published, home, tiny_recipe):
    hub.forget()
    assert load_recipe(f"{published[0]}@v1") == tiny_recipe
    assert not [request for request in hub.requests() if "model." in request]
