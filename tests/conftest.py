import os

from tests.hub_server.client import Hub, environment

# Before any backend or huggingface_hub is imported: quiet, and away from the real Hub.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(environment())

import shutil
import sys

import numpy as np
import pytest

import medzoo
from medzoo import hub_answers
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Segmentation
from tests.backends import BACKENDS, marker_of, without_backend

# Nobody waits for a Hub that tests take down.
hub_answers.WAITS = (0.0,) * len(hub_answers.WAITS)

RECIPE = Recipe(
    name="tiny-unet",
    task=Segmentation(("background", "lesion")),
    preprocessing=Preprocessing((16, 16)),
    builder={"name": "unet", "encoder": {"name": "plain", "filters": [8]}},
    augmentation={"flip": ["horizontal"], "rotation": 10},
    optimizer={"name": "adamw", "learning_rate": 1e-2},
    schedule={"name": "cosine", "warmup_epochs": 1},
    batch_size=4,
    epochs=3,
)

WORDS = {
    "summary": "Finds drawn lesions.",
    "modality": "drawing",
    "license": "apache-2.0",
    "intended_use": "To see that publishing works.",
    "limits": "No patient was drawn.",
    "data": {"name": "Synthetic scans", "license": "apache-2.0", "source": "https://example.org/scans"},
}


class NoBackend:
    """A finder of modules that finds no backend; what a library makes of an ImportError does not hide it."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BACKENDS:
            raise RuntimeError(f"A test of NO_BACKEND in tests/backends.py imports {name}. Take it out of the list.")


def _only_without_backend(config):
    return config.option.markexpr == "no_backend"


def pytest_configure(config):
    if _only_without_backend(config):
        sys.meta_path.insert(0, NoBackend())
        # And in the processes that a test starts.
        os.environ["KERAS_BACKEND"] = "none"


def pytest_ignore_collect(collection_path, config):
    """Read no test file that imports a backend where none is to be imported."""
    return True if _only_without_backend(config) and not without_backend(collection_path) else None


def pytest_collection_modifyitems(items):
    for item in items:
        if marker := marker_of(item.path):
            item.add_marker(marker)


@pytest.fixture(scope="session", autouse=True)
def kernels_drawn_by_numpy(request):
    """Random kernels of NumPy: JAX compiles a program for every shape that it draws, which takes a second each."""
    if all(item.get_closest_marker("no_backend") for item in request.session.items):
        yield
        return
    import keras

    def draw(_, shape, dtype=None):
        kernel = np.random.default_rng(np.random.randint(2**31)).standard_normal(shape, np.float32)
        return keras.ops.convert_to_tensor(kernel * np.sqrt(2 / np.prod(shape[:-1]), dtype=np.float32), dtype)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.initializers.VarianceScaling, "__call__", draw)
        yield


@pytest.fixture(autouse=True)
def same_draws_in_every_order():
    """A tiny network may be dead by an unlucky draw; so every test has its own, whichever worker runs it and when."""
    np.random.seed(0)


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    """A Hub on the loopback, see `tests/hub_server`."""
    hub = Hub(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.stop()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty cache of medzoo."""
    monkeypatch.setenv("MEDZOO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def without_onnx(monkeypatch):
    """Saving exports nothing, which takes seconds, most of all on JAX and torch."""
    monkeypatch.setattr("medzoo.zoo.network.write_onnx", lambda *_: None)


@pytest.fixture
def tiny_recipe():
    """A recipe whose network has a few hundred parameters and whose epoch takes a moment."""
    return RECIPE


@pytest.fixture
def tiny_model():
    return _make_model()


def _make_model():
    from medzoo.zoo_model import ZooModel

    model = ZooModel.from_recipe(RECIPE)
    model.compile_from_recipe()
    return model


@pytest.fixture
def coco_folder(tmp_path):
    """train/ of 8, valid/ of 4 and test/ of 4 synthetic scans of 32 px, each with a COCO file."""
    from medzoo.data.synthetic import make_coco

    for seed, (part, count) in enumerate({"train": 8, "valid": 4, "test": 4}.items()):
        make_coco(tmp_path / "data" / part, count, seed=100 * seed, size=32)
    return tmp_path / "data"


@pytest.fixture(scope="session")
def saved_entry(tmp_path_factory):
    """A zoo entry with fresh weights; saved once, since its export takes seconds. Not to be changed."""
    from medzoo.zoo.save import save

    # The same weights, whichever test asks for it first.
    np.random.seed(0)
    return save(_make_model(), tmp_path_factory.mktemp("entries") / "tiny-unet")


@pytest.fixture
def tiny_entry(saved_entry, tmp_path):
    """A copy of that entry, to do anything with."""
    return shutil.copytree(saved_entry, tmp_path / "tiny-unet")


@pytest.fixture(scope="session")
def described_entry(saved_entry, tmp_path_factory):
    """The tiny entry with words and scores: all that publishing asks for. Not to be changed."""
    from medzoo.data.synthetic import make_coco
    from medzoo.evaluation.record import save_report
    from medzoo.zoo.save import attach_evaluation

    folder = tmp_path_factory.mktemp("described")
    make_coco(folder / "test", 4, size=32)
    test = medzoo.data.read(folder / "test")
    evaluation = medzoo.evaluate(medzoo.load(saved_entry), test, split="test", data_name="Synthetic scans")
    save_report(evaluation, folder / "run")
    shutil.copytree(saved_entry, folder / "tiny-unet")
    attach_evaluation(folder / "tiny-unet", folder / "run", WORDS)
    return folder / "tiny-unet"


@pytest.fixture
def no_wait(monkeypatch):
    """The client of the Hub does not wait between its attempts."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
