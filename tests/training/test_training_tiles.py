"""A training on patches of volumes, and its model on whole ones by tiles."""

import nibabel
import numpy as np
import pytest

import medzoo


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    """Volumes of several sizes, in which what is bright is to be found."""
    folder, rng = tmp_path_factory.mktemp("stacks"), np.random.default_rng(0)
    for case in range(6):
        mask = np.zeros((14 + case, 12, 10), np.uint8)
        mask[3:9, 2:8, 3:7] = 1
        for ending, voxels in (("", mask * 8.0 + rng.normal(size=mask.shape)), ("_seg", mask)):
            image = nibabel.Nifti1Image(voxels.astype("uint8" if ending else "float32"), np.diag([1.0, 1.0, 2.0, 1.0]))
            image.to_filename(folder / f"c{case}{ending}.nii.gz")
    return folder


def test_patches_train_and_tiles_answer_in_the_grid_of_the_file(stacks, tmp_path):
    recipe = medzoo.Recipe.from_json(
        {
            "name": "tiled",
            "task": {"type": "segmentation", "labels": ["background", "tumor"]},
            "preprocessing": {"size": [8, 8, 8], "fit": "tile", "spacing": [2, 1, 1], "patches": 4},
            "builder": {"name": "unet", "encoder": {"name": "plain", "filters": [4, 8]}},
            "optimizer": {"name": "adam", "learning_rate": 0.02},
            "augmentation": {"flip": ["horizontal"]},
            "epochs": 12,
            "batch_size": 4,
        }
    )
    data = medzoo.data.read(stacks, labels=("background", "tumor"))
    model = medzoo.train(recipe, data, tmp_path / "run", verbose=0)
    medzoo.save(model, tmp_path / "model")
    result = medzoo.predict(medzoo.load(tmp_path / "model"), stacks / "c5.nii.gz")
    assert result.mask.shape == (19, 12, 10) and result.probabilities.shape == (19, 12, 10, 1)
    evaluation = medzoo.evaluate(model, data)
    assert evaluation.scores["dice"]["value"] > 0.15
