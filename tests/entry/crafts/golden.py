"""Golden outputs with code in them, or larger than they are."""

import io
import struct
import zipfile

import numpy as np

from tests.entry.crafts.sealing import Touch, seal, text


def golden(change):
    """A golden output in which `change` wrote the array `output.npy`."""

    def craft(folder, secret, marker):
        with np.load(folder / "golden.npz") as file:
            inputs = file["input"]
        with zipfile.ZipFile(folder / "golden.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("input.npy", npy(inputs))
            change(archive, marker)
        seal(folder)

    return craft


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def pickled_array(archive, marker):
    archive.writestr("output.npy", npy(np.array([Touch(marker)], object), allow_pickle=True))


def claimed_shape(archive, marker):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000000000,), }"
    header += b" " * (53 - len(header) % 64) + b"\n"
    archive.writestr("output.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)


def zip_bomb(archive, marker):
    archive.writestr("output.npy", npy(np.zeros(1_000_000)))
    archive.infolist()[-1].file_size = 2_000_000_000


def climbing(archive, marker):
    archive.writestr("../../output.npy", npy(np.zeros(1)))


GOLDEN = {
    "a pickled array": (golden(pickled_array), "pickled objects"),
    "a shape that is not there": (golden(claimed_shape), "not as large as its shape"),
    "a zip bomb": (golden(zip_bomb), "unpack to more"),
    "a member above the folder": (golden(climbing), r"\.\./\.\./output\.npy"),
    "no zip": (text("golden.npz", "x"), "no zip file"),
}
