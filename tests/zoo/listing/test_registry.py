import json
import shutil

import pytest

from medzoo.hub.publish import publish
from medzoo.zoo import find
from medzoo.zoo.find import find_entry, registry_rows
from medzoo.zoo.listing.models import entry_row
from tests.test_architecture import HEAVY, loaded_after
from tools import registry
from tools.registry import current_rows, table

COMMIT = 40 * "a"


@pytest.fixture
def checkout(tiny_entry, tmp_path, monkeypatch):
    """A checkout whose zoo has one entry."""
    (tmp_path / "checkout" / "zoo_cards").mkdir(parents=True)
    shutil.copytree(tiny_entry, tmp_path / "checkout" / "zoo_cards" / "tiny-unet")
    (tmp_path / "checkout" / "README.md").write_text("before\n<!-- models -->\n<!-- /models -->\nbehind\n")
    monkeypatch.setattr(find, "REGISTRY", tmp_path / "checkout" / "zoo_cards" / "registry.json")
    monkeypatch.setattr(registry, "README", tmp_path / "checkout" / "README.md")
    return tmp_path / "checkout"


def test_the_registry_is_current():
    assert list(registry_rows().values()) == current_rows(), "Write it anew: python -m tools.registry"


def test_rows_are_read_without_anything_heavy():
    code = "from medzoo.zoo.find import registry_rows\nassert registry_rows()"
    assert not loaded_after(code) & (HEAVY | {"huggingface_hub", "h5py", "onnxruntime"})


def test_a_row_says_what_the_manifest_says(tiny_entry):
    row, manifest = entry_row(tiny_entry), json.loads((tiny_entry / "medzoo.json").read_text())
    assert (row["name"], row["task"], row["score"]) == ("tiny-unet", "segmentation", None)
    assert row["parameters"] == manifest["parameters"]
    assert row["files"] == {name: facts for name, facts in manifest["files"].items() if name != "README.md"}


def test_the_command_writes_registry_and_table(checkout):
    registry.main([])
    assert list(registry_rows()) == ["tiny-unet"]
    before, *rows, behind = (checkout / "README.md").read_text().splitlines()
    assert (before, behind) == ("before", "behind")
    assert rows[3].startswith("| [tiny-unet](zoo_cards/tiny-unet/README.md) | segmentation |")


def test_a_place_on_the_hub_is_set_and_kept(checkout):
    registry.main([f"tiny-unet=me/unet@{COMMIT}"])
    registry.main([])
    row = registry_rows()["tiny-unet"]
    assert (row["repo"], row["revision"]) == ("me/unet", COMMIT)


def test_an_entry_that_changed_is_no_longer_the_one_on_the_hub(checkout):
    registry.main([f"tiny-unet=me/unet@{COMMIT}"])
    rows = registry_rows()
    rows["tiny-unet"]["files"]["recipe.json"]["sha256"] = 64 * "0"
    find.REGISTRY.write_text(json.dumps(list(rows.values())))
    (row,) = current_rows()
    assert (row["repo"], row["revision"]) == (None, None)


def test_a_row_on_the_hub_stays_without_its_folder(checkout):
    registry.main([f"tiny-unet=me/unet@{COMMIT}"])
    shutil.rmtree(checkout / "zoo_cards" / "tiny-unet")
    registry.main([])
    assert list(registry_rows()) == ["tiny-unet"]
    assert "[tiny-unet](https://huggingface.co/me/unet)" in (checkout / "README.md").read_text()


def test_a_row_that_is_nowhere_goes(checkout):
    registry.main([])
    shutil.rmtree(checkout / "zoo_cards" / "tiny-unet")
    assert current_rows() == []


@pytest.mark.parametrize("pin", ["tiny-unet", "tiny-unet=me/unet", "tiny-unet=me/unet@v1", f"tiny-unet=unet@{COMMIT}"])
def test_a_place_of_another_form_is_refused_and_nothing_written(pin, checkout):
    with pytest.raises(ValueError, match="NAME=owner/name@COMMIT"):
        registry.main([pin])
    assert not find.REGISTRY.exists()


def test_a_place_of_an_unknown_model_lists_near_matches(checkout):
    with pytest.raises(ValueError, match="'tiny-unett'. Did you mean 'tiny-unet'"):
        current_rows([f"tiny-unett=me/unet@{COMMIT}"])


def test_a_checkout_without_a_registry_has_no_rows(checkout):
    assert registry_rows() == {}


def test_the_table_has_a_cell_for_every_column(tiny_entry):
    assert {text.count("|") for text in table([entry_row(tiny_entry)]).splitlines()} == {8}


def test_a_published_entry_is_found_by_its_row_at_the_pinned_commit(hub, home, described_entry, checkout):
    folder = checkout / "zoo_cards" / "tiny-unet"
    shutil.rmtree(folder)
    shutil.copytree(described_entry, folder)
    publication = publish(folder, repo := hub.new_repo())
    registry.main([f"tiny-unet={repo}@{publication.commit}"])
    shutil.rmtree(folder)
    assert find_entry("tiny-unet", engine="onnx") == home / "hub" / repo.replace("/", "--") / publication.commit
