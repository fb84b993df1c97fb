# %% [markdown]
# # Your own data
#
# Every way in ends in the same record, `Samples`: rows of image, target, patient and split. Nothing is decoded before a
# training asks for it. The command line takes the same: what is written behind `medzoo.data.read` here is what
# `medzoo train RECIPE --data ...` takes.
#
# The scans are drawn by the program: they show no patient, and the scores mean nothing.

# %%
import importlib.util
import subprocess
import sys

import numpy as np

import medzoo
from medzoo.data.synthetic import make_coco, make_folders, make_volume, make_volumes

make_folders("pictures", 20)
make_coco("coco", 8, size=64)
make_volumes("volumes", 12)

# %% [markdown]
# ## Class folders
#
# `pictures/healthy/*.png`, `pictures/lesion/*.png`; also inside `train/`, `valid/` and `test/`. Volumes and DICOM
# series may lie there, too. Look at the data before you train on it.

# %%
data = medzoo.data.read("pictures")
print(data)
audit = medzoo.data.audit("pictures")
print(audit)
data = medzoo.data.group(data, audit.duplicate_groups)  # near-duplicates never come into two parts

# %% [markdown]
# Splits keep patients together and the mix of classes alike. A file keeps them.

# %%
train, valid, test = data.split(valid=0.25, test=0.25, seed=0)
medzoo.data.save_split("split.csv", (train, valid, test))
data = medzoo.data.read("pictures:split_file=split.csv")
folds = medzoo.data.folds(medzoo.data.read("pictures"), 5)
tenth = medzoo.data.fraction(data, 0.1)
print(data, len(folds), tenth, sep="\n")

# %% [markdown]
# A recipe says the rest: here rare classes are drawn as often as common ones, and labels are smoothed.

# %%
encoder = {"name": "residual", "filters": [8, 16]}
recipe = medzoo.Recipe(
    name="lesion-classifier",
    task=medzoo.Classification(("healthy", "lesion")),
    preprocessing=medzoo.Preprocessing((64, 64), clip=(0.5, 99.5), normalization="robust"),
    builder={"name": "classifier", "encoder": encoder},
    balance={"sampling": "balanced"},
    loss={"name": "crossentropy", "label_smoothing": 0.1},
    augmentation={"flip": ["horizontal"], "rotation": 10, "noise": 0.05, "mixup": 0.2},
    epochs=2,
)
model = medzoo.train(recipe, data, "runs/classifier", verbose=2)
medzoo.calibrate(model, data.part("valid"), recall=0.9)  # temperature and threshold
print(medzoo.evaluate(model, data.part("test")))
result = medzoo.predict(model, test.images[0])
print(result.label, result.confidence)
medzoo.explain(model, test.images[0]).overlay("explained.png")

# %% [markdown]
# ## Tables
#
# A CSV or Parquet file with a column of images, and one of classes (`label=`), numbers (`target=`) or masks (`mask=`);
# patients, splits and slices have columns of their own. On the command line: `--data cases.csv:target=volume_ml`.
#
# A 2D network sees three adjacent slices of each volume as its channels (2.5D), with a jitter in training, and averages
# over three stacks in prediction.

# %%
data = medzoo.data.from_table("volumes/cases.csv", target="volume_ml")
print(data, data.patients[:3])
recipe = medzoo.Recipe(
    name="lesion-volume",
    task=medzoo.Regression("volume_ml", unit="ml"),
    preprocessing=medzoo.Preprocessing((32, 32), channels=3, stack=medzoo.Stack(average=3)),
    builder={"name": "regressor", "encoder": encoder},
    augmentation={"slice_jitter": 1},
    epochs=2,
)
model = medzoo.train(recipe, data, "runs/regressor", verbose=2)
print(medzoo.evaluate(model, data))
print(medzoo.predict(model, "volumes/images/case_000.nii.gz").summary)

# %% [markdown]
# ## Volumes and their masks
#
# Pairs in `images*/` and `labels*/`, or side by side (`case.nii.gz`, `case_labels.nii.gz`), NIfTI or DICOM. Grids that
# differ are an error. A size of three numbers makes a 3D network.

# %%
data = medzoo.data.read("volumes:labels=background,lesion")
recipe = medzoo.Recipe(
    name="lesion-unet-3d",
    task=medzoo.Segmentation(("background", "lesion")),
    preprocessing=medzoo.Preprocessing((8, 32, 32), fit="crop", normalization="standardize"),
    builder={"name": "unet", "encoder": encoder},
    augmentation={"rotation": 10, "tilt": 5, "elastic": 0.02, "gamma": 0.2, "bias_field": 0.2},
    epochs=2,
    batch_size=4,
)
model = medzoo.train(recipe, data, "runs/unet", verbose=2)
medzoo.predict(model, "volumes/images/case_000.nii.gz").save("mask.nii.gz")

# %% [markdown]
# ## COCO
#
# Polygons and run lengths, several categories, crowds, images without annotation.

# %%
data = medzoo.data.from_coco("coco/_annotations.coco.json", labels="lesion")
print(data, data[0].target.mask((64, 64)).sum())

# %% [markdown]
# ## Arrays
#
# Texts and whole numbers are classes, other numbers are values, arrays are masks. Memory maps stay on the disk. The
# command line takes them as an archive, `--data scans.npz`.

# %%
volumes, masks = (np.stack(arrays) for arrays in zip(*map(make_volume, range(4)), strict=True))
print(medzoo.data.from_arrays(volumes, ["a", "b", "a", "b"], patients=["p1", "p2", "p3", "p4"]))
print(medzoo.data.from_arrays(volumes, masks, labels=("background", "lesion")))
np.savez("scans.npz", images=volumes, targets=masks, labels=("background", "lesion"))
print(medzoo.data.read("scans.npz"))

# %% [markdown]
# ## tensorflow-datasets
#
# Large data is prepared once into shards, with every row in reach: `pip install "medzoo[tfds]"`. A builder is a class
# with one method; those in `medzoo/data/tfds/` are for public data sets, and this is one for your own.

# %%
BUILDER = """
from medzoo.data.sources.folders import from_folders
from medzoo.data.tfds.builder import SamplesBuilder
from medzoo.task import Classification


class MyPictures(SamplesBuilder):
    \"\"\"Pictures of mine.\"\"\"

    TASK = Classification(("healthy", "lesion"))
    MANUAL_DOWNLOAD_INSTRUCTIONS = "They lie on this machine."

    def samples(self, folder):
        return from_folders(folder)
"""
if importlib.util.find_spec("tensorflow_datasets"):
    with open("my_pictures.py", "w", encoding="utf-8") as file:
        file.write(BUILDER)
    options = ["--manual_dir", "pictures", "--data_dir", "shards"]
    subprocess.run([sys.executable, "-m", "medzoo.data.tfds", "my_pictures.py", *options], check=True)
    print(medzoo.data.read("tfds:my_pictures:data_dir=shards"))
