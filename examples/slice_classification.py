# %% [markdown]
# # Four classes of slices: audit, learning curve, grid search, clusters
#
# ```bash
# medzoo audit brain_mri -o audit --strict                     # damaged and odd images, copies between the splits
# medzoo search resnet50.json --data brain_mri --fractions 0.1,0.2,0.3,1 -o runs/curve
# medzoo search tenth.json --data brain_mri --grid grid.json --workers 2 -o runs/search
# medzoo train runs/search/best.json --data brain_mri -o runs/best
# medzoo clusters brain_mri --recipe resnet50.json --count 4 -o clusters
# ```
#
# Searching needs `pip install "medzoo[search]"`. The page itself runs on scans that it draws: they show no patient, and
# the scores mean nothing.

# %%
import importlib.util
import json
from dataclasses import replace

import medzoo
from medzoo.data.synthetic import make_folders

recipe = medzoo.Recipe(
    name="brain-mri-resnet50",
    task=medzoo.Classification(("glioma", "meningioma", "notumor", "pituitary")),
    preprocessing=medzoo.Preprocessing((224, 224), channels=3, normalization="type_range", mean=(0.5,), std=(0.5,)),
    builder={"name": "classifier", "encoder": "resnet50", "hidden": [1024], "dropout": 0.1},
    weights="imagenet",
    freezing={"name": "frozen"},  # features once; then a trial of the search takes seconds
    optimizer={"name": "sgd", "learning_rate": 1e-2, "momentum": 0.95, "weight_decay": 0.001},
    batch_size=32,
    epochs=30,
)
recipe.save("resnet50.json")
replace(recipe, split={**recipe.split, "fraction": 0.1}).save("tenth.json")
grid = {
    "builder.dropout": [0, 0.1, 0.2],
    "optimizer.weight_decay": [0, 0.001, 0.01],
    "optimizer.momentum": [0.9, 0.95],
    "optimizer.learning_rate": [1e-4, 1e-3, 1e-2],
}
with open("grid.json", "w", encoding="utf-8") as file:
    json.dump(grid, file)

# %% [markdown]
# The other two networks of such studies: VGG-19 with its two wide layers, and EfficientNetV2-L.

# %%
vgg19 = {"name": "classifier", "encoder": "vgg19", "pooling": "flatten", "hidden": [4096, 4096], "dropout": 0.5}
efficientnet = {"name": "classifier", "encoder": "efficientnetv2l", "hidden": [256], "hidden_activation": "gelu"}
replace(recipe, name="brain-mri-vgg19", builder=vgg19).save("vgg19.json")
replace(recipe, name="brain-mri-efficientnet", builder=efficientnet).save("efficientnet.json")

# %% [markdown]
# Here: the same in small. The cluster of an image, by its mean and deviation, is an input of this network; it is found
# inside the network, so that predicting needs nothing more than the image.

# %%
make_folders("scans", 20)
data = medzoo.data.read("scans")
encoder = {"name": "residual", "filters": [4, 8]}
small = replace(
    recipe,
    task=medzoo.Classification(("healthy", "lesion")),
    preprocessing=medzoo.Preprocessing((32, 32)),
    builder={"name": "classifier", "encoder": encoder, "clusters": {"of": "intensity", "count": 2}},
    weights=None,
    epochs=2,
)
if importlib.util.find_spec("optuna"):
    print(medzoo.learning_curve(small, data, "runs/curve", (0.5, 1)))
    found = medzoo.search(small, data, "runs/search", {"optimizer.learning_rate": [1e-3, 1e-1]})
    print(found)

# %% [markdown]
# Confidences that mean what they say: a temperature fitted on validation images.

# %%
model = medzoo.train(small, data, "runs/model", verbose=2)
valid = medzoo.data.fraction(data, 0.3)
medzoo.calibrate(model, valid)
print(medzoo.evaluate(model, valid))
print(medzoo.predict(model, data.images[0]).summary)
