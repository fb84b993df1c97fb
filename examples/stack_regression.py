# %% [markdown]
# # A number from a stack of thick slices
#
# A 2D network sees three adjacent slices as its channels; the middle one moves by up to two slices in training, and
# prediction averages over neighbours. Then the features of the trained network go to four classical estimators, and
# one table compares all five on the same test cases.
#
# On the ACDC hearts, whose table has the ejection fraction in the column `lvef`:
#
# ```bash
# medzoo train lvef.json --data "cardiac_mri:target=lvef,image=ed,es" -o runs/lvef
# medzoo features runs/lvef --data "cardiac_mri:target=lvef,image=ed,es" -o table
# ```
#
# These are SVR, XGBoost, random forest and elastic net unless `--estimators` names some; they need
# `pip install "medzoo[boosting]"`. The page itself runs on volumes that it draws: they show no patient, and the scores
# mean nothing.

# %%
import importlib.util
from dataclasses import replace

import medzoo
from medzoo.data.synthetic import make_volumes

recipe = medzoo.Recipe(
    name="lvef-resnet18",
    task=medzoo.Regression("lvef"),
    preprocessing=medzoo.Preprocessing(
        (224, 224), channels=3, clip=(0.5, 99.5), normalization="robust", stack=medzoo.Stack(average=3)
    ),
    builder={"name": "regressor", "encoder": "resnet18", "dropout": 0.3},
    weights="imagenet",
    split={"valid": 0.1, "test": 0.1},
    augmentation={"slice_jitter": 2, "rotation": 10, "scale": 0.1},
    loss={"name": "huber", "delta": 0.5},
    optimizer={"name": "adamw", "learning_rate": 1e-4, "weight_decay": 5e-4},
    schedule={"name": "plateau", "factor": 0.5, "patience": 5},
    batch_size=16,
    epochs=50,
)
recipe.save("lvef.json")

# %% [markdown]
# Here: the same in small.

# %%
make_volumes("volumes", 24)
data = medzoo.data.from_table("volumes/cases.csv", target="volume_ml")
small = replace(
    recipe,
    task=medzoo.Regression("volume_ml", unit="ml"),
    preprocessing=replace(recipe.preprocessing, size=(32, 32)),
    builder={"name": "regressor", "encoder": {"name": "residual", "filters": [4, 8]}, "dropout": 0.3},
    weights=None,
    split={"valid": 0.2, "test": 0.3},
    epochs=2,
)
small.save("small.json")
train, valid, test = data.split(valid=0.2, test=0.3, seed=small.seed)
model = medzoo.train(small, train + valid, "runs/small", verbose=2)
print(medzoo.evaluate(model, test))
print(medzoo.predict(model, "volumes/images/case_000.nii.gz").summary)

# %% [markdown]
# What was trained so far, the best first; each can be tested by the folder of its run.
#
# ```bash
# medzoo runs runs
# medzoo evaluate runs/small --data "volumes/cases.csv:target=volume_ml" --split test -o runs/small/test
# ```
#
# Parameters of the estimators are chosen in folds of patients inside the training data, and the best estimator with
# them; the test cases choose nothing. It is an entry of its own, stored without pickle.

# %%
if importlib.util.find_spec("skops"):
    table, best = medzoo.compare_estimators(model, train + valid, test, "runs/table", names=("svr", "elastic_net"))
    print(table)
    medzoo.save(best, "volume-estimator")
    print(medzoo.predict("volume-estimator", "volumes/images/case_000.nii.gz").summary)
