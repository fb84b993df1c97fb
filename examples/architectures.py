# %% [markdown]
# # Networks to train on your own data
#
# Builders are functions that return functional Keras models of stock layers, for images and for volumes. Every encoder
# fits under every network. Everything here is offline and with random weights; with a connection, add
# `weights="imagenet"` or `weights="medicalnet"`.

# %%
import keras
import numpy as np

import medzoo
from medzoo.models import accelerate, build_encoder, classifier, resunet_plus_plus, unet

# %% [markdown]
# ## What can be built?
#
# The same table, with papers, is in `docs/architectures.md`.

# %%
for row in medzoo.models.list(dimensions=3):
    print(f"{row.name:18}{row.kind:9}{row.parameters / 1e6:7.1f} M{row.gflops:9.1f} GFLOPs  {', '.join(row.weights)}")

# %% [markdown]
# ## An encoder and its features
#
# Any number of channels, any size, 2D or 3D by the shape. Features are named by their stride.

# %%
encoder = build_encoder("resnet18", (64, 96, 1))
for name, feature in encoder.output.items():
    print(name, feature.shape)

# %% [markdown]
# ## Segmentation
#
# A size that does not fit is refused with one that does.

# %%
network = unet((64, 96, 1), outputs=3, activation="softmax", encoder="resnet18")
print(network.output_shape, f"{medzoo.models.parameters(network):,} parameters")

volumes = resunet_plus_plus((16, 32, 32, 2), filters=(8, 16, 32))
print(volumes.output_shape)

try:
    unet((250, 256, 1), encoder="resnet18")
except ValueError as error:
    print(error)

# %% [markdown]
# ## Classification of volumes with a frozen encoder
#
# `freeze` works by encoder stage, also after saving and loading. Batch normalisation of a frozen stage stays in
# inference mode, so its statistics do not move. Compile after it, as Keras wants.

# %%
network = classifier((16, 32, 32, 1), outputs=1, activation="sigmoid", encoder="resnet10", dropout=0.3)
print(medzoo.stages(network))
medzoo.freeze(network)
network.compile("adam", "binary_crossentropy")
images, labels = np.random.default_rng(0).random((2, 16, 32, 32, 1), np.float32), np.array([[0.0], [1.0]])
network.fit(images, labels, verbose=2)

medzoo.unfreeze(network, since="stage_4")
network.compile(keras.optimizers.Adam(1e-5), "binary_crossentropy")
print(f"{medzoo.models.parameters(network):,} parameters train now")

# %% [markdown]
# ## Speed
#
# Grouped and 3D convolutions run in another way where that is faster on this backend and device; layers, weights and
# config stay Keras's own, so the file opens without medzoo. It can be switched off.

# %%
fast = network.predict(images, verbose=0)
stock = accelerate(network, enabled=False).predict(images, verbose=0)
print(f"difference {np.abs(fast - stock).max():.1e}")
