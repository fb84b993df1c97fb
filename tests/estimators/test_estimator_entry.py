"""Estimators as zoo entries."""

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from medzoo.entry import ESTIMATOR_FILE, read_entry
from medzoo.entry.safety import check_files
from medzoo.errors import IntegrityError
from medzoo.estimators.model import EstimatorModel, estimator_recipe, read_estimator, write_estimator
from medzoo.estimators.tuning import fit_estimator
from medzoo.evaluation.evaluate import evaluate
from medzoo.features.extract import extract
from medzoo.graph.features import feature_network
from medzoo.zoo.export import write_onnx
from medzoo.zoo.load import check_golden, load
from medzoo.zoo.predict import predict
from medzoo.zoo.save import save
from medzoo.zoo_model import ZooModel
from tests.conftest import RECIPE
from tests.estimators.estimator_sets import GRIDS, TASKS, make_recipe, make_samples, shrink_grids

pytest.importorskip("skops")


@pytest.fixture(scope="module", autouse=True)
def light():
    """Small grids, and no export to ONNX, which takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        shrink_grids(patch)
        patch.setattr("medzoo.zoo.network.write_onnx", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def make():
    """A function that returns an estimator over a tiny network, and its data; each task has one network."""
    networks = {}

    def make(name, kind):
        task = TASKS[kind]
        samples = make_samples(task)
        if kind not in networks:
            model = ZooModel.from_recipe(make_recipe(RECIPE, task))
            networks[kind] = model, feature_network(model), extract(model, samples).values
        model, network, values = networks[kind]
        targets = task.encode(samples.targets).astype(float).tolist() if kind == "regression" else samples.targets
        found = fit_estimator(name, values, targets, samples.patients)
        recipe = estimator_recipe(model.recipe, task, name, found.parameters)
        return EstimatorModel(network, found.estimator, recipe), samples

    return make


@pytest.fixture
def write(tmp_path):
    """A function that writes any object as the estimator of a folder."""

    def write(pipeline, name="entry"):
        (tmp_path / name).mkdir()
        write_estimator(pipeline, tmp_path / name)
        return tmp_path / name

    return write


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", GRIDS)
def test_answers_come_back_from_the_files(make, write, name, kind):
    if name == "xgboost":
        pytest.importorskip("xgboost")
    model, _ = make(name, kind)
    features = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    answer = model.answer(features)
    back = EstimatorModel(None, read_estimator(write(model.estimator), model.task.name), model.recipe)
    assert answer.shape == (4, model.task.outputs)
    np.testing.assert_allclose(back.answer(features), answer, atol=1e-6)


@pytest.mark.parametrize("kind", TASKS)
def test_entry_predicts_as_the_model_did(make, tmp_path, kind):
    model, samples = make("elastic_net", kind)
    folder = save(model, tmp_path / "entry")
    expected = model.predict_on_batch(
        np.stack([model.preprocessing(image.array[..., None]) for image in samples.images])
    )
    back = load(folder, verify=True)
    found = np.stack([result.outputs for result in predict(back, samples.images, progress=False)])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (back.name, back.task) == ("tiny-elastic-net", TASKS[kind])


def test_entry_is_predicted_and_scored_by_its_folder(make, tmp_path):
    model, samples = make("elastic_net", "regression")
    folder = save(model, tmp_path / "entry")
    value = predict(folder, samples.images[0].array).value
    assert value == pytest.approx(predict(model, samples.images[0].array).value, abs=1e-4)
    assert evaluate(load(folder), samples)["r2"] == pytest.approx(evaluate(model, samples)["r2"], abs=1e-5)


def test_features_of_an_entry_open_with_bare_keras(make, tmp_path):
    model, samples = make("elastic_net", "regression")
    network = keras.saving.load_model(save(model, tmp_path / "entry"))
    image = model.preprocessing(samples.images[0].array[..., None])[None]
    np.testing.assert_allclose(network.predict_on_batch(image), model.network.predict_on_batch(image), atol=1e-6)


def test_recipe_and_card_say_what_the_entry_is(make, tmp_path):
    folder = save(make("svr", "regression")[0], tmp_path / "entry")
    builder = read_entry(folder).recipe.builder
    assert (builder["estimator"], builder["parameters"], builder["of"]["name"]) == ("svr", {"C": 1}, "classifier")
    assert "| estimator | svr (C 1), on the last features of the network |" in (folder / "README.md").read_text()


def test_golden_output_of_another_estimator_is_refused(make, tmp_path):
    folder = save(make("svr", "regression")[0], tmp_path / "entry")
    other, _ = make("elastic_net", "regression")
    with pytest.raises(IntegrityError, match="differs"):
        check_golden(other, read_entry(folder))


def test_changed_estimator_is_refused(make, tmp_path):
    folder = save(make("svr", "regression")[0], tmp_path / "entry")
    with zipfile.ZipFile(folder / ESTIMATOR_FILE, "a") as file:
        file.writestr("more", b"")
    with pytest.raises(IntegrityError, match=r"estimator\.skops was changed"):
        load(folder)


def test_foreign_type_is_refused_and_not_run(make, write):
    folder = write(make("svr", "regression")[0].estimator)
    _rewrite(folder / ESTIMATOR_FILE, {"__module__": "os", "__class__": "system", "__loader__": "TypeNode"})
    with pytest.raises(ValueError, match=r"holds the type os\.system; expected a pipeline"):
        read_estimator(folder, "regression")


@pytest.mark.parametrize(("kind", "read_as"), [("regression", "classification"), ("two labels", "regression")])
def test_estimator_of_another_task_is_refused(make, write, kind, read_as):
    folder = write(make("random_forest", kind)[0].estimator)
    with pytest.raises(ValueError, match=f"RandomForest.* for a {read_as}"):
        read_estimator(folder, read_as)


def test_pipeline_of_other_steps_is_refused(write):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    with pytest.raises(ValueError, match="StandardScaler and FunctionTransformer for a regression"):
        read_estimator(write(make_pipeline(StandardScaler(), FunctionTransformer())), "regression")


def test_tree_that_leads_out_of_its_nodes_is_refused(make, write):
    pipeline = make("random_forest", "regression")[0].estimator
    tree = pipeline[-1].estimators_[0].tree_
    state = tree.__getstate__()
    before = state["nodes"].copy()
    state["nodes"]["left_child"][0] = 10**6
    tree.__setstate__(state)
    try:
        with pytest.raises(ValueError, match="a damaged tree"):
            read_estimator(write(pipeline), "regression")
    finally:
        tree.__setstate__({**state, "nodes": before})


@pytest.mark.parametrize("name", ["random_forest", "svr", "elastic_net"])
def test_features_that_are_not_finite_refuse_their_scan_alone(make, name):
    model, _ = make(name, "three labels")
    features = model.network.predict_on_batch(np.zeros((3, 16, 16, 1), np.float32))
    features = np.array(features)
    features[1] = np.nan
    model = EstimatorModel(SimpleNamespace(predict_on_batch=lambda inputs: features), model.estimator, model.recipe)
    answers = model.predict_on_batch(np.zeros((3, 16, 16, 1), np.float32))
    assert np.isnan(answers[1]).all()
    assert np.isfinite(answers[[0, 2]]).all()


@pytest.mark.parametrize("name", ["random_forest", "svr"])
def test_estimator_with_nan_is_refused_before_it_is_loaded(make, write, name):
    model, _ = make(name, "regression")
    model.estimator[0].mean_[0] = np.nan
    with pytest.raises(IntegrityError, match=r"estimator\.skops holds numbers that are not finite"):
        check_files(write(model.estimator), [ESTIMATOR_FILE])


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", ["support_", "_n_support", "_dual_coef_", "_intercept_", "support_vectors_"])
def test_support_vector_machine_with_a_short_array_is_refused(make, write, name, kind):
    model, _ = make("svr", kind)
    machine = model.estimator[-1]
    machine = machine.calibrated_classifiers_[0].estimator if hasattr(machine, "calibrated_classifiers_") else machine
    before = getattr(machine, name)
    setattr(machine, name, np.ascontiguousarray(before[..., :-1]))
    with pytest.raises(IntegrityError, match="damaged support vector machine"):
        read_estimator(write(model.estimator), model.task.name)


def test_damaged_estimator_is_an_error_that_names_the_file(tmp_path):
    with zipfile.ZipFile(tmp_path / ESTIMATOR_FILE, "w") as archive:
        archive.writestr("schema.json", '{"__class__": "Pipeline", "__loader__": "ObjectNode"}')
    with pytest.raises(IntegrityError, match=r"estimator\.skops is no estimator of skops"):
        read_estimator(tmp_path, "regression")


def test_onnx_answers_without_keras(make, tmp_path, monkeypatch):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("The entry of another backend would be the same one.")
    model, samples = make("elastic_net", "regression")
    monkeypatch.setattr("medzoo.zoo.network.write_onnx", write_onnx)
    folder = save(model, tmp_path / "entry")
    if not (folder / "model.onnx").is_file():
        pytest.skip("The packages that export ONNX are not installed.")
    image = samples.images[0].array
    assert predict(folder, image, engine="onnx").value == pytest.approx(predict(model, image).value, abs=1e-4)


def _rewrite(path: Path, node: dict) -> None:
    """Put a node into the schema of a skops file."""
    with zipfile.ZipFile(path) as file:
        content = {name: file.read(name) for name in file.namelist()}
    schema = json.loads(content["schema.json"])
    schema["content"]["content"]["foreign"] = {**node, "__id__": 1}
    content["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, part in content.items():
            file.writestr(name, part)
