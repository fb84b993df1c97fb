"""HDF5: plain arrays, each stored as large as it says it is, and all in this one file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.entry.safety.refuse import damage_named, unsafe

if TYPE_CHECKING:
    import h5py

# Groups and arrays; the largest network of medzoo has some 3,000.
_MOST_OBJECTS = 200_000
_NUMBERS = "biuf"


def check_weights(path: Path) -> int:
    """Refuse weights that read other files, or need more memory than the file has bytes.

    Returns:
        Number of values in the file.

    Raises:
        IntegrityError: The file is unsafe, or no HDF5.
    """
    import h5py

    with damage_named(path, "HDF5 file"), h5py.File(path, "r") as file:
        arrays = _arrays(path, file)
        for array in arrays:
            _check_array(path, array)
        # Arrays that overlap would each be as large as they say.
        if sum(array.nbytes for array in arrays) > path.stat().st_size:
            raise unsafe(path, "its arrays are larger than the file")
        return sum(array.size for array in arrays)


def _arrays(path: Path, file: h5py.File) -> list[h5py.Dataset]:
    import h5py

    pending, seen, arrays = [file["/"]], {_address(file["/"])}, []
    while pending:
        group = pending.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise unsafe(path, f"{group.name}/{name} is a {type(link).__name__}, which may lead to another file")
            item = group[name]
            if _address(item) in seen or len(seen) >= _MOST_OBJECTS:
                raise unsafe(path, f"{group.name}/{name} is a loop, or one object too many")
            seen.add(_address(item))
            if not isinstance(item, h5py.Group | h5py.Dataset):
                raise unsafe(path, f"{group.name}/{name} is neither group nor array")
            (pending if isinstance(item, h5py.Group) else arrays).append(item)
    return arrays


def _address(item: h5py.Group | h5py.Dataset) -> int:
    import h5py

    return h5py.h5o.get_info(item.id).addr


def _check_array(path: Path, array: h5py.Dataset) -> None:
    if array.external or array.is_virtual:
        raise unsafe(path, f"the numbers of {array.name} are in another file")
    # Keras reads an attribute of an array, whose length only the attribute itself says.
    if array.shape is None or array.dtype.kind not in _NUMBERS or len(array.attrs):
        raise unsafe(path, f"{array.name} is no plain array of numbers")
    declared = math.prod(array.shape) * array.dtype.itemsize
    if array.id.get_create_plist().get_nfilters() or array.id.get_storage_size() < declared:
        raise unsafe(path, f"{array.name} would take {declared:,} bytes of memory and holds fewer")
