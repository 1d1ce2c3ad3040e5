"""Records golden/*.h5, to be read by file_test.cc.

h5py.h5 holds what h5py writes and D4RL's files hold; huge.h5 a dataset whose shape is far larger than
its bytes.
"""

import pathlib

import h5py
import numpy

path = pathlib.Path(__file__).parent / "golden" / "h5py.h5"
path.parent.mkdir(exist_ok=True)
with h5py.File(path, "w") as file:
    file.attrs["task"] = "half_cheetah"
    file.attrs["bytes"] = numpy.bytes_(b"fixed")
    file.attrs["discount"] = 0.99
    file.attrs["backup_entropy"] = True
    file.attrs["scale"] = numpy.array([5.0, 1.0, 2.0])
    rows = numpy.arange(300, dtype=numpy.float32).reshape(100, 3)
    file.create_dataset("observations", data=rows, chunks=(16, 3), compression="gzip")
    file.create_dataset("terminals", data=numpy.arange(100) % 10 == 9)
    file.create_dataset("metadata/algorithm", data="SAC")

with h5py.File(path.parent / "huge.h5", "w") as file:
    file.create_dataset("rows", shape=(10**12, 3), chunks=(16, 3), dtype=numpy.float32)
