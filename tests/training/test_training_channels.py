"""A training on images of several channels, and its model on the files of a case."""

import nibabel
import numpy as np
import pytest

import medzoo

TWO = medzoo.Recipe.from_json(
    {
        "name": "two",
        "task": {"type": "segmentation", "labels": ["background", "tumor"]},
        "preprocessing": {"size": [8, 8, 8], "channels": 2},
        "builder": {"name": "unet", "encoder": {"name": "plain", "filters": [4, 8]}},
        "epochs": 1,
        "batch_size": 2,
    }
)


@pytest.fixture(scope="module")
def case_folder(tmp_path_factory):
    """Six cases of two sequences; what is to be found is bright in the second one only."""
    folder, rng = tmp_path_factory.mktemp("cases"), np.random.default_rng(0)
    for case in range(6):
        mask = np.zeros((8, 8, 8), np.uint8)
        mask[2:6, 2:6, 2 + case % 3 : 6] = 1
        (folder / f"c{case}").mkdir()
        for name, voxels in (("t1", rng.normal(size=mask.shape)), ("t2", mask * 9.0), ("seg", mask)):
            image = nibabel.Nifti1Image(voxels.astype("uint8" if name == "seg" else "float32"), np.eye(4))
            image.to_filename(folder / f"c{case}" / f"c{case}_{name}.nii.gz")
    return folder


def test_a_model_of_channels_is_trained_saved_and_used(case_folder, tmp_path):
    data = medzoo.data.read(case_folder, labels=("background", "tumor"))
    medzoo.save(medzoo.train(TWO, data, tmp_path / "run", verbose=0), tmp_path / "model")
    model = medzoo.load(tmp_path / "model")
    assert model.preprocessing.channel_names == ("t1", "t2")
    of_folder = medzoo.predict(model, case_folder / "c0")
    of_file = medzoo.predict(model, case_folder / "c0/c0_t2.nii.gz")
    of_files = medzoo.predict(model, f"{case_folder}/c0/c0_t1.nii.gz,{case_folder}/c0/c0_t2.nii.gz")
    assert (of_folder.probabilities == of_file.probabilities).all()
    assert (of_folder.probabilities == of_files.probabilities).all()
    explained = medzoo.explain(model, case_folder / "c0/c0_t1.nii.gz")
    assert explained.displayed.shape == (8, 8, 8) and explained.name == "c0"
    assert of_folder.mask.shape == (8, 8, 8) and of_folder.name == "c0"
    with pytest.warns(UserWarning, match="are no channel"):
        answers = list(medzoo.predict(model, case_folder))
    assert len(answers) == 6
    twice = sorted(map(str, (case_folder / "c0").glob("c0_t*.nii.gz")))
    assert len(list(medzoo.predict(model, twice))) == 1


def test_a_case_gets_one_report(case_folder, tmp_path):
    pytest.importorskip("reportlab")
    from medzoo.reports.report import report_scans

    model = medzoo.ZooModel.from_recipe(TWO.with_({"preprocessing.channel_names": ["t1", "t2"]}))
    medzoo.save(model, tmp_path / "model")
    scan = case_folder / "c0/c0_t1.nii.gz"
    ((path, facts),) = report_scans(tmp_path / "model", [str(scan)], tmp_path / "out", explain=False)
    assert path.name == "c0.pdf" and facts["scan"]["shape"] == [8, 8, 8]
