# %% [markdown]
# # Publish a model, and load it from anywhere
#
# Log in once with `hf auth login`. The page publishes a private `you/medzoo-example`; `REPO=owner/name` in the
# environment names another repository, and `HF_ENDPOINT` another Hub than huggingface.co.
#
# ```bash
# medzoo train recipe.json --data brain_tumor_coco -o runs/unet
# medzoo evaluate runs/unet --data brain_tumor_coco --split test -o runs/unet/test
# medzoo card runs/unet/model --words words.json --evaluation runs/unet/test
# medzoo publish runs/unet me/my-tumor-unet --tag v1
# medzoo predict me/my-tumor-unet@v1 scan.png
# ```
#
# The page itself runs on scans that it draws: they show no patient, and the scores mean nothing.

# %%
import os
from dataclasses import replace

from huggingface_hub import HfApi

import medzoo
from medzoo.data.synthetic import make_coco

for seed, (part, count) in enumerate({"train": 12, "valid": 4, "test": 6}.items()):
    make_coco(f"scans/{part}", count, seed=100 * seed, size=64)
data = medzoo.data.read("scans")

recipe = medzoo.Recipe(
    name="drawn-lesion-unet",
    task=medzoo.Segmentation(("background", "tumor")),
    preprocessing=medzoo.Preprocessing((32, 32)),
    builder={"name": "unet", "encoder": {"name": "residual", "filters": [4, 8]}},
    optimizer={"name": "adamw", "learning_rate": 1e-2},
    epochs=2,
)
model = medzoo.train(recipe, data, "run", verbose=2)

# %% [markdown]
# ## What must be said first
#
# Whoever finds the model must learn what it is for, what it was made from, and how well it does on images that it has
# never seen. `publish` refuses a model that does not say so, before it asks the Hub for anything.

# %%
api = HfApi()
repo = os.environ.get("REPO") or f"{api.whoami()['name']}/medzoo-example"
try:
    medzoo.publish(model, repo)
except ValueError as error:
    print(error)

# %%
model.evaluation = medzoo.evaluate(model, data.part("test"), data_name="medzoo synthetic scans")
card = {
    "summary": "A network after two epochs on drawings. Of no use on real scans.",
    "modality": "drawing",
    "license": "apache-2.0",
    "intended_use": "To see what medzoo publishes.",
    "limits": "It has never seen a patient.",
    "data": {"name": "medzoo synthetic scans", "license": "apache-2.0", "source": "medzoo.data.synthetic"},
}
model.recipe = replace(model.recipe, card=card)

# %% [markdown]
# ## Publish
#
# One commit with the weights, the ONNX copy, the recipe, the evaluation with its figures and the card, and a tag. Only
# these files leave the machine: no scans, no logs. Private here; leave `private` out for all to see.

# %%
taken = {tag.name for tag in api.list_repo_refs(repo).tags} if api.repo_exists(repo) else set()
first, second = [tag for tag in (f"v{number}" for number in range(1, 100)) if tag not in taken][:2]
folder = medzoo.save(model, "drawn-lesion-unet", history="run/history.csv")
published = medzoo.publish(folder, repo, private=True, tag=first)
print(published.url, published.commit, published.tag)

# %% [markdown]
# Again: nothing has changed, so nothing is sent. The same holds after a broken connection for what has arrived.

# %%
print(medzoo.publish(folder, repo, private=True, tag=first) == published)

# %% [markdown]
# ## Load
#
# By branch, tag or commit, on any machine and backend, once downloaded without a connection. Every file is checked
# against its sha256.

# %%
again = medzoo.load(repo, revision=first)
print(again.evaluation["dice"] == model.evaluation["dice"], again.recipe.card["license"])
print(medzoo.predict(f"{repo}@{first}", data.part("test").images[0]).summary)

# %% [markdown]
# ## A second version
#
# Trained further, scored anew. The first one stays under its tag.

# %%
model = medzoo.load(folder)
model.fit(model.dataset(data.part("train"), shuffle=True), epochs=1, verbose=2)
model.evaluation = medzoo.evaluate(model, data.part("test"), data_name="medzoo synthetic scans")
print(medzoo.publish(model, repo, private=True, tag=second).commit)
for tag in (first, second):
    print(tag, medzoo.load(repo, revision=tag).evaluation["dice"])

# %% [markdown]
# ## A pull request
#
# To a repository of somebody else, or for a colleague to look at before it is merged on the page.

# %%
model.recipe = replace(model.recipe, card={**card, "limits": "It has never seen a patient, and never should."})
proposed = medzoo.publish(model, repo, private=True, create_pr=True)
print(proposed.pull_request)
