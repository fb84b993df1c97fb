"""What the documentation says is true: its code runs, its commands parse, its table is current."""

import argparse
import configparser
import doctest
import importlib.util
import re
import shlex
import shutil
from pathlib import Path

import numpy
import pytest

import medzoo
from medzoo import cli
from medzoo.data.synthetic import make_coco
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Segmentation
from medzoo.zoo import find as registry
from tools.registry import END, START, current_rows, table

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("zoo_cards/*/README.md")])

# Examples, by module or function, that need neither a model nor a file, those that need a data set, and the zoo.
ALONE = (
    *("errors", "graph.gradients", "io.read", "preprocessing.preprocessing", "preprocessing.windows", "graph.freezing"),
    *("data.sources.arrays.from_arrays", "data.feed.order", "data.augment.augmentation"),
    *("graph.cut", "evaluation.comparison.paired", "evaluation.gradcam.maps", "evaluation.validation.calibration"),
    *("task.segmentation", "task.classification", "task.regression", "task.features"),
    *(f"evaluation.{name}" for name in ("distances", "intervals", "ranking", "scores", "tables")),
    *("models.builders", "models.classifier", "models.blocks"),
    *("models.fast", "models.unet", "models.resunet_plus_plus", "models.encoders"),
    *(f"models.encoders.{name}" for name in ("backbones", "plain", "resnet")),
    *("weights", "weights.transfer", "weights.segmentation_models"),
    *("zoo.card.metadata", "zoo.find.registry_rows", "zoo.listing.licenses", "zoo.card.render"),
)
ON_DATA = ("data.sources.arrays.from_npz", "data.sources.coco", "data.sources.read", "data.samples")
ON_ZOO = ("zoo.load", "zoo.listing.models")


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page):
    """Yield the arguments of every `medzoo ...` in the bash blocks of a page."""
    lines = "\n".join(blocks(page, "bash")).splitlines()
    for step in (step for line in lines for step in line.split("&&")):
        words = shlex.split(re.sub(r"^\s*(\w+=\S*\s+)*", "", step), comments=True)
        if words[:1] == ["medzoo"]:
            yield words[1:]


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """The working folder, with the files that the documentation speaks of."""
    monkeypatch.chdir(tmp_path)
    for seed, part in enumerate(("train", "valid", "test")):
        make_coco(tmp_path / part, 8, seed=10 * seed, size=32)
        shutil.copytree(tmp_path / part, tmp_path / "brain_tumor_coco" / part)
    shutil.copy(tmp_path / "test" / "synthetic_0020.png", tmp_path / "scan.png")
    return tmp_path


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    """A network of a few hundred parameters in the place of brain-tumor-unet."""
    from medzoo.zoo_model import ZooModel

    recipe = Recipe(
        name="brain-tumor-unet",
        task=Segmentation(("background", "tumor")),
        preprocessing=Preprocessing((16, 16)),
        builder={"name": "unet", "encoder": {"name": "plain", "filters": [8]}},
    )
    return medzoo.save(ZooModel.from_recipe(recipe), tmp_path_factory.mktemp("zoo") / recipe.name)


@pytest.fixture
def zoo(entry, monkeypatch):
    monkeypatch.setattr(registry, "entry_folders", lambda: {entry.name: entry})


def run_examples(name):
    name = f"medzoo.{name}"
    is_module = importlib.util.find_spec(name.rpartition(".")[0]).submodule_search_locations is not None
    module = importlib.import_module(name if is_module else name.rpartition(".")[0])
    # Names that every reader has: the library itself, and NumPy.
    names = {"medzoo": medzoo, "numpy": numpy, "np": numpy}
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(module, extraglobs=names):
        if f"{test.name}.".startswith(f"{name}."):
            runner.run(test)
    assert runner.tries
    assert not runner.failures


@pytest.mark.parametrize("name", ALONE)
def test_docstring_examples_run(name):
    run_examples(name)


@pytest.mark.parametrize("name", ON_DATA)
def test_docstring_examples_run_on_data(name, data_folder):
    run_examples(name)


@pytest.mark.parametrize("name", ON_ZOO)
def test_docstring_examples_run_on_the_zoo(name, zoo):
    run_examples(name)


def test_python_in_the_readme_runs(zoo, data_folder, hub, home):
    names = {}
    for block in blocks(ROOT / "README.md", "python"):
        # Whoever is logged in at the Hub of the tests.
        exec(compile(block.replace('"me/', '"tester/'), "README.md", "exec"), names)
    assert (data_folder / "mask.png").is_file()
    assert (data_folder / "overlay.png").is_file()
    assert hub.api.list_repo_refs("tester/my-tumor-unet").tags[0].name == "v1"
    assert names["model"].task.labels == ("background", "core", "edema")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_parse(page, capsys):
    for arguments in commands(page):
        try:
            cli._parser().parse_args(arguments)
        except SystemExit:
            pytest.fail(f"medzoo {shlex.join(arguments)}: {capsys.readouterr().err}")


def test_readme_shows_every_command():
    actions = cli._parser()._actions
    known = next(action.choices for action in actions if isinstance(action, argparse._SubParsersAction))
    assert {arguments[0] for arguments in commands(ROOT / "README.md")} == set(known)


def test_readme_names_every_extra():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"`{extra}`" in readme for extra in config["options.extras_require"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    dead = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not dead


def test_table_of_models_is_current():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = text[text.index(START) + len(START) : text.index(END)].strip()
    assert shown == table(current_rows()), "Write it anew: python -m tools.registry"
