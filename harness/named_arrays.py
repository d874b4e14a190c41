"""Arrays by name: their first samples, and how an `.npz` keeps them whatever their names.

`numpy.savez` takes names as keywords: there `file` collides with its own parameter, and `allow_pickle` is taken for its
option.

Runs in every kind of process: standard library and NumPy only.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEMBER = ".npy"


def first_samples(arrays: Mapping[str, NDArray[Any]], samples: int) -> dict[str, NDArray[Any]]:
    """The first `samples` of each array, whose first axis is the sample's; views, no copies."""
    return {name: values[:samples] for name, values in arrays.items()}


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write the arrays, of any shape and number type, to `path`: the bytes that `numpy.savez` gives where it can.

    Raises `ValueError` for Python objects, and for a name with a null character, which ends a name in a ZIP file.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, values in arrays.items():
            if "\0" in name:
                raise ValueError(f"{name!r} has a null character, and so cannot be the name of an array in a file")
            with archive.open(name + MEMBER, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(values), allow_pickle=False)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a file that `write_arrays` or `numpy.savez` wrote, by name. Raises `OSError`, `ValueError` and
    `zipfile.BadZipFile` for a file that is none."""
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            with archive.open(entry) as member:
                found[entry.removesuffix(MEMBER)] = np.lib.format.read_array(member, allow_pickle=False)
    return found
