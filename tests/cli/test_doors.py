"""Every kind of input through every door: predict, explain, audit, features, data; Python and CLI."""

import contextlib

import cv2
import nibabel
import numpy as np
import pytest

import medzoo
from medzoo.cli import main
from medzoo.data.samples import Samples
from medzoo.features.extract import extract
from medzoo.inference import Prediction
from medzoo.inference.scans import several
from medzoo.io import read_scan
from tests.dicom_files import dicom, pixels, series


def png(folder):
    return picture(folder / "a.png")


def tiff(folder):
    return picture(folder / "a.tif")


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels(90))
    return path


def series_below(folder):
    series(folder / "below")
    return folder / "below"


def nifti(folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "a.nii.gz"
    nibabel.Nifti1Image(np.arange(192, dtype=np.int16).reshape(8, 8, 3), np.eye(4)).to_filename(path)
    return path


def folder_of_files(folder):
    png(folder / "files")
    nifti(folder / "files" / "sub")
    return folder / "files"


def linked(folder):
    (folder / "linked").mkdir(parents=True)
    (folder / "linked" / "s").symlink_to(folder_of_files(folder))
    return folder / "linked"


def listed(folder):
    return [png(folder), nifti(folder)]


def array(folder):
    return pixels(90)


# Each kind with the number of its scans.
KINDS = {
    png: 1,
    tiff: 1,
    dicom: 1,
    series: 1,
    series_below: 1,
    nifti: 1,
    folder_of_files: 2,
    linked: 2,
    listed: 2,
    array: 1,
}
ON_DISK = [kind for kind in KINDS if kind not in (listed, array)]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
every_path = pytest.mark.parametrize("kind", ON_DISK, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def network(saved_entry):
    return medzoo.load(saved_entry)


def run(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


def answers(result):
    return [result] if isinstance(result, Prediction) else list(result)


def rows_of(source):
    """Return rows of a data set of the scans of a source."""
    scans = several(source)
    return [source] if scans is None else list(scans)


@every_kind
def test_python_predicts(kind, saved_entry, tmp_path):
    source = kind(tmp_path)
    found = answers(medzoo.predict(saved_entry, source, engine="onnx", progress=False))
    assert len(found) == KINDS[kind]
    for result, scan in zip(found, rows_of(source), strict=True):
        assert result.displayed_mask.shape == read_scan(scan).shape


@every_path
def test_the_command_line_predicts(kind, saved_entry, tmp_path):
    assert run("predict", saved_entry, kind(tmp_path / "in"), "-o", tmp_path / "out", "--engine", "onnx") == 0
    assert len(list((tmp_path / "out").glob("*_mask*"))) == KINDS[kind]
    assert (tmp_path / "out" / "summary.csv").exists() == kind(tmp_path / "again").is_dir()


@pytest.mark.parametrize("kind", [series, folder_of_files], ids=lambda kind: kind.__name__)
def test_the_command_line_predicts_the_working_folder(kind, saved_entry, tmp_path):
    source = kind(tmp_path / "in")
    with contextlib.chdir(source):
        assert run("predict", saved_entry, ".", "-o", "../out", "--engine", "onnx") == 0
    names = {path.name for path in (source.parent / "out").glob("*_mask*")}
    assert names == ({"series_mask.nii.gz"} if kind is series else {"a_mask.png", "a_2_mask.nii.gz"})


@every_kind
def test_python_explains(kind, network, tmp_path):
    assert len(answers(medzoo.explain(network, kind(tmp_path)))) == KINDS[kind]


@pytest.mark.parametrize("kind", [series, linked], ids=lambda kind: kind.__name__)
def test_the_command_line_explains(kind, saved_entry, tmp_path):
    assert run("explain", saved_entry, kind(tmp_path / "in"), "-o", tmp_path / "out") == 0
    assert len(list((tmp_path / "out").glob("*_explanation.json"))) == KINDS[kind]


@every_kind
def test_features_are_extracted(kind, network, tmp_path):
    scans = tuple(rows_of(kind(tmp_path)))
    count = len(scans)
    slices = tuple(1 if read_scan(scan).is_volume else None for scan in scans)
    samples = Samples(scans, (0.0,) * count, tuple(map(str, range(count))), ("",) * count, (), slices)
    assert len(extract(network, samples, layer="stride_2").values) == KINDS[kind]


@pytest.mark.parametrize("kind", [folder_of_files, linked, series, series_below], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("door", ["python", "command line"])
def test_a_folder_is_audited(kind, door, tmp_path, capsys):
    source = kind(tmp_path)
    if door == "python":
        assert medzoo.data.audit(source).n_images == KINDS[kind]
    else:
        assert run("audit", source) == 0
        assert f"{KINDS[kind]} images" in capsys.readouterr().out


# What is one image of a data set with classes.
@pytest.mark.parametrize("kind", [png, tiff, dicom, series, nifti, linked], ids=lambda kind: kind.__name__)
def test_class_folders_of_every_kind_are_read_for_training_and_evaluation(kind, tmp_path):
    for label in ("benign", "malignant"):
        kind(tmp_path / "data" / label)
    samples = medzoo.data.read(tmp_path / "data")
    assert len(samples) == 2 * KINDS[kind]
    for image in samples.images:
        assert read_scan(image).array.any()


@pytest.mark.parametrize("kind", [png, tiff, dicom, series, nifti], ids=lambda kind: kind.__name__)
def test_every_kind_trains_and_is_evaluated(kind, tmp_path):
    for label in ("benign", "malignant"):
        for part in ("train", "valid"):
            kind(tmp_path / "data" / part / label)
    is_volume = read_scan(medzoo.data.read(tmp_path / "data").images[0]).is_volume
    recipe = medzoo.Recipe(
        name="tiny",
        task=medzoo.Classification(("benign", "malignant")),
        preprocessing=medzoo.Preprocessing((4, 8, 8) if is_volume else (8, 8)),
        builder={"name": "classifier", "encoder": {"name": "plain", "filters": [2]}},
        epochs=1,
        batch_size=2,
    )
    recipe.save(tmp_path / "recipe.json")
    assert run("train", tmp_path / "recipe.json", "--data", tmp_path / "data", "-o", tmp_path / "run") == 0
    evaluated = ("--data", tmp_path / "data", "--split", "valid", "-o", tmp_path / "scores")
    assert run("evaluate", tmp_path / "run" / "model", *evaluated) == 0
    assert (
        medzoo.evaluate(medzoo.load(tmp_path / "run"), medzoo.data.read(tmp_path / "data").part("valid")).n_cases == 2
    )
    calibrated = ("--data", tmp_path / "data", "--youden", "-o", tmp_path / "calibrated")
    assert run("calibrate", tmp_path / "run" / "model", *calibrated) == 0
    assert (tmp_path / "calibrated" / "figures" / "training.png").is_file()
