# %% [markdown]
# # Tumours in slices: three networks on one data set
#
# UNet, UNet over a ResNeXt-50 and ResUNet++ from one recipe, of which only the builder changes. A training that is
# killed goes on from its last epoch when the same command runs again; the best weights are never lost.
#
# ```bash
# for network in unet resnext50 resunet_plus_plus; do
#   medzoo train $network.json --data brain_tumor_coco -o runs/$network
# done
# medzoo compare runs/unet runs/resnext50 --data brain_tumor_coco --split valid
# ```
#
# The page itself runs on scans that it draws: they show no patient, and the scores mean nothing.

# %%
from dataclasses import replace

import medzoo
from medzoo.data.synthetic import make_coco

recipe = medzoo.Recipe(
    name="tumor-unet",
    task=medzoo.Segmentation(("background", "tumor")),
    preprocessing=medzoo.Preprocessing((512, 512)),
    builder={"name": "unet", "encoder": {"name": "residual", "filters": [16, 32, 64, 128, 256]}},
    augmentation={"flip": ["horizontal"], "quarter_turns": True, "rotation": 15, "scale": 0.2, "gamma": 0.2},
    optimizer={"name": "adamw", "learning_rate": 1e-3, "clipnorm": 1.0, "gradient_accumulation_steps": 4},
    schedule={"name": "cosine", "warmup_epochs": 1},
    batch_size=2,
    epochs=40,
    patience=10,
)
builders = {
    "unet": recipe.builder,
    "resnext50": {"name": "unet", "encoder": "resnext50"},
    "resunet_plus_plus": {"name": "resunet_plus_plus"},
}
for name, builder in builders.items():
    replace(recipe, name=f"tumor-{name.replace('_', '-')}", builder=builder).save(f"{name}.json")

# %% [markdown]
# All forms of COCO are read: several polygons, holes by run lengths, compressed or not, crowds, several categories,
# images without annotation. Here two small networks on drawn scans.

# %%
for split, count in (("train", 12), ("valid", 6)):
    make_coco(f"scans/{split}", count, seed=len(split), size=64)
data = medzoo.data.read("scans:labels=tumor")
small = replace(
    recipe,
    preprocessing=medzoo.Preprocessing((32, 32)),
    optimizer={"name": "adamw", "learning_rate": 1e-2},
    epochs=2,
)
models = []
for name, filters in (("narrow", [4, 8]), ("wide", [8, 16])):
    builder = {"name": "unet", "encoder": {"name": "residual", "filters": filters}}
    models.append(medzoo.train(replace(small, name=name, builder=builder), data, f"runs/{name}", verbose=2))
print(medzoo.compare(*models, data.part("valid")))  # Dice of both, and the difference with its interval

# %%
result = medzoo.predict(models[1], data.part("valid").images[0])
result.overlay("overlay.png")
print(result.summary)
