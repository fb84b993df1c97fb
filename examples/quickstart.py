# %% [markdown]
# # medzoo in a few minutes
#
# Load a model by name, predict a scan, fit the model on your own data, evaluate it and save it.
# Everything here is offline. The scans are drawn by the program: they show no patient, and the scores mean nothing.
#
# Run it as a script (`python quickstart.py`), or cell by cell in VS Code, PyCharm, Spyder or Jupyter (with jupytext).

# %%
from dataclasses import replace

import medzoo
from medzoo.data.synthetic import make_coco

make_coco("scans/train", 16)
make_coco("scans/test", 4, seed=16)
scan = "scans/test/synthetic_0016.png"

# %% [markdown]
# ## Which models are there?

# %%
for info in medzoo.list_models(task="segmentation"):
    print(info.name, info.modality, info.score_name, info.score, info.license)

# %% [markdown]
# ## Predict
#
# With a name, the model runs through onnxruntime where it can, without Keras. The mask has the height and width of
# the file.

# %%
result = medzoo.predict("brain-tumor-unet", scan)
print(result.mask.shape, result.mask.dtype, result.probabilities.shape)
result.save("before/mask.png")
result.overlay("before/overlay.png")
for finding in result.to_json()["labels"]:
    print(finding["label"], finding["pixels"], "px, confidence", finding["confidence"])

# %% [markdown]
# ## Load
#
# What comes is a compiled `keras.Model` that also knows its task, its preprocessing and its recipe.

# %%
model = medzoo.load("brain-tumor-unet")
print(model.task.labels, model.preprocessing.size, f"{model.count_params():,} parameters")

# %% [markdown]
# ## Fit on your own data
#
# `from_coco` reads a COCO file, `split` keeps the images of a patient together, and `dataset` makes tf.data batches
# through the model's own preprocessing. This model is binary: every category of the file counts as its foreground.
# Masks here are boxes around what is drawn.

# %%
data = medzoo.data.from_coco("scans/train/_annotations.coco.json")
train, valid = data.split(valid=0.25, seed=0)
print(train, valid, sep="\n")

history = model.fit(
    model.dataset(train, batch_size=8, augment=True, shuffle=True),
    validation_data=model.dataset(valid),
    epochs=1,
    verbose=2,
)

# %% [markdown]
# ## Evaluate
#
# Scores are those of the masks in the grid of the files, with 95 % intervals.

# %%
test = medzoo.data.from_coco("scans/test/_annotations.coco.json")
model.evaluation = medzoo.evaluate(model, test, split="test", data_name="medzoo synthetic scans")
print(model.evaluation)

# %% [markdown]
# ## Save
#
# The folder holds the weights, the recipe, the evaluation with its figures and a model card. Give the model a name and
# words of its own first: those of the model that you started from no longer hold.

# %%
card = {
    "summary": "brain-tumor-unet after one epoch on drawings. Of no use on real scans.",
    "license": "apache-2.0",
    "intended_use": "To see what medzoo writes.",
    "data": {"name": "medzoo synthetic scans", "license": "Apache-2.0", "source": "medzoo.data.synthetic"},
}
model.recipe = replace(model.recipe, name="my-tumor-unet", card=card, expected={}, epochs=1)
folder = medzoo.save(model, "my-tumor-unet")
print(sorted(path.name for path in folder.iterdir()))

# %% [markdown]
# From now on its folder is a name like any other, here and in the command line:
# `medzoo predict my-tumor-unet scan.png`.

# %%
again = medzoo.predict(folder, scan)
print(again.save("after/mask.png"))
