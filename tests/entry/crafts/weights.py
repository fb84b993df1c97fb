"""Weights that are elsewhere, or less than they say."""

import h5py
import numpy as np

from tests.entry.crafts.sealing import seal, text

ARRAY = "layers/conv2d/vars/0"


def weights(change):
    """Weights in which one array was replaced."""

    def craft(folder, secret, marker):
        with h5py.File(folder / "model.weights.h5", "a") as file:
            value = file[ARRAY][()].astype("float32")
            del file[ARRAY]
            change(file, value, secret)
        seal(folder)

    return craft


def external_link(file, value, secret):
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["numbers"] = value
    file[ARRAY] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "numbers")


def soft_link(file, value, secret):
    file[ARRAY] = h5py.SoftLink("/layers/conv2d_1/vars/0")


def external_storage(file, value, secret):
    secret.write_bytes(value.tobytes())
    file.create_dataset(ARRAY, value.shape, value.dtype, external=[(str(secret), 0, value.nbytes)])


def virtual(file, value, secret):
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["numbers"] = value
    layout = h5py.VirtualLayout(value.shape, value.dtype)
    layout[...] = h5py.VirtualSource(str(secret.with_suffix(".h5")), "numbers", value.shape)
    file.create_virtual_dataset(ARRAY, layout)


def compressed(file, value, secret):
    file.create_dataset(ARRAY, data=np.zeros(10_000_000, "float32"), compression="gzip")


def unallocated(file, value, secret):
    file.create_dataset(ARRAY, (10_000_000_000,), "float32")


def looped(file, value, secret):
    file[ARRAY] = value
    file["layers/conv2d/vars/again"] = file["layers"]


def objects(file, value, secret):
    file.create_dataset(ARRAY, data=["text"], dtype=h5py.string_dtype())


def attributed(file, value, secret):
    file.create_dataset(ARRAY, data=value).attrs["dtype"] = "bfloat16"


def not_a_number(file, value, secret):
    value.flat[0] = np.nan
    file[ARRAY] = value


def infinite_half(file, value, secret):
    file[ARRAY] = np.full_like(value, np.inf, "float16")


WEIGHTS = {
    "NaN": (weights(not_a_number), "not finite: 1 of the"),
    "infinity": (weights(infinite_half), "not finite"),
    "an external link": (weights(external_link), "a ExternalLink"),
    "a soft link": (weights(soft_link), "a SoftLink"),
    "external storage": (weights(external_storage), "in another file"),
    "a virtual array": (weights(virtual), "in another file"),
    "a compressed array": (weights(compressed), "40,000,000 bytes of memory"),
    "an array that is not there": (weights(unallocated), "40,000,000,000 bytes of memory"),
    "a loop": (weights(looped), "a loop"),
    "texts": (weights(objects), "no plain array"),
    "an attribute of an array": (weights(attributed), "no plain array"),
    "no HDF5": (text("model.weights.h5", "PK"), "no HDF5"),
}
